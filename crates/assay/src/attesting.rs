//! What is attested: a document that the user names, or one that Assay makes of what it knows.

use crate::environment;
use crate::error::CommandError;
use crate::gate;
use crate::source::read_file;
use assay_model::Digest;
use assay_sign::predicate::provenance::{NoProvenance, Stated, provenance};
use assay_sign::predicate::verdict::{About, NotJudged, Verdict, check_resource, check_summary};
use assay_sign::predicate::{PROVENANCE, PredicateType, VERDICT, from_document};
use serde_json::Value;
use sha2::Digest as _;
use std::path::{Path, PathBuf};

/// What a statement claims.
#[derive(Debug, clap::Args)]
pub(crate) struct PredicateArgs {
    /// What is claimed: slsa, cyclonedx, spdx, vuln, vulns, openvex, verdict, link, custom, or the URI of a predicate type.
    #[arg(long = "type", value_name = "TYPE")]
    kind: PredicateType,

    /// The document with the claim. `slsa` needs none: it is made of the variables of GitHub Actions, GitLab CI and others.
    /// `verdict` takes what `assay gate --format json` wrote about this very digest.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    predicate: Option<PathBuf>,

    #[command(flatten)]
    more: MadeArgs,
}

/// What is stated for predicates that are made here.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct MadeArgs {
    /// Of provenance: who built, as a URI, instead of what the environment says.
    #[arg(long, value_name = "URI")]
    builder: Option<String>,

    /// Of provenance: the repository of the source, instead of what the environment says.
    #[arg(long, value_name = "URL")]
    source_uri: Option<String>,

    /// Of provenance: the commit, instead of what the environment says.
    #[arg(long, value_name = "SHA")]
    source_commit: Option<String>,

    /// Of a verdict: the policy it was given by, whose digest then stands in it.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    policy: Option<PathBuf>,
}

/// What a statement is to be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'a> {
    /// Its name and digest.
    pub(crate) resource: &'a str,
    /// Its digest.
    pub(crate) digest: &'a Digest,
    /// Of an index, the images in it that may run.
    pub(crate) images: &'a [Digest],
}

impl PredicateArgs {
    /// Returns the type that the statement carries.
    pub(crate) fn uri(&self) -> &str {
        self.kind.uri()
    }

    /// Makes or reads the predicate about `target`.
    pub(crate) fn made(&self, target: Target<'_>) -> Result<Value, CommandError> {
        made(&self.kind, self.predicate.as_deref(), &self.more, target)
    }
}

/// Makes or reads a predicate about `target`.
pub(crate) fn made(
    kind: &PredicateType,
    document: Option<&Path>,
    more: &MadeArgs,
    target: Target<'_>,
) -> Result<Value, CommandError> {
    let now = environment::now();
    match document {
        Some(path) if kind.uri() == VERDICT => verdict(kind, path, more, target),
        Some(path) => predicate(kind, path),
        None if kind.uri() == PROVENANCE => {
            let stated = Stated {
                builder: more.builder.clone(),
                source: more.source_uri.clone(),
                commit: more.source_commit.clone(),
            };
            provenance(&environment::variable, &stated, now).map_err(|error| {
                let hint = match &error {
                    NoProvenance::NoBuilder => {
                        "name the builder with `--builder URI`, or a document with `--predicate FILE`"
                    }
                    _ => "name the repository with `--source-uri URL`, or a document with `--predicate FILE`",
                };
                CommandError::work("cannot make provenance", error).hint(hint)
            })
        }
        None => Err(CommandError::usage(format!("an attestation of type `{kind}` needs a document"))
            .hint("name it with `--predicate FILE`; `--type slsa` needs none")),
    }
}

fn predicate(kind: &PredicateType, path: &Path) -> Result<Value, CommandError> {
    from_document(kind, &read(path)?, environment::now()).map_err(|error| {
        not_attested(path, error).hint("check `--type`, and that the document is the one that is meant")
    })
}

/// Makes the summary of what the gate wrote, or reads a summary. Either is refused when it is about something else: whoever trusts
/// the signature would admit what nobody judged.
fn verdict(
    kind: &PredicateType,
    path: &Path,
    more: &MadeArgs,
    target: Target<'_>,
) -> Result<Value, CommandError> {
    let elsewhere = |error: NotJudged| {
        let hint = match &error {
            NotJudged::Part(_) => "judge all of the index, without `--platform` and `platforms`; or attest each image that was judged by its own digest".to_owned(),
            _ => format!(
                "judge what is attested: `assay gate {} --policy FILE --output json={}`",
                target.resource,
                path.display()
            ),
        };
        not_attested(path, error).hint(hint)
    };
    let document = read(path)?;
    let verdict = match Verdict::parse(&document) {
        Ok(verdict) => verdict,
        Err(not_of_the_gate) => {
            // A summary that was made elsewhere, or before.
            let summary = from_document(kind, &document, environment::now()).map_err(|_| {
                not_attested(path, not_of_the_gate)
                    .hint("write the verdict with `assay gate SOURCE --policy FILE --format json`")
            })?;
            for digest in std::iter::once(target.digest).chain(target.images) {
                check_summary(&summary, digest).map_err(elsewhere)?;
            }
            check_resource(&summary, target.digest).map_err(elsewhere)?;
            return Ok(summary);
        }
    };
    let mut about = About { resource: target.resource, policy: None, version: env!("CARGO_PKG_VERSION") };
    let (name, digest);
    if let Some(path) = &more.policy {
        let (policy, bytes) = gate::read_policy_and_bytes(path)?;
        if policy.name != verdict.policy {
            return Err(CommandError::usage(format!(
                "the verdict was given by the policy `{}`, and `{}` is `{}`",
                verdict.policy,
                path.display(),
                policy.name
            ))
            .hint("name with `--policy FILE` the policy that the gate was given"));
        }
        digest = Digest::Sha256(sha2::Sha256::digest(bytes).into()).hex();
        name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        about.policy = Some((&name, &digest));
    }
    verdict.check(target.digest, target.images).map_err(elsewhere)?;
    Ok(verdict.summary(&about))
}

fn not_attested(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CommandError {
    CommandError::work(format!("cannot attest `{}`", path.display()), error)
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_file(path).map_err(|error| {
        CommandError::work(format!("cannot read `{}`", path.display()), error)
            .hint("check the path, and that you may read it")
    })
}
