//! `assay deployment`: what runs where, told to a server and asked of it.

use super::Global;
use crate::columns::{Column, ListArgs, or_dash};
use crate::error::CommandError;
use crate::repository;
use crate::server_client::ServerArgs;
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::Digest;
use assay_oci::{Access, Reference};
use assay_report::escape;
use assay_server::api::deployment::{Deployment, NewDeployment};
use std::process::ExitCode;

/// Tell a server what runs where, or ask it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Record(RecordArgs),
    End(EndArgs),
    List(AskArgs),
}

/// Record that a service runs an image from now on, or that what it runs works.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay deployment record --server https://assay.example --environment production --service shop registry.example/shop:1.4\n  \
    assay deployment record --server https://assay.example --environment production --service shop --good        once it works\n\n\
    What runs, and the last image of each service that was good, is never forgotten by the server. It is also named by the \
    variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `developer` at least.")]
struct RecordArgs {
    #[command(flatten)]
    service: ServiceArgs,

    /// The digest of the image, if it is not to be asked of the registry.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,

    /// It works: this is what to go back to when the next image does not.
    #[arg(long)]
    good: bool,

    /// Whose the service is.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,

    /// Which team's it is.
    #[arg(long, value_name = "NAME")]
    team: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,

    /// The image, in a registry. Its tag is asked for the digest.
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
}

/// Record that a service runs no more.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    assay deployment end --server https://assay.example --environment staging --service shop")]
struct EndArgs {
    #[command(flatten)]
    service: ServiceArgs,
}

/// List what services run, in the order in which it was recorded.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay deployment list --server https://assay.example --environment production\n  \
    assay deployment list --service shop --all --format json\n\n\
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `viewer` at least.")]
struct AskArgs {
    /// Only in this environment.
    #[arg(long, value_name = "NAME")]
    environment: Option<String>,

    /// Only of this service.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Only of this image.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,

    /// Also what has ended.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    list: ListArgs,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, clap::Args)]
struct ServiceArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// The environment, such as `production`.
    #[arg(long, value_name = "NAME")]
    environment: String,

    /// The service.
    #[arg(long, value_name = "NAME")]
    service: String,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Record(args) => record(args, global)?,
        Action::End(args) => {
            let client = args.service.server.client(global)?;
            client
                .undeploy(&args.service.environment, &args.service.service)
                .map_err(|error| error.into_command_error("cannot record the end at the server"))?;
        }
        Action::List(args) => list(args, global)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &AskArgs, global: &Global) -> Result<(), CommandError> {
    let digest = args.digest.map(|digest| digest.to_string());
    let query = [
        ("environment", args.environment.as_deref()),
        ("service", args.service.as_deref()),
        ("digest", digest.as_deref()),
        ("running", (!args.all).then_some("true")),
    ];
    let client = args.server.client(global)?;
    let deployments = client
        .deployments(&query, args.list.limit)
        .map_err(|error| error.into_command_error("cannot list what runs"))?;
    args.list.shape.print(&deployments, &COLUMNS)
}

const COLUMNS: [Column<Deployment>; 8] = [
    ("ENVIRONMENT", |one| one.environment.clone()),
    ("SERVICE", |one| one.service.clone()),
    ("DIGEST", |one| one.digest.clone()),
    ("SINCE", |one| one.since.clone()),
    ("ENDED", |one| or_dash(&one.ended)),
    ("GOOD", |one| if one.good { "yes" } else { "-" }.to_owned()),
    ("OWNER", |one| or_dash(&one.owner)),
    ("TEAM", |one| or_dash(&one.team)),
];

fn record(args: &RecordArgs, global: &Global) -> Result<(), CommandError> {
    let client = args.service.server.client(global)?;
    if args.image.is_none() && args.digest.is_none() && !args.good {
        return Err(CommandError::usage("it is not said what the service runs")
            .hint("name it as IMAGE, or its digest with `--digest DIGEST`; `--good` alone is about what it runs already"));
    }
    let image = match &args.image {
        Some(text) => Some(image(text, args, global)?),
        None => None,
    };
    let deployment = NewDeployment {
        digest: args.digest.filter(|_| image.is_none()).map(|digest| digest.to_string()),
        image,
        good: args.good,
        owner: args.owner.clone(),
        team: args.team.clone(),
    };
    let runs = client
        .deploy(&args.service.environment, &args.service.service, &deployment)
        .map_err(|error| error.into_command_error("cannot record the deployment at the server"))?;
    let told =
        format!("`{}` runs {} in `{}` since {}", runs.service, runs.digest, runs.environment, runs.since);
    terminal::note(global, &escape::terminal(&told));
    Ok(())
}

/// Returns the image with its digest and without its tag, which may name another one tomorrow.
fn image(text: &str, args: &RecordArgs, global: &Global) -> Result<String, CommandError> {
    let reference: Reference =
        text.parse().map_err(|error| repository::failed("record the deployment of", text, error))?;
    let digest = match args.digest.or_else(|| reference.digest()) {
        Some(digest) => digest,
        None => {
            let found = repository::locate(text, Access::Read, &args.network, global)?;
            found.image.descriptor.digest
        }
    };
    Ok(format!("{}/{}@{digest}", reference.registry(), reference.repository()))
}
