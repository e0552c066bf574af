//! What is attested: a document that the user names, or one that Assay makes of what it knows.

use crate::environment;
use crate::error::CommandError;
use crate::source::read_file;
use assay_sign::predicate::provenance::{NoProvenance, Stated, provenance};
use assay_sign::predicate::verdict::{About, summary};
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
    /// `verdict` takes what `assay gate --format json` wrote.
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

impl PredicateArgs {
    /// Returns the type that the statement carries.
    pub(crate) fn uri(&self) -> &str {
        self.kind.uri()
    }

    /// Makes or reads the predicate about `resource`.
    pub(crate) fn made(&self, resource: &str) -> Result<Value, CommandError> {
        made(&self.kind, self.predicate.as_deref(), &self.more, resource)
    }
}

/// Makes or reads a predicate about `resource`.
pub(crate) fn made(
    kind: &PredicateType,
    document: Option<&Path>,
    more: &MadeArgs,
    resource: &str,
) -> Result<Value, CommandError> {
    let now = environment::now();
    match document {
        Some(path) => {
            let document = read(path)?;
            let is_summary = serde_json::from_slice::<Value>(&document)
                .is_ok_and(|document| document.get("verificationResult").is_some());
            if kind.uri() == VERDICT && !is_summary {
                return verdict(&document, more, resource, path);
            }
            from_document(kind, &document, now).map_err(|error| {
                CommandError::work(format!("cannot attest `{}`", path.display()), error)
                    .hint("check `--type`, and that the document is the one that is meant")
            })
        }
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

fn verdict(document: &[u8], more: &MadeArgs, resource: &str, path: &Path) -> Result<Value, CommandError> {
    let policy = match &more.policy {
        Some(path) => {
            let digest: [u8; 32] = sha2::Sha256::digest(read(path)?).into();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            Some((name.unwrap_or_default(), assay_model::Digest::Sha256(digest).hex()))
        }
        None => None,
    };
    let about = About {
        resource,
        policy: policy.as_ref().map(|(name, digest)| (name.as_str(), digest.as_str())),
        version: env!("CARGO_PKG_VERSION"),
        now: environment::now(),
    };
    summary(document, &about).map_err(|error| {
        CommandError::work(format!("cannot attest `{}`", path.display()), error)
            .hint("write the verdict with `assay gate SOURCE --policy FILE --format json`")
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    read_file(path).map_err(|error| {
        CommandError::work(format!("cannot read `{}`", path.display()), error)
            .hint("check the path, and that you may read it")
    })
}
