//! `assay completions`: what a shell needs to complete commands and options.

use crate::error::CommandError;
use crate::output;
use clap_complete::Shell;
use std::process::ExitCode;

/// Print the completions of a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay completions bash > /etc/bash_completion.d/assay\n  \
    assay completions zsh > \"${fpath[1]}/_assay\"\n  \
    assay completions fish > ~/.config/fish/completions/assay.fish")]
pub(crate) struct Args {
    /// The shell.
    shell: Shell,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut crate::cli(), "assay", &mut bytes);
    output::print(&bytes)?;
    Ok(ExitCode::SUCCESS)
}
