//! `assay events`: what happened, as a server recorded it.

use super::Global;
use crate::columns::{Column, ListArgs, or_dash};
use crate::error::CommandError;
use crate::server_client::ServerArgs;
use assay_model::Digest;
use assay_server::api::event::Event;
use std::process::ExitCode;

/// List what happened, the oldest first: pushes, scans, findings that came and went, decisions, deployments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay events --server https://assay.example --kind finding-appeared\n  \
    assay events --digest sha256:4e8a7b3a2f5c… --format json\n  \
    assay events --after 120000                          what is new since the number that was seen last\n\n\
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `viewer` at least.")]
pub(crate) struct Args {
    /// Only about this image.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,

    /// Only of this kind, such as `finding-appeared`.
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,

    /// Only those after the one of this number.
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,

    #[command(flatten)]
    list: ListArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let (digest, after) =
        (args.digest.map(|digest| digest.to_string()), args.after.map(|number| number.to_string()));
    let query = [("digest", digest.as_deref()), ("kind", args.kind.as_deref()), ("after", after.as_deref())];
    let client = args.server.client(global)?;
    let events = client
        .events(&query, args.list.limit)
        .map_err(|error| error.into_command_error("cannot list what happened"))?;
    args.list.shape.print(&events, &COLUMNS)?;
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: [Column<Event>; 5] = [
    ("NUMBER", |event| event.id.to_string()),
    ("AT", |event| event.at.clone()),
    ("KIND", |event| event.kind.clone()),
    ("DIGEST", |event| or_dash(&event.digest)),
    ("DETAIL", |event| event.detail.to_string()),
];
