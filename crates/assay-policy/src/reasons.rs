//! Where rules put what they have to say, and how they count findings: what is suppressed or excepted does not count.

use crate::exception::Book;
use crate::facts::{Facts, ImageFacts};
use crate::policy::{Policy, PolicyRule};
use crate::verdict::{Cause, Effect, Reason, ReasonFinding};
use assay_model::{Finding, FindingKind, Report, Severity, Timestamp};
use assay_version::compare;
use std::cmp::Ordering;

/// A scan is called by this name in messages.
const SCAN: &str =
    "scan the image with `assay gate SOURCE --policy FILE`, or give a report of all kinds of findings";

/// Takes what one rule says.
#[derive(Debug)]
pub struct Reasons<'r, 'p> {
    policy: &'p Policy,
    facts: &'r Facts<'r>,
    now: Timestamp,
    book: &'r mut Book<'p>,
    rule: &'r PolicyRule,
    effect: Effect,
    tier: Option<String>,
    reasons: Vec<Reason>,
}

impl<'r, 'p> Reasons<'r, 'p> {
    pub(crate) fn new(
        policy: &'p Policy,
        facts: &'r Facts<'r>,
        now: Timestamp,
        book: &'r mut Book<'p>,
        rule: &'r PolicyRule,
        effect: Effect,
        tier: Option<String>,
    ) -> Self {
        Self { policy, facts, now, book, rule, effect, tier, reasons: Vec::new() }
    }

    pub(crate) fn finish(self) -> Vec<Reason> {
        self.reasons
    }

    /// Returns the time of the verdict.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns the policy.
    pub fn policy(&self) -> &'p Policy {
        self.policy
    }

    /// Adds a reason, unless an exception takes the rule out.
    fn push(
        &mut self,
        cause: Cause,
        image: Option<&ImageFacts<'_>>,
        (message, remedy): (String, String),
        (findings, near_misses): (Vec<ReasonFinding>, Vec<String>),
    ) {
        let kind = self.rule.rule.id();
        // What names findings has been counted without the excepted ones already.
        if findings.is_empty() && self.book.rule(self.facts, image, (&self.rule.id, kind)) {
            return;
        }
        self.reasons.push(Reason {
            rule: self.rule.id.clone(),
            kind: kind.to_owned(),
            tier: self.tier.clone(),
            effect: self.effect,
            cause,
            stale: false,
            digest: image.and_then(|image| image.digest),
            message,
            findings,
            near_misses,
            remedy,
        });
    }

    /// Says that what the rule asks for does not hold.
    pub fn violation(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.near_misses(image, message, Vec::new(), remedy);
    }

    /// Says the same because of findings, which were counted with [`Reasons::open`].
    pub fn findings(
        &mut self,
        image: &ImageFacts<'_>,
        report: &Report,
        message: impl Into<String>,
        findings: &[&Finding],
    ) {
        let mut sorted = findings.to_vec();
        // The worst first; the report's own order among equals.
        sorted
            .sort_by_key(|finding| (std::cmp::Reverse(worst(finding)), std::cmp::Reverse(finding.priority)));
        let told = sorted.iter().map(|finding| ReasonFinding::new(report, finding)).collect();
        let words = (message.into(), remedy(report, &sorted));
        self.push(Cause::Violation, Some(image), words, (told, Vec::new()));
    }

    /// Says that evidence which is there does not satisfy the rule.
    pub fn near_misses(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        near_misses: Vec<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Cause::Violation, image, (message.into(), remedy.into()), (Vec::new(), near_misses));
    }

    /// Says that whether the rule holds cannot be told.
    pub fn missing(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.missing_with(image, message, Vec::new(), remedy);
    }

    /// Says that whether the rule holds cannot be told, although there is something close.
    pub fn missing_with(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        near_misses: Vec<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Cause::MissingEvidence, image, (message.into(), remedy.into()), (Vec::new(), near_misses));
    }

    /// Says that whether the rule holds cannot be told until the image is scanned again. What was admitted before is not in the way of
    /// itself meanwhile: it is a warning then.
    pub fn stale(&mut self, image: &ImageFacts<'_>, message: impl Into<String>, remedy: impl Into<String>) {
        let before = self.reasons.len();
        self.missing(Some(image), message, remedy);
        let admitted = self.facts.admitted.is_some();
        for reason in self.reasons.iter_mut().skip(before) {
            reason.stale = true;
            if admitted {
                reason.effect = reason.effect.min(Effect::Warn);
            }
        }
    }

    /// Returns the reports of all images; one that was not scanned is missing evidence.
    pub fn reports(&mut self) -> Vec<(&'r ImageFacts<'r>, &'r Report)> {
        let mut reports = Vec::new();
        for image in &self.facts.images {
            match image.report {
                Some(report) => reports.push((image, report)),
                None => self.missing(Some(image), "the image was not scanned", SCAN),
            }
        }
        reports
    }

    /// Returns the reports in which a kind of findings was looked for; the others are missing evidence.
    pub fn reports_of(&mut self, kind: FindingKind) -> Vec<(&'r ImageFacts<'r>, &'r Report)> {
        let mut looked = Vec::new();
        for (image, report) in self.reports() {
            if report.scanners.contains(&kind) {
                looked.push((image, report));
            } else {
                let plural = match kind {
                    FindingKind::Vulnerability => "vulnerabilities",
                    FindingKind::Secret => "secrets",
                    FindingKind::Malware => "malware",
                    FindingKind::Misconfiguration => "misconfigurations",
                    FindingKind::License => "licences",
                };
                self.missing(Some(image), format!("the scan did not look for {plural}"), SCAN);
            }
        }
        looked
    }

    /// Returns whether a finding counts: it is neither suppressed nor excepted. Asked last, because an exception that is asked is
    /// used.
    pub fn open(&mut self, image: &ImageFacts<'_>, report: &Report, finding: &Finding) -> bool {
        finding.suppression.is_none()
            && !self.book.finding(self.facts, image, report, finding, (&self.rule.id, self.rule.rule.id()))
    }

    /// Returns the findings of a kind that count and that `keep` keeps.
    pub fn counted(
        &mut self,
        image: &ImageFacts<'_>,
        report: &'r Report,
        kind: FindingKind,
        keep: impl Fn(&Finding) -> bool,
    ) -> Vec<&'r Finding> {
        report
            .findings
            .iter()
            .filter(|finding| finding.kind == kind && keep(finding))
            .filter(|finding| self.open(image, report, finding))
            .collect()
    }
}

/// Returns the severity as which a finding is sorted: one that nobody knows could be critical.
fn worst(finding: &Finding) -> Severity {
    if finding.severity == Severity::Unknown { Severity::Critical } else { finding.severity }
}

/// Returns whether another finding about the same package asks for a later version: who follows that has followed this.
fn is_overtaken(report: &Report, finding: &Finding, all: &[&Finding]) -> bool {
    let (Some(index), Some(version)) = (finding.package, finding.fixed_versions.first()) else {
        return false;
    };
    let package = usize::try_from(index).ok().and_then(|index| report.inventory.packages.get(index));
    let ecosystem = package.and_then(|package| package.ecosystem(report.inventory.os.as_ref()));
    let Some(scheme) = ecosystem.map(|ecosystem| ecosystem.scheme()) else { return false };
    all.iter().filter(|other| other.package == Some(index)).any(|other| {
        let later = other.fixed_versions.first().map(|other| compare(scheme, other, version));
        later.is_some_and(|order| order == Ok(Ordering::Greater))
    })
}

/// Puts together what to do about findings: a newer base where that helps, then the findings' own remedies.
fn remedy(report: &Report, findings: &[&Finding]) -> String {
    const SHOWN: usize = 3;
    let mut steps: Vec<String> = Vec::new();
    let newer = report.image.base.as_ref().and_then(|base| base.newer.as_ref());
    if let Some(newer) = newer {
        let gone =
            findings.iter().filter(|finding| newer.removes.iter().any(|(rule, _)| *rule == finding.rule));
        let gone = gone.count();
        if gone > 0 {
            steps.push(format!("build on `{}`, which is without {gone} of them", newer.reference));
        }
    }
    let mut own: Vec<&str> = Vec::new();
    for finding in findings.iter().filter(|finding| !finding.remediation.is_empty()) {
        if is_overtaken(report, finding, findings) {
            continue;
        }
        if !own.contains(&finding.remediation.as_str()) {
            own.push(&finding.remediation);
        }
    }
    steps.extend(own.iter().take(SHOWN).map(|text| text.trim_end_matches('.').to_owned()));
    if own.len() > SHOWN {
        steps.push(format!("and {} more such steps", own.len() - SHOWN));
    }
    if steps.is_empty() {
        steps.push("remove what the findings are about, or record an exception".to_owned());
    }
    steps.join("; ")
}
