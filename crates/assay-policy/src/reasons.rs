//! Where rules put what they have to say, and how they count findings: what is suppressed or excepted does not count.

use crate::exception::Book;
use crate::facts::{Facts, ImageFacts};
use crate::policy::{Policy, PolicyRule};
use crate::verdict::{Cause, Effect, Reason, ReasonFinding};
use assay_model::{Finding, FindingKind, Report, Severity, Timestamp};

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

    fn push(&mut self, cause: Cause, image: Option<&ImageFacts<'_>>, mut reason: Reason) {
        // What names findings has been counted without the excepted ones already.
        if reason.findings.is_empty()
            && self.book.rule(self.facts, image, (&self.rule.id, self.rule.rule.id()))
        {
            return;
        }
        reason.cause = cause;
        reason.digest = image.and_then(|image| image.digest);
        reason.rule.clone_from(&self.rule.id);
        self.rule.rule.id().clone_into(&mut reason.kind);
        reason.tier.clone_from(&self.tier);
        reason.effect = self.effect;
        self.reasons.push(reason);
    }

    fn reason(message: String, remedy: String) -> Reason {
        Reason {
            rule: String::new(),
            kind: String::new(),
            tier: None,
            effect: Effect::Audit,
            cause: Cause::Violation,
            digest: None,
            message,
            findings: Vec::new(),
            near_misses: Vec::new(),
            remedy,
        }
    }

    /// Says that what the rule asks for does not hold.
    pub fn violation(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Cause::Violation, image, Self::reason(message.into(), remedy.into()));
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
        let mut reason = Self::reason(message.into(), remedy(report, &sorted));
        reason.findings = sorted.iter().map(|finding| ReasonFinding::new(report, finding)).collect();
        self.push(Cause::Violation, Some(image), reason);
    }

    /// Says that evidence which is there does not satisfy the rule.
    pub fn near_misses(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        near_misses: Vec<String>,
        remedy: impl Into<String>,
    ) {
        let mut reason = Self::reason(message.into(), remedy.into());
        reason.near_misses = near_misses;
        self.push(Cause::Violation, image, reason);
    }

    /// Says that whether the rule holds cannot be told.
    pub fn missing(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.push(Cause::MissingEvidence, image, Self::reason(message.into(), remedy.into()));
    }

    /// Says that whether the rule holds cannot be told, although there is something close.
    pub fn missing_with(
        &mut self,
        image: Option<&ImageFacts<'_>>,
        message: impl Into<String>,
        near_misses: Vec<String>,
        remedy: impl Into<String>,
    ) {
        let mut reason = Self::reason(message.into(), remedy.into());
        reason.near_misses = near_misses;
        self.push(Cause::MissingEvidence, image, reason);
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
