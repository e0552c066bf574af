//! `assay demo`: the whole story in a minute, on this machine alone.

use super::Global;
use super::worker::run_error;
use crate::environment;
use crate::error::CommandError;
use crate::terminal;
use assay_server::{Demo, DemoError};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

/// Show the server at work: a registry, made-up images, a policy, and a vulnerability that becomes known.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  assay demo\n  assay demo --listen 127.0.0.1:9000")]
pub(crate) struct Args {
    /// Where the server listens, on this machine.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

/// Runs the command.
pub(super) fn run(args: &Args, _: &Global) -> Result<ExitCode, CommandError> {
    let folder = tempfile::tempdir_in(environment::scratch_folder()).map_err(|error| {
        CommandError::work("cannot make a folder for the demo", error)
            .hint("name a folder that you may write to with `TMPDIR=DIR`")
    })?;
    let ended = assay_server::demo(Demo {
        listen: args.listen,
        folder: folder.path().to_owned(),
        name: environment::process(),
        clock: Arc::new(environment::moment),
        tell: Arc::new(|text| terminal::stderr(&format!("{text}\n"))),
    });
    ended.map_err(|error| match error {
        DemoError::Run(error) => run_error(error),
        error => CommandError::work("there is no demo", error).hint("please report this"),
    })?;
    Ok(ExitCode::SUCCESS)
}
