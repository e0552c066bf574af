//! `assay verify-blob`: whether a file is signed by someone who is trusted.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::read_file;
use crate::terminal;
use crate::trusting::{self, SignersArgs};
use crate::verifying::{self, Format};
use assay_model::Digest;
use assay_report::escape;
use assay_sign::bundle::Bundle;
use assay_sign::predicate::PredicateType;
use assay_sign::statement::SIGN;
use assay_sign::verify::{Artifact, Code, LogPolicy, Refusal, Trust, Verified, bundle};
use serde::Serialize;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Verify who signed a file, by its Sigstore bundle.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay verify-blob --key release.pub --bundle disk.qcow2.sigstore.json disk.qcow2\n  \
    assay verify-blob --key release.pub --bundle app.zip.sigstore.json sha256:…\n  \
    assay verify-blob --certificate-identity me@example.com --certificate-oidc-issuer https://accounts.google.com \\\n      \
    --bundle app.zip.sigstore.json app.zip\n  \
    assay verify-blob --key build.pub --type slsa --bundle app.zip.intoto.json app.zip\n\n\
    An attestation of a file is not a signature of it: ask for one with `--type`.\n\n\
    Exit codes: 0 verified; 1 not verified; 2 it could not be found out.")]
pub(crate) struct Args {
    #[command(flatten)]
    signers: SignersArgs,

    /// The bundle: the file that `assay sign-blob` or `cosign sign-blob` wrote.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    bundle: PathBuf,

    /// Verify an attestation instead of a signature: slsa, cyclonedx, spdx, vuln, vulns, openvex, verdict, link, custom, the
    /// URI of a predicate type, or `any`.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,

    /// The format: table or json.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,

    /// The file, or its digest as `sha256:…`.
    #[arg(value_name = "FILE|DIGEST")]
    artifact: String,
}

/// The largest file that is held in memory, for keys that sign a whole file rather than its digest.
const MAX_HELD: u64 = 64 << 20;

/// What verification came to; what programs read.
#[derive(Serialize)]
struct Verification<'a> {
    schema: &'static str,
    artifact: &'a str,
    verified: bool,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Verified>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<&'a Refusal>,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let keys = args.signers.keys(global)?;
    let identity = args.signers.identity()?;
    // A bundle has one signer, and which kind is meant must be plain.
    if !keys.is_empty() && identity.is_some() {
        return Err(CommandError::usage("a bundle is verified with a key or an identity, not with both")
            .hint("leave out `--key`, or the options `--certificate-…`"));
    }
    let root = args.signers.sigstore()?;
    let wanted = args.kind.as_deref().map(kind).transpose()?;
    let shown = args.bundle.display();
    let bytes = read_file(&args.bundle).map_err(|error| {
        CommandError::work(format!("cannot read the bundle `{shown}`"), error)
            .hint("name the file that `assay sign-blob --bundle FILE` wrote")
    })?;
    let parsed = Bundle::parse(&bytes).map_err(|error| {
        CommandError::work(format!("cannot read the bundle `{shown}`"), error)
            .hint("name the file that `assay sign-blob --bundle FILE` wrote")
    })?;
    let now = environment::clock();
    let held;
    let artifact = match digest(&args.artifact) {
        Some(digest) => Artifact::from_digest(&digest),
        None => {
            held = Held::read(Path::new(&args.artifact))?;
            held.artifact()
        }
    };
    let mut result: Result<Verified, Refusal> = match &identity {
        Some(policy) => {
            let trust = Trust::Identities(std::slice::from_ref(policy));
            bundle(&parsed, &artifact, trust, &root, LogPolicy::Required, now)
        }
        None if keys.is_empty() => return Err(trusting::nobody()),
        None => {
            let mut result = Err(Refusal::new(Code::WrongKey, "no key is trusted"));
            for key in &keys {
                result = bundle(&parsed, &artifact, Trust::Key(key), &root, args.signers.key_log(), now);
                if result.is_ok() {
                    break;
                }
            }
            result
        }
    };
    if let Ok(verified) = &result
        && let Err(refusal) = check(verified, wanted.as_ref())
    {
        result = Err(refusal);
    }
    print(args, &result)?;
    Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// What kind of attestation is wanted.
enum Kind {
    Any,
    One(PredicateType),
}

fn kind(text: &str) -> Result<Kind, CommandError> {
    if text == "any" {
        return Ok(Kind::Any);
    }
    text.parse().map(Kind::One).map_err(|error| {
        CommandError::usage(format!("`{text}` is no type of attestation")).also([format!("{error}")])
    })
}

fn check(verified: &Verified, wanted: Option<&Kind>) -> Result<(), Refusal> {
    let have = verified.statement.as_ref().map(|statement| statement.predicate_type.as_str());
    let wrong = |message: String| Err(Refusal::new(Code::WrongPredicate, message));
    match (wanted, have) {
        (None | Some(Kind::Any), None | Some(SIGN)) | (Some(Kind::Any), Some(_)) => Ok(()),
        (None, Some(other)) => {
            wrong(format!("an attestation of `{other}`, not a signature; ask for it with `--type {other}`"))
        }
        (Some(Kind::One(kind)), Some(have)) if kind.uri() == have => Ok(()),
        (Some(Kind::One(kind)), have) => {
            let have =
                have.map_or_else(|| "a signature".to_owned(), |have| format!("an attestation of `{have}`"));
            wrong(format!("{have}, not an attestation of `{}`", kind.uri()))
        }
    }
}

/// Reads a digest, unless a file has that name.
fn digest(text: &str) -> Option<Digest> {
    let digest = text.parse().ok()?;
    (!Path::new(text).exists()).then_some(digest)
}

/// A file: whole when it is small, by its digests when it is large.
enum Held {
    Whole(Vec<u8>),
    Digests(Vec<(assay_sign::key::Hash, Vec<u8>)>),
}

impl Held {
    fn read(path: &Path) -> Result<Self, CommandError> {
        use sha2::Digest as _;
        use std::io::Read as _;
        let failed = |error: std::io::Error| {
            CommandError::work(format!("cannot read `{}`", path.display()), error)
                .hint("check the path, or give the file's digest as `sha256:…`")
        };
        let mut file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        file.by_ref().take(MAX_HELD).read_to_end(&mut bytes).map_err(failed)?;
        let mut buffer = vec![0; 1 << 16];
        let mut count = file.read(&mut buffer).map_err(failed)?;
        if count == 0 {
            return Ok(Self::Whole(bytes));
        }
        let (mut sha256, mut sha384, mut sha512) =
            (sha2::Sha256::new(), sha2::Sha384::new(), sha2::Sha512::new());
        let mut update = |bytes: &[u8]| {
            sha256.update(bytes);
            sha384.update(bytes);
            sha512.update(bytes);
        };
        update(&bytes);
        drop(bytes);
        while count > 0 {
            update(buffer.get(..count).unwrap_or_default());
            count = file.read(&mut buffer).map_err(failed)?;
        }
        Ok(Self::Digests(vec![
            (assay_sign::key::Hash::Sha256, sha256.finalize().to_vec()),
            (assay_sign::key::Hash::Sha384, sha384.finalize().to_vec()),
            (assay_sign::key::Hash::Sha512, sha512.finalize().to_vec()),
        ]))
    }

    fn artifact(&self) -> Artifact<'_> {
        match self {
            Self::Whole(bytes) => Artifact::from_bytes(bytes),
            Self::Digests(digests) => Artifact::from_digests(digests.clone()),
        }
    }
}

fn print(args: &Args, result: &Result<Verified, Refusal>) -> Result<(), CommandError> {
    let text = match args.format {
        Format::Json => verifying::json(&Verification {
            schema: "assay.blob-verification/v1",
            artifact: &args.artifact,
            verified: result.is_ok(),
            evidence: result.as_ref().ok(),
            refused: result.as_ref().err(),
        })?,
        Format::Table => {
            let line = match result {
                Ok(verified) => {
                    match verified.statement.as_ref().filter(|statement| statement.predicate_type != SIGN) {
                        Some(statement) => {
                            format!(
                                "verified: {} ({}), {}",
                                args.artifact,
                                statement.predicate_type,
                                verifying::signer(verified)
                            )
                        }
                        None => format!("verified: {}, {}", args.artifact, verifying::signer(verified)),
                    }
                }
                Err(refusal) => format!("not verified: {}: {refusal}", args.artifact),
            };
            format!("{}\n", escape::terminal(&line))
        }
    };
    terminal::stdout(text.as_bytes())
        .map_err(|error| CommandError::work("cannot write to standard output", error))
}
