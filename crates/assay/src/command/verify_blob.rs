//! `assay verify-blob`: whether a file is signed by someone who is trusted.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::source::read_file;
use crate::trusting::{self, SignersArgs};
use crate::verifying::{self, Format};
use assay_model::Digest;
use assay_report::escape;
use assay_sign::bundle::Bundle;
use assay_sign::key::Hash;
use assay_sign::make::MAX_MESSAGE;
use assay_sign::predicate::PredicateType;
use assay_sign::statement::SIGN;
use assay_sign::verify::{Artifact, Refusal, Trust, Verified, Wanted, bundle, needs_content};
use serde::Serialize;
use sha2::Digest as _;
use std::fs::File;
use std::io::{self, Read as _};
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
    let wanted = args.kind.as_deref().map_or(Ok(Wanted::Signature), kind)?;
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
    let log = if identity.is_some() { args.signers.keyless_log() } else { args.signers.key_log() };
    let trusted: Vec<Trust<'_>> = match &identity {
        Some(policy) => vec![Trust::Identities(std::slice::from_ref(policy))],
        None => keys.iter().map(Trust::Key).collect(),
    };
    let held;
    let artifact = match digest(&args.artifact) {
        Some(digest) => Artifact::from_digest(&digest),
        None => {
            let whole = trusted.iter().any(|trust| needs_content(&parsed, *trust));
            held = Held::read(Path::new(&args.artifact), whole)?;
            held.artifact()
        }
    };
    // Of several keys the one that came nearest says what is wrong.
    let (mut found, mut nearest) = (None, None);
    for trust in trusted {
        let verified = bundle(&parsed, &artifact, trust, &root, log, now)
            .and_then(|verified| check(&verified, &wanted).map(|()| verified));
        match verified {
            Ok(verified) => {
                found = Some(verified);
                break;
            }
            Err(refusal) => nearest = Some(refusal.or_nearer(nearest)),
        }
    }
    let result = match (found, nearest) {
        (Some(verified), _) => Ok(verified),
        (None, Some(refusal)) => Err(refusal),
        (None, None) => return Err(trusting::nobody()),
    };
    print(args, &result)?;
    Ok(if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Reads what kind of attestation is wanted.
fn kind(text: &str) -> Result<Wanted, CommandError> {
    if text == "any" {
        return Ok(Wanted::Attestation(Vec::new()));
    }
    let kind: PredicateType = text.parse().map_err(|error| {
        CommandError::usage(format!("`{text}` is no type of attestation")).also([format!("{error}")])
    })?;
    Ok(Wanted::Attestation(vec![kind.uri().to_owned()]))
}

fn check(verified: &Verified, wanted: &Wanted) -> Result<(), Refusal> {
    wanted.accept(verified.statement.as_ref()).map_err(|mut refusal| {
        if *wanted == Wanted::Signature {
            refusal.message.push_str("; ask for it with `--type`");
        }
        refusal
    })
}

/// Reads a digest, unless a file has that name.
fn digest(text: &str) -> Option<Digest> {
    let digest = text.parse().ok()?;
    (!Path::new(text).exists()).then_some(digest)
}

/// A file: by its digests, or whole where a key signs all of it.
enum Held {
    Whole(Vec<u8>),
    Digests(Vec<(Hash, Vec<u8>)>),
}

impl Held {
    fn read(path: &Path, whole: bool) -> Result<Self, CommandError> {
        let failed = |error: io::Error| {
            CommandError::work(format!("cannot read `{}`", path.display()), error)
                .hint("check the path, or give the file's digest as `sha256:…`")
        };
        let mut file = File::open(path).map_err(failed)?;
        let mut bytes = Vec::new();
        // As much as can be signed so.
        let limit = if whole { MAX_MESSAGE } else { 0 };
        file.by_ref().take(limit).read_to_end(&mut bytes).map_err(failed)?;
        let mut hashes = Hashes::default();
        if whole {
            let mut next = Vec::new();
            file.by_ref().take(1).read_to_end(&mut next).map_err(failed)?;
            if next.is_empty() {
                return Ok(Self::Whole(bytes));
            }
            hashes.update(&bytes);
            hashes.update(&next);
        }
        drop(bytes);
        io::copy(&mut file, &mut hashes).map_err(failed)?;
        Ok(Self::Digests(hashes.finish()))
    }

    fn artifact(&self) -> Artifact<'_> {
        match self {
            Self::Whole(bytes) => Artifact::from_bytes(bytes),
            Self::Digests(digests) => Artifact::from_digests(digests.clone()),
        }
    }
}

/// All digests that a bundle may name.
#[derive(Default)]
struct Hashes(sha2::Sha256, sha2::Sha384, sha2::Sha512);

impl Hashes {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
        self.1.update(bytes);
        self.2.update(bytes);
    }

    fn finish(self) -> Vec<(Hash, Vec<u8>)> {
        vec![
            (Hash::Sha256, self.0.finalize().to_vec()),
            (Hash::Sha384, self.1.finalize().to_vec()),
            (Hash::Sha512, self.2.finalize().to_vec()),
        ]
    }
}

impl io::Write for Hashes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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
                                statement.predicate_type.chars().take(200).collect::<String>(),
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
    output::print(text)
}
