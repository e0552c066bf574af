//! `assay attest-blob`: signed statements about files.

use super::{Global, sign_blob};
use crate::attesting::{PredicateArgs, Target};
use crate::error::CommandError;
use crate::keys::{self, KeyArgs};
use crate::services::Outside;
use crate::source::{NetworkArgs, sha256_of};
use assay_sign::make::sign_statement;
use assay_sign::statement::{Statement, Subject};
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign a statement about a file: write a Sigstore bundle that `cosign verify-blob-attestation` reads.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay attest-blob --key release.key --type cyclonedx --predicate disk.cdx.json --bundle disk.att.json disk.qcow2\n  \
    assay attest-blob --key release.key --type slsa function.zip > function.provenance.json")]
pub(crate) struct Args {
    #[command(flatten)]
    key: KeyArgs,

    #[command(flatten)]
    network: NetworkArgs,

    #[command(flatten)]
    predicate: PredicateArgs,

    /// Write the bundle to this file instead of standard output.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    bundle: Option<PathBuf>,

    /// The file that the statement is about; `-` is standard input.
    #[arg(value_name = "FILE", value_parser = super::path)]
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let digest = sha256_of(sign_blob::open(&args.file)?).map_err(|error| {
        CommandError::work(format!("cannot read `{}`", args.file.display()), error)
            .hint("check the path, and that you may read it")
    })?;
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let resource = format!("{name}@{digest}");
    let predicate = args.predicate.made(Target { resource: &resource, digest: &digest, images: &[] })?;
    let signer = keys::signer(&args.key.key, Outside::new(&args.network, global)?)?;
    let statement = Statement::new(vec![Subject::new(name, &digest)], args.predicate.uri(), predicate);
    let bundle = sign_statement(signer.as_ref(), &statement).map_err(|error| {
        CommandError::work(format!("cannot sign a statement about `{}`", args.file.display()), error)
            .hint("check the key with `assay key public KEY`")
    })?;
    sign_blob::put(&bundle, args.bundle.as_deref())?;
    Ok(ExitCode::SUCCESS)
}
