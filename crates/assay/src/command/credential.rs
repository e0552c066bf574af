//! `assay credential`: the credentials for registries that a server keeps, and the keys that encrypt them.
//!
//! A secret comes from a file, from standard input or from the terminal, never from the command line, which everybody on the machine can see.

use super::Global;
use super::key::write_new;
use crate::columns::{Column, ShapeArgs, or_dash};
use crate::credential_keys;
use crate::error::CommandError;
use crate::password;
use crate::server_client::ServerArgs;
use crate::terminal;
use assay_report::escape;
use assay_server::CredentialKey;
use assay_server::api::credential::{Credential, Kind, NewCredential, Purpose};
use std::path::PathBuf;
use std::process::ExitCode;

/// Tell a server by which credentials it asks registries; it keeps them encrypted.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Set(SetArgs),
    List(ListArgs),
    Remove(RemoveArgs),
    Rotate(RotateArgs),
    Key(KeyArgs),
}

const ROLE: &str = "The server is also named by the variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `admin`.";

/// Keep a credential for a registry or a repository, in the place of another for the same.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Examples:\n  \
    assay credential set registry.example --user robot --secret-file password.txt --server https://assay.example\n  \
    pass show registry/robot | assay credential set registry.example/team --user robot\n  \
    assay credential set registry.example/release --write --user releaser --secret-file password.txt\n\n\
    Without `--secret-file` the secret is read from standard input; where that is a terminal it is asked for. A line end behind it does not \
    belong to it. {ROLE}"))]
struct SetArgs {
    #[command(flatten)]
    place: PlaceArgs,

    /// The user. Not for tokens.
    #[arg(long, value_name = "NAME", required_if_eq("kind", "password"))]
    user: Option<String>,

    /// What the secret is: a password, a token that is exchanged for others, or one that the registry takes as it is.
    #[arg(long, value_name = "KIND", default_value = "password", value_parser = ["password", "identity", "bearer"])]
    kind: String,

    /// Read the password or token from this file.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    secret_file: Option<PathBuf>,

    #[command(flatten)]
    server: ServerArgs,
}

/// For what a credential is.
#[derive(Debug, clap::Args)]
struct PlaceArgs {
    /// For what it is written by promotions, rather than for reading.
    #[arg(long)]
    write: bool,

    /// The registry, or a repository of it, or what the names of several begin with: `registry.example/team` means all below `team`.
    #[arg(value_name = "REGISTRY[/REPOSITORY]")]
    place: String,
}

/// List the credentials that are kept, without what is secret.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Example:\n  assay credential list --server https://assay.example\n\n{ROLE}"))]
struct ListArgs {
    #[command(flatten)]
    shape: ShapeArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Forget a credential.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Example:\n  \
    assay credential remove registry.example/team --server https://assay.example\n\n{ROLE}"))]
struct RemoveArgs {
    #[command(flatten)]
    place: PlaceArgs,

    #[command(flatten)]
    server: ServerArgs,
}

/// Encrypt by the server's first key whatever another encrypted.
#[derive(Debug, clap::Args)]
#[command(after_help = format!("Example:\n  \
    assay credential rotate --server https://assay.example\n\n\
    The exit code is 1 when something cannot be opened, and so stays as it is. {ROLE}"))]
struct RotateArgs {
    #[command(flatten)]
    server: ServerArgs,
}

/// Make a key for `--credential-key` of servers and workers.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  assay credential key --out /etc/assay/credential.key")]
struct KeyArgs {
    /// Write it to this file, which only its owner can read. One that is there is not replaced.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    out: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Set(args) => set(args, global),
        Action::List(args) => list(args, global),
        Action::Remove(args) => remove(args, global),
        Action::Rotate(args) => rotate(args, global),
        Action::Key(args) => key(args, global),
    }
}

impl PlaceArgs {
    fn parts(&self) -> (&str, Option<&str>) {
        match self.place.split_once('/') {
            Some((registry, repository)) => (registry, Some(repository)),
            None => (&self.place, None),
        }
    }

    fn purpose(&self) -> Purpose {
        if self.write { Purpose::Write } else { Purpose::Read }
    }

    fn told(&self) -> String {
        format!("`{}`, for {}", self.place, if self.write { "writing" } else { "reading" })
    }
}

fn set(args: &SetArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let kind = match args.kind.as_str() {
        "identity" => Kind::Identity,
        "bearer" => Kind::Bearer,
        _ => Kind::Password,
    };
    if kind != Kind::Password && args.user.is_some() {
        return Err(CommandError::usage("a token has no user").hint("leave out `--user`"));
    }
    let client = args.server.client(global)?;
    let secret = password::secret(args.secret_file.as_deref(), "Password or token: ")?;
    let (registry, repository) = args.place.parts();
    let new = NewCredential {
        registry: registry.to_owned(),
        repository: repository.map(str::to_owned),
        purpose: args.place.purpose(),
        kind,
        user: args.user.clone(),
        secret: (*secret).clone(),
    };
    let kept = client
        .set_credential(&new)
        .map_err(|error| error.into_command_error("the server does not keep the credential"))?;
    let told = format!("the credential for {} is kept, encrypted by the key {}", args.place.told(), kept.key);
    terminal::note(global, &escape::terminal(&told));
    Ok(ExitCode::SUCCESS)
}

fn list(args: &ListArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let client = args.server.client(global)?;
    let all = client
        .credentials(None)
        .map_err(|error| error.into_command_error("cannot list the server's credentials"))?;
    args.shape.print(&all, COLUMNS)?;
    Ok(ExitCode::SUCCESS)
}

const COLUMNS: &[Column<Credential>] = &[
    ("FOR", |one| match &one.repository {
        Some(repository) => format!("{}/{repository}", one.registry),
        None => one.registry.clone(),
    }),
    ("PURPOSE", |one| if one.purpose == Purpose::Write { "write" } else { "read" }.to_owned()),
    ("KIND", |one| {
        match one.kind {
            Kind::Password => "password",
            Kind::Identity => "identity",
            Kind::Bearer => "bearer",
        }
        .to_owned()
    }),
    ("USER", |one| or_dash(&one.user)),
    ("SET BY", |one| one.set_by.clone()),
    ("SET", |one| one.set.clone()),
    ("LAST USED", |one| or_dash(&one.used)),
    ("KEY", |one| one.key.clone()),
    ("OPENS", |one| if one.opens { "yes" } else { "no" }.to_owned()),
];

fn remove(args: &RemoveArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let client = args.server.client(global)?;
    let failed = "cannot remove the credential at the server";
    let (registry, repository) = args.place.parts();
    let all = client.credentials(Some(registry)).map_err(|error| error.into_command_error(failed))?;
    let same =
        |one: &&Credential| one.repository.as_deref() == repository && one.purpose == args.place.purpose();
    let Some(one) = all.iter().find(same) else {
        return Err(CommandError::usage(format!("there is no credential for {}", args.place.told()))
            .hint("see what there is with `assay credential list`"));
    };
    client.remove_credential(one.id).map_err(|error| error.into_command_error(failed))?;
    terminal::note(
        global,
        &escape::terminal(&format!("the credential for {} is forgotten", args.place.told())),
    );
    Ok(ExitCode::SUCCESS)
}

fn rotate(args: &RotateArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let client = args.server.client(global)?;
    let done = client
        .rotate_credentials()
        .map_err(|error| error.into_command_error("the server did not encrypt its credentials anew"))?;
    let told = format!("credentials encrypted anew by the key {}: {}", done.key, done.encrypted.len());
    terminal::note(global, &escape::terminal(&told));
    for place in &done.unopened {
        let told = format!("error: the credential for {place} cannot be opened, and stays as it is\n");
        terminal::stderr(&escape::terminal(&told));
    }
    Ok(if done.unopened.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn key(args: &KeyArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let failed = || format!("cannot make the key `{}`", args.out.display());
    let text = CredentialKey::generate().map_err(|error| CommandError::work(failed(), error))?;
    write_new(&args.out, format!("{}\n", *text).as_bytes(), 0o600, false).map_err(|error| {
        CommandError::work(failed(), error)
            .hint("name a file that is not there yet, in a folder that you may write to, with `--out FILE`")
    })?;
    let key = credential_keys::read(&args.out)?;
    terminal::note(global, &format!("wrote `{}`, the key {}", args.out.display(), key.name()));
    Ok(ExitCode::SUCCESS)
}
