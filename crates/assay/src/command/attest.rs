//! `assay attest`: signed statements about images, stored beside them.

use super::Global;
use super::sign::{KeysArgs, not_signed, say};
use crate::attesting::{MadeArgs, Target, made};
use crate::config::Settings;
use crate::context::ContextArgs;
use crate::environment;
use crate::error::CommandError;
use crate::evidence::runnable;
use crate::signing::{self, Place};
use crate::source::{self, SourceArgs, VexArgs};
use assay_model::Report;
use assay_oci::ArtifactKind;
use assay_oci::descriptor::Descriptor;
use assay_report::Options;
use assay_sign::bundle::Content;
use assay_sign::make::sign_statement;
use assay_sign::predicate::vulnerabilities::{NoScan, Scan, cosign, in_toto};
use assay_sign::predicate::{COSIGN_VULNERABILITIES, PredicateType, VERDICT, VULNERABILITIES};
use assay_sign::signer::Signer;
use assay_sign::statement::{Statement, Subject};
use serde_json::Value;
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign a statement about an image, and store it beside the image.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay attest --key release.key --type cyclonedx --predicate app.cdx.json registry.example/app:1.0\n  \
    assay attest --key build.key --type slsa registry.example/app:1.0          in GitHub Actions or GitLab CI\n  \
    assay attest --key scan.key --scan registry.example/app:1.0                scan, and sign the result\n  \
    assay attest --key gate.key --type verdict --predicate verdict.json --policy policy.yaml registry.example/app:1.0\n\n\
    `assay verify-attestation` and `cosign verify-attestation` read them.")]
pub(crate) struct Args {
    #[command(flatten)]
    keys: KeysArgs,

    /// What is claimed: slsa, cyclonedx, spdx, vuln, vulns, openvex, verdict, link, custom, or the URI of a predicate type.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "scan")]
    kind: Option<PredicateType>,

    /// The document with the claim. `slsa` needs none: it is made of the variables of GitHub Actions, GitLab CI and others.
    /// `verdict` takes what `assay gate --format json` wrote about this very image.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    predicate: Option<PathBuf>,

    #[command(flatten)]
    more: MadeArgs,

    /// Scan the image, and attest the result: in-toto's `vulns` and cosign's `vuln`, with the date of the database.
    #[arg(long, conflicts_with_all = ["kind", "predicate"])]
    scan: bool,

    /// Write the attestation as cosign 2 does (an envelope under a tag), not as a Sigstore bundle.
    #[arg(long)]
    legacy: bool,

    #[command(flatten)]
    source: SourceArgs,

    #[command(flatten)]
    vex: VexArgs,

    #[command(flatten)]
    context: ContextArgs,

    /// An image in a registry or an OCI layout, named as for `assay scan`.
    #[arg(value_name = "IMAGE")]
    image: String,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let signers = args.keys.signers(args.source.network(), global)?;
    let place = signing::open(&args.image, args.source.network(), global)?;
    let (manifest, claims) = match &args.kind {
        Some(kind) => {
            let manifest = place.image.descriptor.clone();
            let resource = format!("{}@{}", place.name(), manifest.digest);
            // Only a verdict speaks of each image in an index; whatever else is said of an index that is not judged here.
            let is_verdict = kind.uri() == VERDICT;
            let images = if is_verdict { runnable(&place.image, &place.shown)? } else { Vec::new() };
            let images: Vec<_> = images.iter().map(|image| image.digest).collect();
            let target = Target { resource: &resource, digest: &manifest.digest, images: &images };
            let predicate = made(kind, args.predicate.as_deref(), &args.more, target)?;
            (manifest, vec![(kind.uri().to_owned(), predicate)])
        }
        None => scanned(args, &place, global)?,
    };
    for (kind, predicate) in claims {
        let subject = Subject::new(place.name(), &manifest.digest);
        let statement = Statement::new(vec![subject], kind, predicate);
        for signer in &signers {
            let told = attest(&place, &manifest, signer.as_ref(), args.legacy, &statement)?;
            say(&place, &manifest, &told)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn attest(
    place: &Place,
    manifest: &Descriptor,
    signer: &dyn Signer,
    legacy: bool,
    statement: &Statement,
) -> Result<String, CommandError> {
    let key = signer.public_key();
    let fingerprint = key.fingerprint_hex();
    let short = fingerprint.get(..12).unwrap_or_default();
    let kind = &statement.predicate_type;
    if place.has_statement(manifest.digest, key, &statement.to_json(), (ArtifactKind::Attestation, legacy))? {
        return Ok(format!("has this attestation of type {kind} by key {short} already"));
    }
    let bundle = sign_statement(signer, statement).map_err(|error| not_signed(manifest, error))?;
    let attached = match &bundle.content {
        Content::Dsse(envelope) if legacy => place.append_envelope(manifest, envelope, kind)?,
        _ => place.attach_bundle(manifest, &bundle, kind)?,
    };
    Ok(format!("attested ({kind}) by key {short}, {}", signing::found(&attached, &manifest.digest)))
}

/// Scans the image, and returns which manifest was scanned and what can be claimed of it.
fn scanned(
    args: &Args,
    place: &Place,
    global: &Global,
) -> Result<(Descriptor, Vec<(String, Value)>), CommandError> {
    let settings = Settings::load(&args.context, global)?;
    let (database, built_in) = source::open_database(global)?;
    let vex = args.vex.documents(global)?;
    // What was resolved, not what the tag may point to by now.
    let text = match place.repository.reference() {
        Some(_) => format!("{}@{}", place.name(), place.image.descriptor.digest),
        None => args.image.clone(),
    };
    let started = environment::now();
    let report = source::report(&text, &args.source, global, (&database, built_in), &settings, &vex)?;
    let scan = Scan { version: env!("CARGO_PKG_VERSION"), started, finished: environment::now() };
    let failed = |error: NoScan| {
        let hint = match &error {
            NoScan::NotLookedFor => "leave out `--scanners` (`ASSAY_SCANNERS`), or add `vulnerability`",
            NoScan::Partial => "see what with `assay scan IMAGE`; raise limits or leave out `--lazy`",
            _ => "build the database again with `assay db update`",
        };
        CommandError::work(format!("cannot attest the scan of `{}`", place.shown), error).hint(hint)
    };
    let claims = vec![
        (VULNERABILITIES.to_owned(), in_toto(&report, &scan).map_err(failed)?),
        (COSIGN_VULNERABILITIES.to_owned(), cosign(&report, &json(&report)?, &scan).map_err(failed)?),
    ];
    // Of an index one platform was scanned; the result says nothing of the others.
    let manifest = match report.image.manifest_digest {
        Some(digest) if digest != place.image.descriptor.digest => {
            let stored = place.repository.manifest(digest).map_err(|error| {
                CommandError::work(format!("cannot read {digest}"), error).with_hints_of_cause()
            })?;
            let platform = report.image.platform.as_ref().map(ToString::to_string).unwrap_or_default();
            crate::terminal::note(
                global,
                &format!("the attestation is about {digest}, the image for {platform} that was scanned"),
            );
            stored.descriptor
        }
        _ => place.image.descriptor.clone(),
    };
    Ok((manifest, claims))
}

fn json(report: &Report) -> Result<Value, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work("cannot write the report", error)
    };
    let Some(format) = assay_report::format::by_name("json") else {
        return Err(CommandError::usage("there is no JSON report"));
    };
    let mut bytes = Vec::new();
    let options = Options { time: Some(environment::now()), ..Options::default() };
    format.write(report, &options, &mut bytes).map_err(|error| failed(error.into()))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))
}
