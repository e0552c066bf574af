//! Findings: what users see.

use crate::advisory::Cvss;
use crate::detection::Detail;
use crate::ecosystem::Ecosystem;
use crate::package::Location;
use crate::severity::{Priority, Severity};
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// What kind of finding it is. Ordered as reports show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum FindingKind {
    /// A package with a known vulnerability.
    Vulnerability,
    /// A credential that anybody who has the image can read.
    Secret,
    /// Software made to do harm.
    Malware,
    /// A setting that makes an attack easier.
    Misconfiguration,
    /// A licence that the user's policy speaks against.
    License,
}

impl FindingKind {
    /// Every kind, in their order.
    pub const ALL: [Self; 5] =
        [Self::Vulnerability, Self::Secret, Self::Malware, Self::Misconfiguration, Self::License];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability",
            Self::Secret => "secret",
            Self::Malware => "malware",
            Self::Misconfiguration => "misconfiguration",
            Self::License => "license",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text names no kind of finding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected vulnerability, secret, malware, misconfiguration or license")]
pub struct UnknownFindingKind;

impl FromStr for FindingKind {
    type Err = UnknownFindingKind;
    /// Reads the name used in reports, its plural, or the short form that Trivy's users know.
    fn from_str(text: &str) -> Result<Self, UnknownFindingKind> {
        match text {
            "vulnerability" | "vulnerabilities" | "vuln" => Ok(Self::Vulnerability),
            "secret" | "secrets" => Ok(Self::Secret),
            "malware" => Ok(Self::Malware),
            "misconfiguration" | "misconfigurations" | "misconfig" => Ok(Self::Misconfiguration),
            "license" | "licenses" | "licence" | "licences" => Ok(Self::License),
            _ => Err(UnknownFindingKind),
        }
    }
}

/// Whether a fix can be had. Ordered from best to worst news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FixState {
    /// There is a fixed version.
    Fixed,
    /// The source says there is none yet.
    NotFixed,
    /// The vendor will not fix it.
    WontFix,
    /// The package or release gets no fixes any more.
    EndOfLife,
    /// The source does not say.
    Unknown,
}

impl FixState {
    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::NotFixed => "not-fixed",
            Self::WontFix => "wont-fix",
            Self::EndOfLife => "end-of-life",
            Self::Unknown => "unknown",
        }
    }
}

/// The probability that a vulnerability is exploited within 30 days (<https://www.first.org/epss/>).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Epss {
    /// The probability, 0 to 1.
    pub score: f64,
    /// The share of vulnerabilities with the same or a lower score, 0 to 1.
    pub percentile: f64,
    /// The day the score was computed for.
    pub date: Option<Timestamp>,
}

/// An entry of CISA's Known Exploited Vulnerabilities catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kev {
    /// When it was added.
    pub added: Option<Timestamp>,
    /// By when United States federal agencies must have fixed it.
    pub due: Option<Timestamp>,
    /// Whether ransomware campaigns are known to use it.
    pub ransomware: bool,
}

/// How one source's statement matched one package: a link in the chain of evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// The feed.
    pub feed: String,
    /// The advisory's identifier in that feed.
    pub advisory: String,
    /// The ecosystem in which names and versions were compared.
    pub ecosystem: Ecosystem,
    /// The name that matched.
    pub package: String,
    /// Whether that is the name of the source package.
    pub by_source: bool,
    /// The version that was compared.
    pub version: String,
    /// The interval or list it lies in, in words: `>= 2.0-beta9, < 2.15.0`.
    pub range: String,
    /// The versions this source names as fixed.
    pub fixed: Vec<String>,
    /// What this source says about the fix.
    pub state: FixState,
    /// The severity this source gives.
    pub severity: Option<Severity>,
}

/// One point of the decision about a priority, the value taken there, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided: `exploitation`, `exposure` …
    pub point: Cow<'static, str>,
    /// The value taken: `active`, `open` …
    pub value: Cow<'static, str>,
    /// Why, in words that follow "because".
    pub reason: String,
}

/// A place in an image that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The path inside the image, without a leading `/`; or a pointer into its configuration: `config.json#/config/Env/3`.
    pub path: String,
    /// The line, from 1, where there are lines.
    pub line: Option<u32>,
    /// The index, in the image's order, of the layer it is in; `None` outside layers.
    pub layer: Option<u32>,
}

impl From<&Location> for Place {
    fn from(location: &Location) -> Self {
        Self { path: location.path.clone(), line: None, layer: location.layer }
    }
}

/// Why a finding does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuppressionState {
    /// The product is not affected, says a statement that the user trusts.
    NotAffected,
    /// It is fixed although the version does not show it, says such a statement.
    Fixed,
    /// Its risk is accepted.
    Accepted,
    /// It is wrong.
    FalsePositive,
}

impl SuppressionState {
    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAffected => "not-affected",
            Self::Fixed => "fixed",
            Self::Accepted => "accepted",
            Self::FalsePositive => "false-positive",
        }
    }
}

/// A statement by which a finding does not count; it is shown all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// What is stated.
    pub state: SuppressionState,
    /// Where the statement stands: a file, a policy.
    pub source: String,
    /// Who makes it.
    pub author: String,
    /// Why, in their words.
    pub reason: String,
    /// When it was made.
    pub issued: Option<Timestamp>,
}

/// Something wrong with an image, and why Assay says so.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// A stable fingerprint.
    pub id: String,
    /// What kind it is.
    pub kind: FindingKind,
    /// The vulnerability's identifier (the CVE where there is one), or that of the rule.
    pub rule: String,
    /// All its other identifiers, sorted.
    pub aliases: Vec<String>,
    /// One line for people.
    pub title: String,
    /// The severity.
    pub severity: Severity,
    /// Who gave that severity.
    pub severity_source: String,
    /// CVSS vectors, highest score first.
    pub cvss: Vec<Cvss>,
    /// The exploitation forecast.
    pub epss: Option<Epss>,
    /// The entry in the catalogue of exploited vulnerabilities.
    pub kev: Option<Kev>,
    /// Whether exploit code is publicly listed.
    pub exploit: bool,
    /// What Assay advises; `None` until it is decided.
    pub priority: Option<Priority>,
    /// How that was decided, point by point; empty until then.
    pub priority_path: Vec<Decision>,
    /// The index of the package in the report, if it is about one.
    pub package: Option<u32>,
    /// Whether there is a fix.
    pub fix: FixState,
    /// The versions that fix it, the nearest first.
    pub fixed_versions: Vec<String>,
    /// Where it is.
    pub locations: Vec<Place>,
    /// Whether all of that lies in layers of the base image; `None` when the base is not known.
    pub in_base: Option<bool>,
    /// Which advisories say so, the decisive statement first; empty for what is no vulnerability.
    pub evidence: Vec<Evidence>,
    /// What else was observed.
    pub details: Vec<Detail>,
    /// What to do, as one instruction.
    pub remediation: String,
    /// Why it does not count, if it does not.
    pub suppression: Option<Suppression>,
}
