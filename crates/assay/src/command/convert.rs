//! `assay convert`: a report that was kept, in another format.

use super::scan::{self, ShowArgs};
use crate::error::CommandError;
use crate::source::read_file;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a report that was kept as JSON in another format; nothing is scanned again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay convert report.json                                  as a table\n  \
    assay convert report.json --format sarif --output a.sarif\n  \
    assay convert report.json --output sarif=a.sarif --output cyclonedx=a.cdx.json")]
pub(crate) struct Args {
    /// The report: what `assay scan --format json` wrote.
    #[arg(value_name = "REPORT", value_parser = super::path)]
    report: PathBuf,

    #[command(flatten)]
    show: ShowArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the report `{}`", args.report.display()), error)
            .hint("name a report written by `assay scan SOURCE --format json --output FILE`")
    };
    let bytes = read_file(&args.report).map_err(|error| failed(error.into()))?;
    let (report, hidden) = assay_report::format::read(&bytes).map_err(|error| failed(error.into()))?;
    scan::write(&args.show, &report, hidden)?;
    Ok(ExitCode::SUCCESS)
}
