//! `assay man`: manual pages in troff, made from the definitions of commands and options.

use crate::error::CommandError;
use crate::output;
use std::path::PathBuf;
use std::process::ExitCode;

/// Print the manual page, or write a page for each command into a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay man | man -l -\n  \
    assay man --output /usr/local/share/man/man1")]
pub(crate) struct Args {
    /// Write a page for each command into this folder, which must be there.
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let command = crate::cli();
    match &args.output {
        Some(folder) => clap_mangen::generate_to(command, folder).map_err(|error| {
            CommandError::work(format!("cannot write manual pages into `{}`", folder.display()), error)
                .hint("name a folder that is there and that you may write to")
        })?,
        None => {
            let mut bytes = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut bytes)
                .map_err(|error| CommandError::work("cannot write the manual page", error))?;
            output::print(bytes)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
