//! `assay verify`: whether an image is signed by someone who is trusted.

use super::Global;
use crate::error::CommandError;
use crate::trusting::{self, NotationArgs, SignersArgs};
use crate::verifying::{self, Terms, VerifyingArgs};
use assay_sign::verify::Wanted;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Verify who signed an image.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay verify --key release.pub registry.example/app:1.0\n  \
    assay verify --key build.pub --key review.pub --threshold 2 registry.example/app@sha256:…\n  \
    assay verify --certificate-identity https://github.com/acme/app/.github/workflows/release.yml@refs/tags/v1 \\\n      \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com ghcr.io/acme/app:1.0\n  \
    assay verify --notation-trust-store acme-ca.pem --notation-identity 'x509.subject: C=US, O=Acme' registry.example/app:1.0\n\n\
    Signatures are found as referrers, under the fallback tag and under cosign's tags, and may be Sigstore bundles, cosign's\n\
    older form, or Notary Project envelopes. An attestation is not a signature. Of an index, it or every image in it must be\n\
    signed.\n\n\
    Exit codes: 0 verified; 1 not verified; 2 it could not be found out.")]
pub(crate) struct Args {
    #[command(flatten)]
    signers: SignersArgs,

    #[command(flatten)]
    notation: NotationArgs,

    /// Ask for an annotation that was signed, too; may be repeated.
    #[arg(long = "annotation", short, value_name = "KEY=VALUE", value_parser = trusting::pair)]
    annotations: Vec<(String, String)>,

    #[command(flatten)]
    verifying: VerifyingArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let root = trusting::root(&args.signers, &args.notation, global)?;
    let terms = Terms {
        wanted: Wanted::Signature,
        annotations: args.annotations.iter().cloned().collect(),
        values: BTreeMap::new(),
        threshold: args.verifying.threshold(),
    };
    verifying::run(&args.verifying, &terms, &root, global)
}
