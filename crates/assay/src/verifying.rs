//! Verification of an image on the command line: the index or every image in it, and what is said about it.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::evidence::{self, Subject};
use crate::output;
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::Digest;
use assay_oci::StoredManifest;
use assay_report::escape;
use assay_sign::verify::{Judgement, Outcome, Request, TrustRoot, Verified, Wanted, image};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Which image is verified, by how many signers, and how the result is shown.
#[derive(Debug, clap::Args)]
pub(crate) struct VerifyingArgs {
    /// How many distinct signers there must be.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=64))]
    threshold: u32,

    /// The format: table or json.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,

    #[command(flatten)]
    network: NetworkArgs,

    /// An image in a registry or an OCI layout, named as for `assay scan`.
    #[arg(value_name = "IMAGE")]
    image: String,
}

impl VerifyingArgs {
    /// Returns how many distinct signers there must be.
    pub(crate) fn threshold(&self) -> usize {
        usize::try_from(self.threshold).unwrap_or(usize::MAX)
    }
}

/// What must be proven.
pub(crate) struct Terms {
    /// What evidence counts.
    pub(crate) wanted: Wanted,
    /// Annotations that a signature must have.
    pub(crate) annotations: BTreeMap<String, String>,
    /// What a predicate must hold.
    pub(crate) values: BTreeMap<String, String>,
    /// How many distinct signers there must be.
    pub(crate) threshold: usize,
}

/// What verification came to; what programs read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    schema: &'static str,
    image: String,
    digest: Digest,
    verified: bool,
    /// Each manifest that was looked at: the image or index, then the images of an index that is not verified itself.
    manifests: Vec<Manifest>,
}

#[derive(Serialize)]
struct Manifest {
    #[serde(flatten)]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

/// Verifies an image, prints what it came to, and returns the exit code: 0 verified, 1 not.
pub(crate) fn run(
    args: &VerifyingArgs,
    terms: &Terms,
    root: &TrustRoot,
    global: &Global,
) -> Result<ExitCode, CommandError> {
    for warning in root.warnings(environment::clock()) {
        terminal::note(global, &warning);
    }
    let subject = evidence::open(&args.image, &args.network, global)?;
    let mut manifests = vec![verify(&subject, &subject.image, None, terms, root)?];
    let mut verified = manifests.iter().all(|manifest| manifest.outcome.verified);
    // An index that nobody signed is as good as all its images that somebody signed: none can then run unsigned.
    if !verified {
        let children = subject.runnable()?;
        verified = !children.is_empty();
        let mut seen = BTreeSet::new();
        // One image may stand there for several platforms.
        for child in children.iter().filter(|child| seen.insert(child.digest)) {
            let platform =
                child.platform.as_ref().map(|platform| format!("{}/{}", platform.os, platform.architecture));
            let manifest = verify(&subject, &subject.manifest(child.digest)?, platform, terms, root)?;
            verified &= manifest.outcome.verified;
            manifests.push(manifest);
        }
    }
    let result = Verification {
        schema: "assay.verification/v1",
        image: subject.shown,
        digest: subject.image.descriptor.digest,
        verified,
        manifests,
    };
    print(&result, args.format)?;
    Ok(if verified { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn verify(
    subject: &Subject,
    manifest: &StoredManifest,
    platform: Option<String>,
    terms: &Terms,
    root: &TrustRoot,
) -> Result<Manifest, CommandError> {
    let digest = manifest.descriptor.digest;
    let evidence = subject.evidence(manifest)?;
    let request = Request {
        subject: &digest,
        media_type: Some(&manifest.descriptor.media_type).filter(|kind| !kind.is_empty()).map(String::as_str),
        size: Some(manifest.bytes.len() as u64),
        wanted: terms.wanted.clone(),
        annotations: terms.annotations.clone(),
        values: terms.values.clone(),
        threshold: terms.threshold,
    };
    let outcome = image(&request, &evidence.candidates, std::slice::from_ref(root), environment::clock());
    Ok(Manifest { outcome, platform, problems: evidence.problems })
}

fn print(result: &Verification, format: Format) -> Result<(), CommandError> {
    let text = match format {
        Format::Json => json(result)?,
        Format::Table => table(result),
    };
    output::print(text)
}

/// Writes a result as JSON.
pub(crate) fn json(result: &impl Serialize) -> Result<String, CommandError> {
    let text = serde_json::to_string_pretty(result);
    text.map(|text| text + "\n").map_err(|error| CommandError::work("cannot write the result", error))
}

fn table(result: &Verification) -> String {
    let mut text = String::new();
    for manifest in &result.manifests {
        let outcome = &manifest.outcome;
        let word = if outcome.verified { "verified" } else { "not verified" };
        let platform =
            manifest.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
        let shown = format!("{} {}{platform}", result.image, outcome.subject);
        let _ = writeln!(text, "{word}: {}", escape::terminal(&shown));
        let _ = writeln!(text, "  {}", escape::terminal(&outcome.summary));
        for candidate in &outcome.candidates {
            for root in &candidate.roots {
                let what = match &candidate.predicate_type {
                    Some(kind) => format!("{}, {kind}", candidate.found),
                    None => candidate.found.to_string(),
                };
                let line = match &root.judgement {
                    Judgement::Verified(verified) => format!("+ {}  [{what}]", signer(verified)),
                    Judgement::Refused(refusal) => format!("- {refusal}  [{what}]"),
                };
                let _ = writeln!(text, "  {}", escape::terminal(&line));
            }
        }
        for problem in &manifest.problems {
            let _ = writeln!(text, "  ! {}", escape::terminal(problem));
        }
    }
    if result.manifests.len() > 1 {
        let what = if result.verified {
            "verified: the index is not signed, but every image in it is"
        } else {
            "not verified: neither the index nor every image in it"
        };
        let _ = writeln!(text, "{what}");
    }
    text
}

/// Says who signed and when.
pub(crate) fn signer(verified: &Verified) -> String {
    let mut text = format!("signed by {}", verified.signer);
    if let Some(time) = verified.signed_at {
        let _ = write!(text, ", {time}");
    }
    if let Some(index) = verified.log_index {
        let _ = write!(text, ", log entry {index}");
    }
    text
}
