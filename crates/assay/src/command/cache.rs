//! `assay cache`: what is kept of layers that were read before.

use super::Global;
use crate::bytes::Bytes;
use crate::error::CommandError;
use crate::output;
use crate::source;
use assay_engine::{CacheError, CacheStatus};
use std::process::ExitCode;

/// Show or empty the cache of layer analyses.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay cache status             how much is kept, and where\n  \
    assay cache clear              forget every layer; the vulnerability database stays")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Say where the cache is and how much it holds.
    Status,
    /// Forget every layer. Running scans are not disturbed.
    Clear,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let cache = source::layer_cache(global);
    let failed = |error: CacheError| {
        CommandError::work("cannot use the cache of layers", error)
            .hint("name another folder with `--cache-dir` or `ASSAY_CACHE_DIR`")
    };
    let folder = cache.folder().display();
    let text = match args.action {
        Action::Status => {
            let status = cache.status().map_err(failed)?;
            format!("folder  {folder}\nholds   {}\nbound   {}\n", held(status), global.cache_size)
        }
        Action::Clear => {
            let status = cache.clear().map_err(failed)?;
            format!("removed {} from {folder}\n", held(status))
        }
    };
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

fn held(status: CacheStatus) -> String {
    format!("{}, {}", assay_report::summary::count(status.layers, "layer"), Bytes(status.bytes))
}
