//! `assay sign-blob`: signatures of files, such as disks, zips and archives.

use super::Global;
use super::sign::KMS_ALGORITHM;
use crate::error::CommandError;
use crate::keys::{self, KeyArgs};
use crate::output;
use crate::services::Outside;
use crate::source::NetworkArgs;
use assay_sign::bundle::{Bundle, Content};
use assay_sign::kms::KmsError;
use assay_sign::make::{SignFileError, sign_file};
use assay_sign::signer::SignError;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Sign a file: write a Sigstore bundle that `assay verify-blob` and `cosign verify-blob` read.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay sign-blob --key release.key --bundle disk.qcow2.sigstore.json disk.qcow2\n  \
    assay sign-blob --key release.key function.zip > function.zip.sigstore.json")]
pub(crate) struct Args {
    #[command(flatten)]
    key: KeyArgs,

    #[command(flatten)]
    network: NetworkArgs,

    /// Write the bundle to this file instead of standard output.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    bundle: Option<PathBuf>,

    /// Write the bare signature in base64 to this file, too, for verifiers that know no bundles.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    output_signature: Option<PathBuf>,

    /// The file to sign; `-` is standard input.
    #[arg(value_name = "FILE", value_parser = super::path)]
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let mut file = open(&args.file)?;
    let signer = keys::signer(&args.key.key, Outside::new(&args.network, global)?)?;
    let (bundle, _) = sign_file(signer.as_ref(), &mut file).map_err(|error| failed(&args.file, error))?;
    if let (Some(path), Content::Message(message)) = (&args.output_signature, &bundle.content) {
        output::write(path, format!("{}\n", message.signature.encoded()))?;
    }
    put(&bundle, args.bundle.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Opens what is to be signed.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, CommandError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| {
        CommandError::work(format!("cannot read `{}`", path.display()), error)
            .hint("check the path, and that you may read it")
    })?;
    Ok(Box::new(file))
}

fn failed(path: &Path, error: SignFileError) -> CommandError {
    let hint = match &error {
        SignFileError::Sign(SignError::NeedsMessage) => {
            "sign so large a file with an ECDSA key in a file, a key service or a token: `assay key generate --out NAME` makes one"
        }
        SignFileError::Sign(SignError::Kms(KmsError::Algorithm(_))) => KMS_ALGORITHM,
        SignFileError::Sign(_) => "check the key with `assay key public KEY`",
        _ => "check the path, and that you may read it",
    };
    CommandError::work(format!("cannot sign `{}`", path.display()), error).hint(hint)
}

/// Writes a bundle to a file, or to standard output.
pub(super) fn put(bundle: &Bundle, path: Option<&Path>) -> Result<(), CommandError> {
    let mut bytes = bundle.to_json();
    bytes.push(b'\n');
    output::put(path, bytes)
}
