//! What a verdict is made from: the reports, the evidence about an image, where it is to run, and what was known before.
//!
//! Facts are plain data. Who gathers them (the command line, the registry's hook, the cluster's) has verified signatures; here
//! nothing is fetched or verified, only judged.

use assay_model::{Digest, Platform, Report, Severity, Timestamp};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// Everything that a policy can look at.
#[derive(Debug, Clone, Default)]
pub struct Facts<'a> {
    /// The image as it was asked for; `None` for what has no place in a registry.
    pub reference: Option<ImageReference>,
    /// What the user typed, for messages.
    pub source: String,
    /// The digest of the index, where the image is made for several platforms.
    pub index: Option<Digest>,
    /// Every image that may run: one, or the runnable children of the index.
    pub images: Vec<ImageFacts<'a>>,
    /// What signers and builders say.
    pub evidence: Evidence,
    /// Where it is to run.
    pub placement: Placement,
    /// What was known before.
    pub history: Option<History>,
    /// Whether the error budget of an indicator is used up, by the indicator's name.
    pub budgets: Option<BTreeMap<String, bool>>,
    /// Since when it has been admitted where it is to run, if it was before: what grew stale meanwhile warns then, and does not deny.
    pub admitted: Option<Timestamp>,
    /// What kept facts from being gathered: nothing may be admitted over it.
    pub problems: Vec<Obstacle>,
}

/// One image that may run.
#[derive(Debug, Clone, Default)]
pub struct ImageFacts<'a> {
    /// The digest of its manifest; for what has no manifest, of its configuration or content.
    pub digest: Option<Digest>,
    /// What it runs on.
    pub platform: Option<Platform>,
    /// What a scan found; `None` when it was not scanned.
    pub report: Option<&'a Report>,
    /// When it was scanned; without it the scan is as old as the database it was made with.
    pub scanned_at: Option<Timestamp>,
    /// Who signed the report, where it came with a signature: the trust roots by which it was verified.
    pub scanned_by: Vec<String>,
}

/// An image's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageReference {
    /// The registry's host.
    pub registry: String,
    /// The repository within it.
    pub repository: String,
    /// The tag, also one that is only understood: `latest`.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl ImageReference {
    /// Returns the registry's host as patterns know it, however it is written: hosts have no case, 443 is the port that goes without
    /// saying, and Docker Hub has several names.
    pub fn host(&self) -> String {
        let host = self.registry.to_ascii_lowercase();
        let split = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
        // Whoever dials reads the port as a number: 0443 is 443.
        let numbered = split.and_then(|(name, port)| Some((name, port.parse::<u16>().ok()?)));
        match numbered {
            Some((name, port)) if port != 443 => format!("{name}:{port}"),
            Some((name, _)) => of_hub(name).to_owned(),
            None => of_hub(&host).to_owned(),
        }
    }

    /// Returns the repository with its registry.
    pub fn name(&self) -> String {
        format!("{}/{}", self.host(), self.repository)
    }

    /// Returns the spellings under which patterns may know it.
    pub fn spellings(&self) -> Vec<String> {
        let name = self.name();
        let mut all = vec![name.clone()];
        let tagged = self.tag.as_ref().map(|tag| format!("{name}:{tag}"));
        if let Some(digest) = self.digest {
            all.push(format!("{name}@{digest}"));
            all.extend(tagged.as_ref().map(|tagged| format!("{tagged}@{digest}")));
        }
        all.extend(tagged);
        all
    }
}

/// Returns the name of Docker Hub that all others stand for.
fn of_hub(host: &str) -> &str {
    match host {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        host => host,
    }
}

/// Where an image is to run, as the operator or the cluster says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// The namespace.
    pub namespace: Option<String>,
    /// The namespace's labels.
    pub namespace_labels: BTreeMap<String, String>,
    /// The service.
    pub service: Option<String>,
    /// The team that answers for it.
    pub team: Option<String>,
    /// Labels of the workload; the judged has a hand in them.
    pub labels: BTreeMap<String, String>,
}

/// Something that kept facts from being gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// A stable name: `scan-failed`, `registry-unreachable`, `no-database` …
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// What was found beside an image and, where a policy asks for it, beside its base.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The digests whose evidence was listed. A digest that is not among them was not asked for.
    pub listed: BTreeSet<Digest>,
    /// Digests whose evidence could not be listed, and why.
    pub failed: BTreeMap<Digest, String>,
    /// What there is.
    pub candidates: Vec<Candidate>,
}

/// One signature or attestation, and how each trust root of the policy sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The digest it speaks of.
    pub subject: Digest,
    /// What it is called in the registry: a digest or tag.
    pub location: String,
    /// In words: `cosign v2 signature`, `sigstore bundle`, `notation signature (JWS)`.
    pub format: String,
    /// What kind of statement it makes.
    pub claim: Claim,
    /// When it was signed, by a clock that is trusted.
    pub signed_at: Option<Timestamp>,
    /// What verifying it against each trust root came to: who signed, or why it does not count. Empty for what is listed and
    /// could not be fetched.
    pub checks: BTreeMap<String, Result<String, String>>,
}

/// What a candidate states.
#[derive(Debug, Clone, PartialEq)]
pub enum Claim {
    /// That its signer stands for the image: a signature.
    Signature,
    /// A statement with a predicate.
    Attestation {
        /// The predicate's type.
        predicate_type: String,
        /// The predicate.
        predicate: Json,
    },
    /// It could not be read.
    Unreadable(String),
}

impl Candidate {
    /// Returns the predicate's type, where it has one.
    pub fn predicate_type(&self) -> Option<&str> {
        match &self.claim {
            Claim::Attestation { predicate_type, .. } => Some(predicate_type),
            Claim::Signature | Claim::Unreadable(_) => None,
        }
    }

    /// Returns what it is, for people.
    pub fn what(&self) -> String {
        let claim = match &self.claim {
            Claim::Signature => "signature".to_owned(),
            Claim::Attestation { predicate_type, .. } => format!("attestation of `{predicate_type}`"),
            Claim::Unreadable(_) => "unreadable".to_owned(),
        };
        format!("`{}` ({}, {claim})", self.location, self.format)
    }
}

/// What earlier reports said of the same image or service.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// Counts of open findings, oldest first.
    pub snapshots: Vec<Snapshot>,
    /// Since when each finding is known, by its fingerprint.
    pub seen: BTreeMap<String, Seen>,
}

/// What one earlier report came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Its time.
    pub at: Timestamp,
    /// Open findings by severity.
    pub counts: BTreeMap<Severity, u64>,
}

/// Since when a finding is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seen {
    /// The first report with it.
    pub first: Timestamp,
    /// The first report that named a fix.
    pub fixable: Option<Timestamp>,
}

impl History {
    /// Gathers earlier reports; a report's time is that of the database it was made with. Those without one are left out.
    pub fn of(reports: &[&Report]) -> Self {
        let mut history = Self::default();
        for report in reports {
            let Some(at) = report.database.built_at else { continue };
            let mut counts = BTreeMap::new();
            for finding in report.findings.iter().filter(|finding| finding.suppression.is_none()) {
                *counts.entry(finding.severity).or_insert(0) += 1;
                let seen =
                    history.seen.entry(finding.id.clone()).or_insert(Seen { first: at, fixable: None });
                seen.first = seen.first.min(at);
                if finding.fix == assay_model::FixState::Fixed {
                    seen.fixable = Some(seen.fixable.map_or(at, |known| known.min(at)));
                }
            }
            history.snapshots.push(Snapshot { at, counts });
        }
        history.snapshots.sort_by_key(|snapshot| snapshot.at);
        history
    }
}
