//! Detections: what content gives away besides packages, before it becomes a finding.

use crate::finding::FindingKind;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One named observation behind a finding, for people and programs alike.
///
/// A secret is never in it: what it says of one is redacted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Detail {
    /// What was observed: `match`, `checksum`, `mode` …
    pub name: Cow<'static, str>,
    /// What it is.
    pub value: String,
}

impl Detail {
    /// Returns a detail.
    pub fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name: Cow::Borrowed(name), value: value.into() }
    }
}

/// What a rule found in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Detection {
    /// What kind of finding it becomes.
    pub kind: FindingKind,
    /// The rule's identifier; the rule has title, severity and remedy.
    pub rule: Cow<'static, str>,
    /// The path inside the image, without a leading `/`; members of archives follow `!/`. Places in the image's configuration
    /// are written as a pointer into it: `config.json#/config/Env/3`. Analyzers leave it empty for the file itself.
    pub path: String,
    /// The line, from 1, where the content has lines.
    pub line: Option<u32>,
    /// The index, in the image's order, of the layer it is in; `None` outside layers. Analyzers leave it out.
    pub layer: Option<u32>,
    /// The index of the upper layer that hides the file, which the image still carries.
    pub hidden_by: Option<u32>,
    /// What tells several findings of one rule in one file apart, part of the fingerprint. Never made from a secret.
    pub subject: String,
    /// What was observed.
    pub details: Vec<Detail>,
}

impl Detection {
    /// Returns a detection about the file that is being looked at.
    pub fn new(kind: FindingKind, rule: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            rule: rule.into(),
            path: String::new(),
            line: None,
            layer: None,
            hidden_by: None,
            subject: String::new(),
            details: Vec::new(),
        }
    }
}
