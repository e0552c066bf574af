//! `assay triage`: what people decided about findings on a server, and deciding.

use super::Global;
use crate::columns::{Column, ListArgs, ShapeArgs, or_dash};
use crate::error::CommandError;
use crate::server_client::ServerArgs;
use crate::terminal;
use assay_model::Digest;
use assay_server::api::triage::{Decision, DecisionState, NewDecision};
use std::process::ExitCode;

/// Decide about findings on a server, or see what was decided.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    List(PastArgs),
    Decide(DecideArgs),
    Withdraw(WithdrawArgs),
}

/// List decisions that are in effect, in the order in which they were made.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay triage list --server https://assay.example\n  \
    assay triage list --state accepted --owner team-shop --all --format json\n\n\
    Findings about which nothing was decided are listed by `assay blast-radius ADVISORY --triage open`. \
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `viewer` at least.")]
struct PastArgs {
    /// Only about this advisory or rule, by the identifier that was decided about.
    #[arg(long, value_name = "ID")]
    advisory: Option<String>,

    /// Only of this state.
    #[arg(long, value_name = "STATE")]
    state: Option<State>,

    /// Only those for which this one answers.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,

    /// Also those that ended.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    list: ListArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Decide about findings, in one image or in all of a repository, also those that are pushed later.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("scope").required(true).args(["repository", "digest"])),
    after_help = "Examples:\n  \
    assay triage decide CVE-2022-41323 --state false-positive --package django --repository registry.example/shop/api \\\n    \
    --reason 'no translated URLs' --server https://assay.example\n  \
    assay triage decide CVE-2024-3094 --state accepted --digest sha256:4e8a7b3a2f5c… --reason 'no sshd' --expires 2027-01-31\n\n\
    It takes the place of what was decided about the same before. Findings stay counted; a verdict changes only where the server's policy \
    honours such decisions. The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `security` \
    at least.")]
struct DecideArgs {
    /// The vulnerability by any identifier, or the rule of another finding.
    #[arg(value_name = "ADVISORY|RULE")]
    advisory: String,

    /// What is decided: it is not so, the risk is taken, or it is dealt with elsewhere until a day.
    #[arg(long, value_name = "STATE")]
    state: State,

    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// In the images of this repository, named with its registry.
    #[arg(long, value_name = "REGISTRY/REPOSITORY")]
    repository: Option<String>,

    /// In this image alone.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,

    /// Only as far as it is about this package.
    #[arg(long, value_name = "NAME")]
    package: Option<String>,

    /// Who answers for it; without it who owns the repository as far as the server knows.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,

    /// When it ends; what is accepted or an exception must, within a year.
    #[arg(long, value_name = "DAY")]
    expires: Option<String>,

    #[command(flatten)]
    shape: ShapeArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Take a decision back: its findings are open again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    assay triage withdraw 12 --server https://assay.example\n\n\
    The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `security` at least.")]
struct WithdrawArgs {
    /// The number of the decision, as `assay triage list` has it.
    #[arg(value_name = "NUMBER")]
    number: u64,

    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum State {
    FalsePositive,
    Accepted,
    Exception,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::FalsePositive => "false-positive",
            Self::Accepted => "accepted",
            Self::Exception => "exception",
        }
    }
}

impl From<State> for DecisionState {
    fn from(state: State) -> Self {
        match state {
            State::FalsePositive => Self::FalsePositive,
            State::Accepted => Self::Accepted,
            State::Exception => Self::Exception,
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::List(args) => list(args, global)?,
        Action::Decide(args) => decide(args, global)?,
        Action::Withdraw(args) => {
            let client = args.server.client(global)?;
            client.withdraw(args.number).map_err(|error| {
                error.into_command_error(format!("cannot take back the decision {}", args.number))
            })?;
            terminal::note(global, &format!("the decision {} holds no more", args.number));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list(args: &PastArgs, global: &Global) -> Result<(), CommandError> {
    let query = [
        ("advisory", args.advisory.as_deref()),
        ("state", args.state.map(State::name)),
        ("owner", args.owner.as_deref()),
        ("ended", (!args.all).then_some("false")),
    ];
    let client = args.server.client(global)?;
    let decisions = client
        .decisions(&query, args.list.limit)
        .map_err(|error| error.into_command_error("cannot list decisions"))?;
    args.list.shape.print(&decisions, &COLUMNS)
}

fn decide(args: &DecideArgs, global: &Global) -> Result<(), CommandError> {
    let decision = NewDecision {
        advisory: args.advisory.clone(),
        package: args.package.clone(),
        digest: args.digest.map(|digest| digest.to_string()),
        repository: args.repository.clone(),
        state: args.state.into(),
        reason: args.reason.clone(),
        owner: args.owner.clone(),
        expires: args.expires.clone(),
    };
    let made = args
        .server
        .client(global)?
        .decide(&decision)
        .map_err(|error| error.into_command_error(format!("cannot decide about `{}`", args.advisory)))?;
    args.shape.print(&[made], &COLUMNS)
}

const COLUMNS: [Column<Decision>; 10] = [
    ("NUMBER", |one| one.id.to_string()),
    ("STATE", |one| one.state.clone()),
    ("ADVISORY", |one| one.advisory.clone()),
    ("PACKAGE", |one| or_dash(&one.package)),
    ("WHERE", |one| or_dash(&one.repository.clone().or_else(|| one.digest.clone()))),
    ("OWNER", |one| one.owner.clone()),
    ("DECIDED", |one| one.decided.clone()),
    ("EXPIRES", |one| or_dash(&one.expires)),
    ("ENDED", |one| or_dash(&one.ending)),
    ("REASON", |one| one.reason.clone()),
];
