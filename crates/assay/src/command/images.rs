//! `assay images`: the images that a server knows.

use super::Global;
use crate::columns::{Column, ListArgs, or_dash};
use crate::error::CommandError;
use crate::server_client::ServerArgs;
use assay_model::Severity;
use assay_server::api::image::Image;
use std::process::ExitCode;

/// List the images that a server knows, in the order in which it saw them first.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay images --server https://assay.example\n  \
    assay images --server https://assay.example --repository team/app --severity critical\n  \
    assay images --unscanned --format json\n\n\
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `viewer` at least.")]
pub(crate) struct Args {
    /// Only images that were seen in this registry.
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,

    /// Only images that were seen in this repository.
    #[arg(long, value_name = "REPOSITORY")]
    repository: Option<String>,

    /// Only images with a finding of this severity that counts.
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<Severity>,

    /// Only images that were scanned.
    #[arg(long, conflicts_with = "unscanned")]
    scanned: bool,

    /// Only images that were not scanned yet.
    #[arg(long)]
    unscanned: bool,

    #[command(flatten)]
    list: ListArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let client = args.server.client(global)?;
    let scanned = match (args.scanned, args.unscanned) {
        (true, _) => Some("true"),
        (_, true) => Some("false"),
        _ => None,
    };
    let query = [
        ("registry", args.registry.as_deref()),
        ("repository", args.repository.as_deref()),
        ("severity", args.severity.map(Severity::name)),
        ("scanned", scanned),
    ];
    let images = client
        .images(&query, args.list.limit)
        .map_err(|error| error.into_command_error("cannot list the server's images"))?;
    args.list.shape.print(&images, &COLUMNS)?;
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: [Column<Image>; 5] = [
    ("IMAGE", |image| format!("{}/{}", image.registry, image.repository)),
    ("DIGEST", |image| image.digest.clone()),
    // No findings and no scan are two things.
    ("FINDINGS", |image| or_dash(&image.scanned.as_ref().map(|_| image.findings.to_string()))),
    ("SCANNED", |image| image.scanned.clone().unwrap_or_else(|| "no".to_owned())),
    ("LAST SEEN", |image| image.last_seen.clone()),
];
