//! The answers that a finding itself gives, each with its reason.
//!
//! What is not known counts as the worse: a vulnerability that nobody has scored may be the one that matters. How bad that
//! is stays with the tree, where nothing that nobody attacks is urgent.

use super::tree::{Automatable, Exploitation, TechnicalImpact};
use assay_model::{Finding, Severity};

/// The exploitation forecast from which on attacks count as likely, like published attack code.
///
/// One chance in ten within 30 days. In the scores of 2024-10-25 that was the 95th percentile: of all vulnerabilities one in
/// twenty has at least this score. The percentile itself is no threshold, because it moves whenever others are published.
pub const EPSS_LIKELY: f64 = 0.1;

/// An answer and why it is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// Why, in words that follow "because".
    pub reason: String,
}

impl<T> Answer<T> {
    fn new(value: T, reason: impl Into<String>) -> Self {
        Self { value, reason: reason.into() }
    }
}

/// Says what is known about attacks.
pub fn exploitation(finding: &Finding) -> Answer<Exploitation> {
    if let Some(kev) = &finding.kev {
        let since = kev.added.map(|time| format!(" since {}", time.date_text())).unwrap_or_default();
        let ransomware = if kev.ransomware { ", and ransomware uses it" } else { "" };
        return Answer::new(
            Exploitation::Active,
            format!("{} is in CISA KEV{since}{ransomware}", finding.rule),
        );
    }
    if finding.exploit {
        return Answer::new(
            Exploitation::Poc,
            format!("attack code for {} is publicly listed", finding.rule),
        );
    }
    match finding.epss {
        Some(epss) if epss.score >= EPSS_LIKELY => Answer::new(
            Exploitation::Poc,
            format!(
                "EPSS forecasts attacks with {:.1} %, at least {:.0} %",
                epss.score * 100.0,
                EPSS_LIKELY * 100.0
            ),
        ),
        Some(epss) => Answer::new(
            Exploitation::None,
            format!("no attack or attack code is listed, and EPSS is {:.1} %", epss.score * 100.0),
        ),
        None => Answer::new(Exploitation::None, "no attack or attack code is listed"),
    }
}

/// The metrics of one CVSS vector, by their short names.
struct Vector<'a> {
    text: &'a str,
}

impl<'a> Vector<'a> {
    fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// Returns the value of a metric; the first where a hostile vector repeats it.
    fn metric(&self, name: &str) -> Option<&'a str> {
        self.text
            .split('/')
            .find_map(|part| part.split_once(':').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.metric(name) == Some(value)
    }

    fn is_v2(&self) -> bool {
        self.metric("Au").is_some()
    }

    /// Returns whether it says enough to be judged by.
    fn speaks(&self) -> bool {
        self.metric("AV").is_some() && (self.metric("C").is_some() || self.metric("VC").is_some())
    }

    /// From the network, without conditions, privileges or anybody's help (CVSS v4.0 section 2.1, v3.1 section 2.1, v2 section 2.1).
    fn automatable(&self) -> bool {
        let easy = self.is("AV", "N") && self.is("AC", "L");
        if self.is_v2() {
            return easy && self.is("Au", "N");
        }
        let conditions = self.metric("AT").is_some_and(|value| value != "N");
        easy && !conditions && self.is("PR", "N") && self.is("UI", "N")
    }

    /// All is disclosed and all can be changed. Availability does not count: what is down is not taken over.
    fn total(&self) -> bool {
        if self.is_v2() {
            return self.is("C", "C") && self.is("I", "C");
        }
        (self.is("C", "H") && self.is("I", "H")) || (self.is("VC", "H") && self.is("VI", "H"))
    }
}

/// Returns the vectors to judge by: those of version 2 only where there is no newer one, because it knows no user interaction
/// and calls most takeovers partial.
fn vectors(finding: &Finding) -> Vec<(Vector<'_>, &str)> {
    let all = finding.cvss.iter().map(|cvss| (Vector::new(&cvss.vector), cvss.source.as_str()));
    let (old, new): (Vec<_>, Vec<_>) =
        all.filter(|(vector, _)| vector.speaks()).partition(|(vector, _)| vector.is_v2());
    if new.is_empty() { old } else { new }
}

/// Says whether attacks can be automated: yes if any vector says so.
pub fn automatable(finding: &Finding) -> Answer<Automatable> {
    let vectors = vectors(finding);
    if let Some((vector, source)) = vectors.iter().find(|(vector, _)| vector.automatable()) {
        let needs = if vector.is_v2() { "authentication" } else { "privileges or help" };
        return Answer::new(
            Automatable::Yes,
            format!("{source}'s vector says over the network, easily, without {needs}"),
        );
    }
    let Some((vector, source)) = vectors.first() else {
        return Answer::new(Automatable::Yes, "no CVSS vector says how it is attacked, which counts as yes");
    };
    let hurdles: Vec<&str> = [
        (!vector.is("AV", "N"), "not over the network"),
        (!vector.is("AC", "L"), "not easily"),
        (vector.metric("AT").is_some_and(|value| value != "N"), "only under conditions"),
        (!vector.is_v2() && !vector.is("PR", "N"), "only with privileges"),
        (vector.is_v2() && !vector.is("Au", "N"), "only with authentication"),
        (!vector.is_v2() && !vector.is("UI", "N"), "only with somebody's help"),
    ]
    .into_iter()
    .filter_map(|(holds, words)| holds.then_some(words))
    .collect();
    Answer::new(Automatable::No, format!("{source}'s vector says {}", hurdles.join(", ")))
}

/// Says what an attack gives: everything if any vector says so.
pub fn impact(finding: &Finding) -> Answer<TechnicalImpact> {
    let source = finding.severity_source.as_str();
    // Who publishes the package knows how it was built; a low rating of theirs says that the worst case of a general vector
    // does not hold for it.
    let own_word = !source.is_empty() && !source.starts_with("cvss");
    if own_word && matches!(finding.severity, Severity::Low | Severity::Negligible) {
        return Answer::new(
            TechnicalImpact::Partial,
            format!("{source}, which knows the package, rates it {}", finding.severity),
        );
    }
    let vectors = vectors(finding);
    if let Some((_, source)) = vectors.iter().find(|(vector, _)| vector.total()) {
        return Answer::new(
            TechnicalImpact::Total,
            format!("{source}'s vector says that all is disclosed and can be changed"),
        );
    }
    if let Some((_, source)) = vectors.first() {
        return Answer::new(
            TechnicalImpact::Partial,
            format!("{source}'s vector says that not everything is disclosed and can be changed"),
        );
    }
    match finding.severity {
        Severity::Critical | Severity::High => Answer::new(
            TechnicalImpact::Total,
            format!("there is no CVSS vector, and it is rated {}", finding.severity),
        ),
        Severity::Unknown => {
            Answer::new(TechnicalImpact::Total, "nobody says how bad it is, which counts as the worst")
        }
        Severity::Medium | Severity::Low | Severity::Negligible => Answer::new(
            TechnicalImpact::Partial,
            format!("there is no CVSS vector, and it is rated {}", finding.severity),
        ),
    }
}
