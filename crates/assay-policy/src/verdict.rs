//! The verdict, and its JSON form `assay.verdict/v1`: the stable contract for programs.
//!
//! Fields are added, never renamed or removed, within v1.

use assay_model::{Digest, Finding, FixState, Report, Timestamp};
use serde::{Deserialize, Serialize};

mod read;

pub use read::ReadVerdictError;

/// The name of the contract.
pub const SCHEMA: &str = "assay.verdict/v1";

/// What is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// It may run.
    Admit,
    /// It may run, and something should be done about it.
    Warn,
    /// It may not run.
    Deny,
}

impl Decision {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }
}

/// What a broken rule leads to. Ordered from the mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It is recorded only.
    Audit,
    /// A warning.
    Warn,
    /// A denial.
    Deny,
}

impl Effect {
    /// Every effect.
    pub const ALL: [Self; 3] = [Self::Audit, Self::Warn, Self::Deny];

    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Deny => "deny",
        }
    }

    /// Reads the word for it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.name() == text)
    }
}

/// Why a rule speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// What it asks for does not hold.
    Violation,
    /// Whether it holds cannot be told, because something is missing.
    MissingEvidence,
    /// The facts could not be gathered at all.
    NotEvaluated,
}

/// A finding behind a reason.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ReasonFinding {
    /// Its fingerprint.
    pub id: String,
    /// Its kind.
    pub kind: &'static str,
    /// The vulnerability or rule.
    pub rule: String,
    /// Its other identifiers.
    pub aliases: Vec<String>,
    /// Its severity.
    pub severity: &'static str,
    /// Its priority.
    pub priority: Option<&'static str>,
    /// One line about it.
    pub title: String,
    /// The package, as a package URL.
    pub package: Option<String>,
    /// The same for people: name and version.
    pub package_name: Option<String>,
    /// Whether there is a fix.
    pub fix: &'static str,
    /// The versions with it.
    pub fixed_versions: Vec<String>,
    /// Where it is.
    pub path: Option<String>,
    /// Whether the base image brings it.
    pub base: Option<bool>,
    /// What to do.
    pub remediation: String,
}

impl ReasonFinding {
    /// Returns what a reason tells of a finding.
    pub fn new(report: &Report, finding: &Finding) -> Self {
        let package = finding
            .package
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| report.inventory.packages.get(index));
        Self {
            id: finding.id.clone(),
            kind: finding.kind.name(),
            rule: finding.rule.clone(),
            aliases: finding.aliases.clone(),
            severity: finding.severity.name(),
            priority: finding.priority.map(assay_model::Priority::name),
            title: finding.title.clone(),
            package: package.map(|package| package.purl(report.inventory.os.as_ref()).to_string()),
            package_name: package.map(|package| format!("{} {}", package.full_name(), package.version)),
            fix: finding.fix.name(),
            fixed_versions: if finding.fix == FixState::Fixed {
                finding.fixed_versions.clone()
            } else {
                Vec::new()
            },
            path: finding.locations.first().map(|place| place.path.clone()),
            base: finding.in_base,
            remediation: finding.remediation.clone(),
        }
    }
}

/// One rule that speaks against an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The rule, as the policy calls it.
    pub rule: String,
    /// What kind of rule it is.
    pub kind: String,
    /// The tier through which it applies.
    pub tier: Option<String>,
    /// What it leads to.
    pub effect: Effect,
    /// Why it speaks.
    pub cause: Cause,
    /// Whether all that is wrong is that a scan is waited for: the one there is, or what it was made with, grew old or is not thorough
    /// enough. It says nothing against the image.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// The image it speaks of, where there are several.
    #[serde(serialize_with = "as_text")]
    pub digest: Option<Digest>,
    /// What is wrong.
    pub message: String,
    /// The findings behind it, worst first.
    pub findings: Vec<ReasonFinding>,
    /// What came close: evidence that was there, and why it does not count.
    pub near_misses: Vec<String>,
    /// The way out.
    pub remedy: String,
}

fn as_text<S: serde::Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
    digest.map(|digest| digest.to_string()).serialize(serializer)
}

/// What became of an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionState {
    /// It took something out of the count.
    Used,
    /// It is about this image, and there is nothing that it takes out.
    Unused,
    /// It would have, but its time is over.
    Expired,
    /// It would have, but what it waited for has come: a fix is out.
    Ended,
    /// It runs longer than the policy allows, and has no effect.
    TooLong,
}

impl ExceptionState {
    /// Returns the word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Ended => "ended",
            Self::TooLong => "too-long",
        }
    }
}

/// What one exception did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExceptionUse {
    /// Its identifier.
    pub id: String,
    /// What became of it.
    pub state: ExceptionState,
    /// Whether it runs out soon.
    pub expiring: bool,
    /// When it runs out.
    pub expires: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is there.
    pub reason: String,
    /// Who approved it.
    pub approved_by: String,
    /// The findings it took out of the count: fingerprints.
    pub findings: Vec<String>,
    /// The rules it took out altogether.
    pub rules: Vec<String>,
}

/// The result of judging an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What is decided.
    pub decision: Decision,
    /// Whether the facts could be gathered; without them it is a denial.
    pub evaluated: bool,
    /// The name of the policy.
    pub policy: String,
    /// The tiers it was judged by.
    pub tiers: Vec<String>,
    /// When.
    pub at: Timestamp,
    /// What was judged.
    pub source: String,
    /// The digest of the index.
    pub index: Option<Digest>,
    /// The digests of the images.
    pub digests: Vec<Digest>,
    /// Why, the strictest first.
    pub reasons: Vec<Reason>,
    /// What exceptions did.
    pub exceptions: Vec<ExceptionUse>,
}

/// The JSON form.
#[derive(Debug, Serialize)]
struct Document<'a> {
    schema: &'static str,
    verdict: Decision,
    evaluated: bool,
    policy: &'a str,
    /// The tier, where there is one.
    tier: Option<&'a str>,
    tiers: &'a [String],
    evaluated_at: String,
    source: &'a str,
    index_digest: Option<String>,
    digests: Vec<String>,
    reasons: &'a [Reason],
    exceptions: &'a [ExceptionUse],
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document {
            schema: SCHEMA,
            verdict: self.decision,
            evaluated: self.evaluated,
            policy: &self.policy,
            tier: if let [tier] = self.tiers.as_slice() { Some(tier) } else { None },
            tiers: &self.tiers,
            evaluated_at: self.at.to_string(),
            source: &self.source,
            index_digest: self.index.map(|digest| digest.to_string()),
            digests: self.digests.iter().map(ToString::to_string).collect(),
            reasons: &self.reasons,
            exceptions: &self.exceptions,
        }
        .serialize(serializer)
    }
}

impl Verdict {
    /// Returns the reasons with an effect.
    pub fn with(&self, effect: Effect) -> impl Iterator<Item = &Reason> {
        self.reasons.iter().filter(move |reason| reason.effect == effect)
    }
}
