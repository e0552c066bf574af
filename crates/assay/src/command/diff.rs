//! `assay diff`: what changed between two images, bills of materials or reports.

mod reproducible;

use super::Global;
use crate::config::Settings;
use crate::context::ContextArgs;
use crate::error::CommandError;
use crate::output;
use crate::source::{self, SourceArgs, VexArgs, read_file};
use assay_model::Report;
use assay_model::report::SourceKind;
use assay_report::diff::{DiffFormat, Side, SideKind, diff, write_diff};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Say what changed: packages, findings, layers and settings.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay diff registry.example/app:1.0 registry.example/app:1.1\n  \
    assay diff --files old.tar new.tar                           with every file that changed\n  \
    assay diff last-release.json app.tar --format markdown       a kept report, and an image\n  \
    assay diff old.cdx.json new.spdx.json --format json          two bills of materials\n  \
    assay diff --reproducible registry.example/app:1.0 oci:rebuilt    is every byte the same?\n\n\
    Exit codes: 0 compared, whatever changed; 2 a side could not be read.\n\
    With --reproducible: 0 equal; 1 not equal; 2 something could not be compared.")]
pub(crate) struct Args {
    /// The old side: an image, folder or bill of materials, named as for `assay scan`, or a report written as JSON.
    #[arg(value_name = "OLD")]
    old: String,

    /// The new side.
    #[arg(value_name = "NEW")]
    new: String,

    #[command(flatten)]
    source: SourceArgs,

    #[command(flatten)]
    context: ContextArgs,

    #[command(flatten)]
    vex: VexArgs,

    /// Compare two builds of the same image instead: is every byte the same, and if not, why?
    #[arg(long, conflicts_with_all = ["vex", "files"])]
    reproducible: bool,

    /// With `--reproducible`, call builds equal that differ in these causes only: timestamp, order, compression, history …
    #[arg(long, value_name = "CAUSE,…", value_delimiter = ',', requires = "reproducible")]
    ignore: Vec<String>,

    /// Compare files one by one, too: size, permissions, owner and content. Reads every layer of both sides.
    #[arg(long)]
    files: bool,

    /// The format: table, json or markdown.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: DiffFormat,

    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE", value_parser = super::path)]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(mut args: Args, global: &Global) -> Result<ExitCode, CommandError> {
    if args.reproducible {
        return reproducible::run(&args, global);
    }
    if args.files {
        args.source.with_files();
    }
    let args = &args;
    let (old, new) = (kept(&args.old)?, kept(&args.new)?);
    // Two reports need no database.
    let database = match (&old, &new) {
        (Some(_), Some(_)) => None,
        _ => Some(source::open_database(global)?),
    };
    let settings = Settings::load(&args.context, global)?;
    let vex = args.vex.documents(global)?;
    let report = |kept: Option<Report>, text: &str| -> Result<(SideKind, Report), CommandError> {
        if let Some(report) = kept {
            return Ok((SideKind::Report, report));
        }
        let Some((database, built_in)) = &database else {
            return Err(CommandError::usage(format!("`{text}` is no report")));
        };
        let report = source::report(text, &args.source, global, (database, *built_in), &settings, &vex)?;
        let kind = match report.source {
            SourceKind::Dir | SourceKind::File | SourceKind::Vm | SourceKind::Function => SideKind::Folder,
            SourceKind::Sbom => SideKind::Sbom,
            _ => SideKind::Image,
        };
        Ok((kind, report))
    };
    let (old_kind, old) = report(old, &args.old)?;
    let (new_kind, new) = report(new, &args.new)?;
    let difference = diff(Side { kind: old_kind, report: &old }, Side { kind: new_kind, report: &new });
    let mut bytes = Vec::new();
    write_diff(&difference, args.format, &mut bytes)
        .map_err(|error| CommandError::work("cannot write the difference", error))?;
    output::put(args.output.as_deref(), &bytes)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads a report that was kept; `None` when it is something else.
fn kept(text: &str) -> Result<Option<Report>, CommandError> {
    use std::io::Read as _;
    let path = Path::new(text);
    if !path.is_file() {
        return Ok(None);
    }
    let mut head = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
    let wanted = assay_report::format::JSON_SCHEMA.as_bytes();
    if read.is_err() || !head.windows(wanted.len()).any(|window| window == wanted) {
        return Ok(None);
    }
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the report `{text}`"), error)
            .hint("write it again with `assay scan SOURCE --format json --output FILE`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let (report, _) = assay_report::format::read(&bytes).map_err(|error| failed(error.into()))?;
    Ok(Some(report))
}
