//! VEX: statements on whether a product is affected by a vulnerability, in OpenVEX, CSAF and CycloneDX.
//!
//! The formats share four statuses (<https://www.cisa.gov/resources-tools/resources/minimum-requirements-vulnerability-exploitability-exchange-vex>)
//! and OpenVEX's five justifications, which CSAF took over and CycloneDX words differently. Who is believed is not decided here.

mod csaf;
mod cyclonedx;
mod merge;
mod openvex;
mod product;
mod read;
mod write;

pub use merge::merge;
pub use product::{Identity, Product, Target};
pub use read::{ReadVexError, read, recognise};
pub use write::{Format, Heading, UnknownVexFormat, WriteVexError, write};

use assay_model::Timestamp;
use std::fmt;
use std::str::FromStr;

/// What is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// The product is not affected.
    NotAffected,
    /// It is.
    Affected,
    /// This version has the fix.
    Fixed,
    /// It is not known yet.
    UnderInvestigation,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [Self::NotAffected, Self::Affected, Self::Fixed, Self::UnderInvestigation];

    /// Returns the name OpenVEX gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAffected => "not_affected",
            Self::Affected => "affected",
            Self::Fixed => "fixed",
            Self::UnderInvestigation => "under_investigation",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text is no status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected not_affected, affected, fixed or under_investigation")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;
    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let text = text.replace('-', "_");
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or(UnknownStatus)
    }
}

/// Why a product is not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Justification {
    /// The vulnerable component is not in the product.
    ComponentNotPresent,
    /// The component is, the vulnerable code is not.
    CodeNotPresent,
    /// The code is never executed.
    CodeNotInExecutePath,
    /// An attacker cannot control it.
    CodeCannotBeControlled,
    /// Something else prevents the attack.
    InlineMitigations,
}

impl Justification {
    /// Every justification.
    pub const ALL: [Self; 5] = [
        Self::ComponentNotPresent,
        Self::CodeNotPresent,
        Self::CodeNotInExecutePath,
        Self::CodeCannotBeControlled,
        Self::InlineMitigations,
    ];

    /// Returns the name OpenVEX and CSAF give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "component_not_present",
            Self::CodeNotPresent => "vulnerable_code_not_present",
            Self::CodeNotInExecutePath => "vulnerable_code_not_in_execute_path",
            Self::CodeCannotBeControlled => "vulnerable_code_cannot_be_controlled_by_adversary",
            Self::InlineMitigations => "inline_mitigations_already_exist",
        }
    }
}

/// A text is no justification.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected component_not_present, vulnerable_code_not_present, vulnerable_code_not_in_execute_path, \
     vulnerable_code_cannot_be_controlled_by_adversary or inline_mitigations_already_exist"
)]
pub struct UnknownJustification;

impl FromStr for Justification {
    type Err = UnknownJustification;
    fn from_str(text: &str) -> Result<Self, UnknownJustification> {
        Self::ALL.into_iter().find(|one| one.name() == text).ok_or(UnknownJustification)
    }
}

/// One statement about one vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The vulnerability's identifiers, its name first.
    pub vulnerabilities: Vec<String>,
    /// What it is stated of.
    pub products: Vec<Product>,
    /// What is stated.
    pub status: Status,
    /// Why the product is not affected.
    pub justification: Option<Justification>,
    /// The same, or the impact, in words.
    pub impact: Option<String>,
    /// What to do about it.
    pub action: Option<String>,
    /// Who states it; empty when nobody says.
    pub author: String,
    /// When it was stated, or last changed.
    pub issued: Option<Timestamp>,
}

impl Statement {
    /// Returns whether it speaks about a vulnerability of any of these names.
    pub fn names<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> bool {
        names.any(|name| self.vulnerabilities.iter().any(|own| own.eq_ignore_ascii_case(name)))
    }

    /// Returns whether it speaks about a package of an image, or about the image as a whole.
    pub fn concerns(&self, target: &Target<'_>) -> bool {
        self.products.iter().any(|product| product.concerns(target))
    }

    /// Returns justification and impact in words.
    pub fn reason(&self) -> String {
        let justification = self.justification.map(|justification| justification.name().replace('_', " "));
        let parts = [justification, self.impact.clone(), self.action.clone()];
        let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
        parts.join(": ")
    }
}
