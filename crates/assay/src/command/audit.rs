//! `assay audit`: whether the server's log of who did what is whole.

use crate::error::CommandError;
use crate::source::read_file;
use crate::terminal;
use assay_server::RunError;
use assay_sign::key::PublicKey;
use assay_store::{Address, Checkpoint};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What a checkpoint says that it is.
const SCHEMA: &str = "assay.audit-checkpoint/v1";

/// Check the server's audit log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Verify(VerifyArgs),
}

/// Go through the whole log: each entry holds the hash of the one before it, so a change of any is found.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay audit verify --data /var/lib/assay --json > checkpoint.json\n  \
    assay audit verify --data /var/lib/assay --checkpoint checkpoint.json\n  \
    assay audit verify --data /var/lib/assay --checkpoint checkpoints.jsonl --key audit.pub\n\n\
    Entries removed from the end are found only against a checkpoint that was kept elsewhere: `assay serve --audit-checkpoints FILE` \
    writes signed ones. The exit code is 1 when the log is not whole.")]
struct VerifyArgs {
    /// The server's folder.
    #[arg(long, value_name = "DIR", value_parser = super::path, required_unless_present = "database")]
    data: Option<PathBuf>,

    /// The server's database on PostgreSQL.
    #[arg(long, value_name = "URL", env = "ASSAY_DATABASE", hide_env_values = true)]
    database: Option<Address>,

    /// The log must contain the entry that this checkpoint names; of a file of several, all of them.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    checkpoint: Option<PathBuf>,

    /// The checkpoints must be signed by this key of the server (PEM): `audit.pub` in its folder.
    #[arg(long, value_name = "FILE", value_parser = super::path, requires = "checkpoint")]
    key: Option<PathBuf>,

    /// Print the end of the log as JSON, to be kept as a checkpoint.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Verify(args) => verify(args),
    }
}

fn verify(args: &VerifyArgs) -> Result<ExitCode, CommandError> {
    let address = match (&args.database, &args.data) {
        (Some(address), None) => address.clone(),
        (database, data) => {
            let data = data.clone().unwrap_or_default();
            let folder = data.canonicalize().map_err(|error| {
                CommandError::work(format!("cannot use the folder `{}`", data.display()), error)
                    .hint("name the folder of the server with `--data DIR`")
            })?;
            let file = folder.join("assay-server.db");
            // The environment may name another database, where nobody sees it: a log that is in the folder that was named is meant.
            match database {
                Some(address) if !file.is_file() => address.clone(),
                _ => Address::File(file),
            }
        }
    };
    let key = args.key.as_deref().map(public_key).transpose()?;
    let checkpoints = match &args.checkpoint {
        Some(path) => read(path, key.as_ref())?,
        None => Vec::new(),
    };
    let verified = assay_server::verify_audit(&address, &checkpoints).map_err(unreadable)?;
    let (text, code) = match verified {
        Ok(end) if args.json => {
            let document =
                serde_json::json!({ "schema": SCHEMA, "sequence": end.sequence, "hash": end.hash });
            (format!("{document}\n"), ExitCode::SUCCESS)
        }
        Ok(end) => (
            format!("the audit log is whole: {} entries, the last of which is {}\n", end.sequence, end.hash),
            ExitCode::SUCCESS,
        ),
        Err(fault) => {
            terminal::stderr(&format!("error: {fault}\n"));
            return Ok(ExitCode::from(1));
        }
    };
    terminal::stdout(text.as_bytes())
        .map_err(|error| CommandError::work("cannot write the result", error))?;
    Ok(code)
}

fn unreadable(error: RunError) -> CommandError {
    CommandError::work("cannot read the audit log", error)
        .hint("name the folder of the server with `--data DIR`, or its database with `--database URL`")
}

fn read(path: &Path, key: Option<&PublicKey>) -> Result<Vec<Checkpoint>, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot use the checkpoint `{}`", path.display()), error)
            .hint("write one with `assay audit verify --data DIR --json > checkpoint.json`, or let the server with `--audit-checkpoints FILE`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    // One document, or what a server appended: one in each line.
    if let Ok(one) = assay_server::read_checkpoint(&bytes, key) {
        return Ok(vec![one]);
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let read: Result<Vec<_>, _> = lines.map(|line| assay_server::read_checkpoint(line, key)).collect();
    match read {
        Ok(all) if all.is_empty() => Err(failed("it holds none".into())),
        Ok(all) => Ok(all),
        Err(error) => Err(failed(error.into())),
    }
}

fn public_key(path: &Path) -> Result<PublicKey, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot use the key `{}`", path.display()), error)
            .hint("name the server's public key: `audit.pub` in its folder, kept elsewhere")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = std::str::from_utf8(&bytes).map_err(|error| failed(error.into()))?;
    PublicKey::from_pem(text).map_err(|error| failed(error.into()))
}
