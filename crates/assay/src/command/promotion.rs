//! `assay promotion`: what a server promoted, and asking it to promote.
//!
//! `assay promote` carries an image by itself, with the credentials that lie here; this leaves judging and copying to the server.

use super::Global;
use crate::columns::{Column, ListArgs, ShapeArgs, or_dash};
use crate::error::CommandError;
use crate::server_client::ServerArgs;
use assay_server::api::promotion::{DuePromotion, NewPromotion, Promotion};
use std::process::ExitCode;

/// Ask a server to promote an image, or what it promoted.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Ask(AskArgs),
    List(PastArgs),
}

/// Ask for a promotion: the server judges the image by its policy, and copies it if that admits it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay promotion ask registry.example/incoming/app:1.4 --server https://assay.example\n  \
    assay promotion ask registry.example/incoming/app@sha256:4e8a7b3a2f5c… --tag 1.4\n\n\
    What came of it is in `assay promotion list`, and why not in `assay events`. The server promotes what it was started for: \
    `assay serve --promote INCOMING=RELEASE`. It is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role \
    is `security` at least.")]
struct AskArgs {
    /// The image in its incoming repository, by tag or digest.
    #[arg(value_name = "SOURCE")]
    source: String,

    /// The release repository, where there are several.
    #[arg(long, value_name = "REPOSITORY")]
    target: Option<String>,

    /// The tag that it gets, if not that of the source.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,

    /// Let a tag that names another image be moved.
    #[arg(long = "move")]
    moves: bool,

    #[command(flatten)]
    shape: ShapeArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// List what was promoted, in the order in which it began.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    assay promotion list --server https://assay.example\n\n\
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `viewer` at least.")]
struct PastArgs {
    #[command(flatten)]
    list: ListArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Ask(args) => ask(args, global)?,
        Action::List(args) => {
            let client = args.server.client(global)?;
            let promotions = client
                .promotions(args.list.limit)
                .map_err(|error| error.into_command_error("cannot list promotions"))?;
            args.list.shape.print(&promotions, &COLUMNS)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(args: &AskArgs, global: &Global) -> Result<(), CommandError> {
    let promotion = NewPromotion {
        source: args.source.clone(),
        target: args.target.clone(),
        tag: args.tag.clone(),
        moves: args.moves,
    };
    let due = args
        .server
        .client(global)?
        .ask_for_promotion(&promotion)
        .map_err(|error| error.into_command_error(format!("cannot have `{}` promoted", args.source)))?;
    args.shape.print(&[due], &DUE)
}

const DUE: [Column<DuePromotion>; 3] = [
    ("SOURCE", |due| due.source.clone()),
    ("TARGET", |due| due.target.clone()),
    ("STATE", |due| due.state.clone()),
];

const COLUMNS: [Column<Promotion>; 8] = [
    ("NUMBER", |one| one.id.to_string()),
    ("SOURCE", |one| one.source.clone()),
    ("TARGET", |one| one.target.clone()),
    ("VERDICT", |one| one.verdict.clone()),
    ("ASKED BY", |one| one.actor.clone()),
    ("STARTED", |one| one.started.clone()),
    ("FINISHED", |one| or_dash(&one.finished)),
    ("MOVED TO", |one| or_dash(&one.moved_to)),
];
