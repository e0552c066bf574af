//! `assay verify`: whether an image is signed by someone who is trusted.

use super::Global;
use crate::error::CommandError;
use crate::source::NetworkArgs;
use crate::trusting::{self, NotationArgs, SignersArgs};
use crate::verifying::{self, Format, Terms};
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

    /// How many distinct signers there must be.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    threshold: u32,

    /// Ask for an annotation that was signed, too; may be repeated.
    #[arg(long = "annotation", short, value_name = "KEY=VALUE", value_parser = trusting::pair)]
    annotations: Vec<(String, String)>,

    /// The format: table or json.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,

    #[command(flatten)]
    network: NetworkArgs,

    /// An image in a registry or an OCI layout, named as for `assay scan`.
    #[arg(value_name = "IMAGE")]
    image: String,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let root = trusting::root(&args.signers, &args.notation, global)?;
    let terms = Terms {
        wanted: Wanted::Signature,
        annotations: args.annotations.iter().cloned().collect(),
        values: BTreeMap::new(),
        threshold: usize::try_from(args.threshold).unwrap_or(usize::MAX),
    };
    verifying::run(&args.image, &terms, &root, &args.network, args.format, global)
}
