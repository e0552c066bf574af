//! `assay tree`: what is attached to an image.

use super::Global;
use crate::bytes::Bytes;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, Family, Member, failed, with_digest};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::{Digest, Platform};
use assay_oci::artifact::LookOutcome;
use assay_oci::{Access, Artifact, Artifacts, Repository, RepositoryError};
use assay_report::escape;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use std::process::ExitCode;

/// Artifacts of artifacts: the signature of a bill of materials is one, and its time stamp would be two.
const MAX_DEPTH: usize = 3;
/// Artifacts whose own artifacts are looked for; each costs half a dozen requests, and whoever may push can attach without end.
const MAX_FURTHER: usize = 2000;

/// List what is attached to an image: signatures, attestations, bills of materials, and where each was found.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay tree registry.example/app:1.0\n  \
    assay tree registry.example/app@sha256:… --format json\n  \
    assay tree oci:layout:1.0 --platform linux/arm64\n\n\
    What is attached is not believed because it is there: `assay verify` says who signed it.\n\n\
    Exit codes: 0 listed; 2 the image cannot be read, or something that is listed cannot.")]
pub(crate) struct Args {
    /// An image of a registry, or of an OCI layout (`oci:`, `oci-archive:`).
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Of an index, look at the image for this platform only.
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,

    /// The format: table or json.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Format,

    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Table,
    Json,
}

/// What is attached to artifacts, by the digest of these.
type Further = BTreeMap<Digest, Artifacts>;

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let verb = "list what is attached to";
    let network = repository::network(&args.network, global)?;
    let opened = repository::open(verb, &args.image, Access::Read, &network)?;
    let broken = |error| failed(verb, &args.image, error);
    let family = Family::find(&opened.repository, opened.wanted.as_ref(), args.platform.as_ref(), &[])
        .map_err(broken)?;
    let mut further = Further::new();
    let mut is_whole = true;
    for artifact in family.artifacts() {
        is_whole &=
            attached(&opened.repository, artifact.descriptor.digest, 1, &mut further).map_err(broken)?;
    }
    if !is_whole {
        terminal::stderr(&format!(
            "warning: what is attached to artifacts was looked for with the first {MAX_FURTHER} of them only\n"
        ));
    }
    let name = with_digest(&opened.source, &family.root.descriptor);
    let is_whole = is_whole && is_complete(&family, &further);
    let text = match args.format {
        Format::Table => table(&name, &family, &further),
        Format::Json => format!("{:#}\n", document(&name, &family, &further, is_whole)),
    };
    output::print(text)?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

/// Looks for what is attached to an artifact, and to that; tells whether all of it was looked at.
fn attached(
    repository: &Repository,
    subject: Digest,
    depth: usize,
    further: &mut Further,
) -> Result<bool, RepositoryError> {
    if depth > MAX_DEPTH || further.contains_key(&subject) {
        return Ok(true);
    }
    if further.len() >= MAX_FURTHER {
        return Ok(false);
    }
    let artifacts = repository.artifacts(subject, &[])?;
    let next: Vec<Digest> = artifacts.artifacts.iter().map(|one| one.descriptor.digest).collect();
    further.insert(subject, artifacts);
    let mut is_whole = true;
    for digest in next {
        is_whole &= attached(repository, digest, depth + 1, further)?;
    }
    Ok(is_whole)
}

fn is_complete(family: &Family, further: &Further) -> bool {
    family.members().map(|member| &member.artifacts).chain(further.values()).all(|artifacts| {
        artifacts.problems.is_empty()
            && !artifacts.looked.iter().any(|look| matches!(look.outcome, LookOutcome::Truncated(_)))
    })
}

fn document(name: &str, family: &Family, further: &Further, is_whole: bool) -> Value {
    let member = |member: &Member| {
        let mut seen = HashSet::new();
        json!({
            "digest": member.descriptor.digest.to_string(),
            "media_type": member.descriptor.media_type,
            "size": member.descriptor.size,
            "platform": member.platform.as_ref().map(ToString::to_string),
            "artifacts": artifacts(&member.artifacts, further, &mut seen),
            "looked": looked(&member.artifacts),
            "problems": problems(&member.artifacts),
        })
    };
    json!({
        "schema": "assay.tree/v1",
        "complete": is_whole,
        "reference": name,
        "image": member(&family.root),
        "children": family.children.iter().map(member).collect::<Vec<_>>(),
    })
}

fn artifacts(of: &Artifacts, further: &Further, seen: &mut HashSet<Digest>) -> Vec<Value> {
    let mut all = Vec::new();
    for artifact in &of.artifacts {
        let digest = artifact.descriptor.digest;
        let below = further.get(&digest).filter(|_| seen.insert(digest));
        let layers = artifact.layers.iter().map(|layer| {
            json!({
                "digest": layer.digest.to_string(),
                "media_type": layer.media_type,
                "size": layer.size,
                "annotations": layer.annotations,
            })
        });
        all.push(json!({
            "digest": digest.to_string(),
            "kind": artifact.kind.name(),
            "artifact_type": artifact.artifact_type,
            "listed_type": artifact.listed_type,
            "predicate_type": artifact.predicate_type,
            "found": artifact.found.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "size": artifact.size(),
            "annotations": artifact.annotations,
            "layers": layers.collect::<Vec<_>>(),
            "artifacts": below.map(|below| artifacts(below, further, seen)).unwrap_or_default(),
            "problems": further.get(&digest).map(problems).unwrap_or_default(),
        }));
    }
    all
}

fn looked(of: &Artifacts) -> Vec<Value> {
    let one = |look: &assay_oci::artifact::Look| {
        let (outcome, entries) = match look.outcome {
            LookOutcome::Listed(entries) => ("listed", Some(entries)),
            LookOutcome::Truncated(entries) => ("truncated", Some(entries)),
            LookOutcome::Absent => ("absent", None),
        };
        json!({ "at": look.name, "outcome": outcome, "entries": entries })
    };
    of.looked.iter().map(one).collect()
}

fn problems(of: &Artifacts) -> Vec<Value> {
    let one = |problem: &assay_oci::artifact::ArtifactProblem| json!({ "digest": problem.digest.to_string(), "found": problem.found.to_string(), "reason": problem.reason });
    of.problems.iter().map(one).collect()
}

/// One line of the tree, and those below it.
struct Branch {
    text: String,
    below: Vec<Branch>,
}

fn table(name: &str, family: &Family, further: &Further) -> String {
    let mut seen = HashSet::new();
    let mut below = branches(&family.root.artifacts, further, &mut seen);
    for child in &family.children {
        let platform = child.platform.as_ref().map_or_else(|| "image".to_owned(), ToString::to_string);
        let below_child = branches(&child.artifacts, further, &mut seen);
        below.push(Branch {
            text: format!("{platform}  {}", child.descriptor.digest),
            below: if below_child.is_empty() {
                vec![Branch { text: "nothing attached".to_owned(), below: Vec::new() }]
            } else {
                below_child
            },
        });
    }
    if below.is_empty() {
        below.push(Branch { text: "nothing attached".to_owned(), below: Vec::new() });
    }
    let mut text = format!("{}\n", escape::terminal(name));
    draw(&below, "", &mut text);
    text
}

fn branches(of: &Artifacts, further: &Further, seen: &mut HashSet<Digest>) -> Vec<Branch> {
    let mut all: Vec<Branch> = Vec::new();
    for artifact in &of.artifacts {
        let digest = artifact.descriptor.digest;
        let below = further.get(&digest).filter(|_| seen.insert(digest));
        all.push(Branch {
            text: line(artifact),
            below: below.map(|below| branches(below, further, seen)).unwrap_or_default(),
        });
    }
    for problem in &of.problems {
        let text = format!("unreadable  {}  {}: {}", problem.digest.short(), problem.found, problem.reason);
        all.push(Branch { text, below: Vec::new() });
    }
    for look in &of.looked {
        if let LookOutcome::Truncated(count) = look.outcome {
            let text = format!("more than {count} entries in {}; the rest was not looked at", look.name);
            all.push(Branch { text, below: Vec::new() });
        }
    }
    all
}

fn line(artifact: &Artifact) -> String {
    let found: Vec<String> = artifact.found.iter().map(ToString::to_string).collect();
    let what = artifact.predicate_type.as_deref().unwrap_or(&artifact.artifact_type);
    let count = match artifact.layers.len() {
        1 => String::new(),
        count => format!(", {count} layers"),
    };
    format!(
        "{}  {what}  {}  {}{count}  ({})",
        artifact.kind,
        artifact.descriptor.digest.short(),
        Bytes(artifact.size()),
        found.join(", "),
    )
}

fn draw(branches: &[Branch], indent: &str, text: &mut String) {
    for (at, branch) in branches.iter().enumerate() {
        let (this, next) =
            if at + 1 == branches.len() { ("└── ", "    ") } else { ("├── ", "│   ") };
        text.push_str(&format!("{indent}{this}{}\n", escape::terminal(&branch.text)));
        draw(&branch.below, &format!("{indent}{next}"), text);
    }
}
