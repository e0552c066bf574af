//! `assay verify-attestation`: whether someone who is trusted attests something of an image.

use super::Global;
use crate::error::CommandError;
use crate::trusting::{self, NotationArgs, SignersArgs};
use crate::verifying::{self, Terms, VerifyingArgs};
use assay_sign::predicate::PredicateType;
use assay_sign::verify::Wanted;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Verify what is attested of an image.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay verify-attestation --type slsa --key build.pub registry.example/app:1.0\n  \
    assay verify-attestation --type slsa --key build.pub \\\n      \
    --where /runDetails/builder/id=https://builder.example registry.example/app:1.0\n  \
    assay verify-attestation --type cyclonedx --key build.pub --format json registry.example/app:1.0\n\n\
    With `--format json` the statements are in the result.\n\n\
    Exit codes: 0 verified; 1 not verified; 2 it could not be found out.")]
pub(crate) struct Args {
    #[command(flatten)]
    signers: SignersArgs,

    /// What must be attested: slsa, cyclonedx, spdx, vuln, vulns, openvex, verdict, link, custom, or the URI of a predicate
    /// type; may be repeated for one of several. Without it anything counts.
    #[arg(long = "type", value_name = "TYPE")]
    kinds: Vec<PredicateType>,

    /// What the predicate must hold, by a JSON pointer; may be repeated.
    #[arg(long = "where", value_name = "POINTER=VALUE", value_parser = trusting::pair)]
    values: Vec<(String, String)>,

    #[command(flatten)]
    verifying: VerifyingArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    // Notary Project signatures attest nothing.
    let root = trusting::root(&args.signers, &NotationArgs::default(), global)?;
    let terms = Terms {
        wanted: Wanted::Attestation(args.kinds.iter().map(|kind| kind.uri().to_owned()).collect()),
        annotations: BTreeMap::new(),
        values: args.values.iter().cloned().collect(),
        threshold: args.verifying.threshold(),
    };
    verifying::run(&args.verifying, &terms, &root, global)
}
