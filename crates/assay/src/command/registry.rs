//! `assay registry`: the upkeep of registries.

use super::Global;
use crate::error::CommandError;
use std::process::ExitCode;

mod known;
mod prune;

/// Look after registries.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Prune(prune::Args),
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Prune(args) => prune::run(args, global),
    }
}
