//! Severity (what a source published) and priority (what Assay advises).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How bad a vulnerability is, as its source says. Ordered from least to worst; `Unknown` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Severity {
    /// No source gives one.
    #[default]
    Unknown,
    /// Debian's and Ubuntu's `negligible` and `unimportant`.
    Negligible,
    /// CVSS 0.1 to 3.9.
    Low,
    /// CVSS 4.0 to 6.9; Red Hat's and SUSE's `moderate`.
    Medium,
    /// CVSS 7.0 to 8.9; Red Hat's and SUSE's `important`.
    High,
    /// CVSS 9.0 to 10.0.
    Critical,
}

/// A text is not a severity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a severity: expected critical, high, medium, low, negligible or unknown")]
pub struct InvalidSeverity(pub String);

impl Severity {
    /// All severities, worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Negligible, Self::Unknown];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// Returns the qualitative rating of a CVSS score (CVSS v3.1 section 5; v4.0 section 6).
    pub fn from_score(score: f64) -> Self {
        match score {
            score if score >= 9.0 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            score if score > 0.0 => Self::Low,
            _ => Self::Unknown,
        }
    }

    /// Reads the words vendors use, in any case: `important`, `moderate`, `unimportant` and so on.
    pub fn from_vendor(text: &str) -> Option<Self> {
        Some(match text.trim().trim_end_matches('*').to_ascii_lowercase().as_str() {
            "critical" | "urgent" => Self::Critical,
            "high" | "important" | "serious" => Self::High,
            "medium" | "moderate" | "standard" => Self::Medium,
            "low" | "minor" => Self::Low,
            "negligible" | "unimportant" | "end-of-life" => Self::Negligible,
            "unknown" | "not yet assigned" | "untriaged" | "none" | "" => Self::Unknown,
            _ => return None,
        })
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = InvalidSeverity;
    fn from_str(text: &str) -> Result<Self, InvalidSeverity> {
        Self::ALL
            .into_iter()
            .find(|severity| severity.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidSeverity(text.to_owned()))
    }
}

/// What to do about a finding, after CISA's SSVC outcomes. Ordered from least to most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Fix within the ordinary cycle of updates.
    Track,
    /// As track, but watch for changes.
    TrackClosely,
    /// Fix sooner than the ordinary cycle.
    Attend,
    /// Fix now.
    Act,
}

impl Priority {
    /// All priorities, most urgent first.
    pub const ALL: [Self; 4] = [Self::Act, Self::Attend, Self::TrackClosely, Self::Track];

    /// Returns the name used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Track => "track",
            Self::TrackClosely => "track-closely",
            Self::Attend => "attend",
            Self::Act => "act",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A text is not a priority.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a priority: expected act, attend, track-closely or track")]
pub struct InvalidPriority(pub String);

impl FromStr for Priority {
    type Err = InvalidPriority;
    fn from_str(text: &str) -> Result<Self, InvalidPriority> {
        Self::ALL
            .into_iter()
            .find(|priority| priority.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| InvalidPriority(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_ordered_and_named() {
        assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Unknown);
        for severity in Severity::ALL {
            assert_eq!(severity.name().parse(), Ok(severity));
        }
        assert_eq!(Severity::from_vendor("Important"), Some(Severity::High));
        assert_eq!(Severity::from_score(7.0), Severity::High);
        assert!("severe".parse::<Severity>().is_err());
        for priority in Priority::ALL {
            assert_eq!(priority.name().parse(), Ok(priority));
        }
        assert!("tomorrow".parse::<Priority>().is_err());
    }
}
