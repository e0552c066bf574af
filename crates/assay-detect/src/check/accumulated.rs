//! Findings that are harmless one by one and are not when nobody mends them: many of medium severity are a finding of their own.
//!
//! What nothing can be done about (a vulnerability without a fix) does not count unless the user says so: the number would then say how old a
//! distribution is, and nothing about whoever builds the image.

use super::Check;
use assay_model::{Detail, Detection, Finding, FindingKind, FixState, Report, Severity};

/// What many findings come to.
pub const CHECK: Check = Check {
    id: "accumulated-medium",
    aliases: &[],
    title: "findings of medium severity have accumulated",
    severity: Severity::High,
    why: "One alone can wait; of many some can be put together into an attack, and so many mean that nobody mends any.",
    fix: "mend those that have a fix, most of which come with newer packages or a newer base image",
    reference: "",
};

/// From how many on they are a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accumulation {
    /// Open findings of medium severity; `None` for never.
    pub medium: Option<u32>,
    /// Whether vulnerabilities without a fix count, too.
    pub unfixed: bool,
}

impl Default for Accumulation {
    fn default() -> Self {
        Self { medium: Some(50), unfixed: false }
    }
}

/// Adds the finding to a report whose findings are complete, if there are so many and settings are looked at at all; returns whether.
pub fn add(report: &mut Report, limit: &Accumulation) -> bool {
    let Some(most) = limit.medium.filter(|_| report.scanners.contains(&FindingKind::Misconfiguration)) else {
        return false;
    };
    let counts = |finding: &&Finding| {
        finding.severity == Severity::Medium
            && finding.suppression.is_none()
            && (limit.unfixed || finding.kind != FindingKind::Vulnerability || finding.fix == FixState::Fixed)
    };
    let counted: Vec<&Finding> = report.findings.iter().filter(counts).collect();
    if counted.len() < usize::try_from(most.max(1)).unwrap_or(usize::MAX) {
        return false;
    }
    let mut details =
        vec![Detail::new("medium", counted.len().to_string()), Detail::new("limit", most.to_string())];
    for kind in FindingKind::ALL {
        let count = counted.iter().filter(|finding| finding.kind == kind).count();
        if count > 0 {
            details.push(Detail::new(kind.name(), count.to_string()));
        }
    }
    let fixed = counted.iter().filter(|finding| finding.fix == FixState::Fixed).count();
    details.push(Detail::new("with-a-fix", fixed.to_string()));
    let mut packages: Vec<u32> = counted.iter().filter_map(|finding| finding.package).collect();
    packages.sort_unstable();
    packages.dedup();
    details.push(Detail::new("packages", packages.len().to_string()));
    let detection = Detection { details, ..Detection::new(FindingKind::Misconfiguration, CHECK.id) };
    let mut findings = crate::findings(&[FindingKind::Misconfiguration], &[detection], &report.image);
    // It is about the whole.
    findings.iter_mut().for_each(|finding| finding.locations.clear());
    report.findings.append(&mut findings);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: FindingKind, severity: Severity, fix: FixState, package: u32) -> Finding {
        let detection = Detection::new(FindingKind::Misconfiguration, "image-setuid");
        let image = assay_model::Image::default();
        let made = crate::findings(&[FindingKind::Misconfiguration], &[detection], &image);
        let made = made.into_iter().next().unwrap();
        Finding { kind, severity, fix, package: Some(package), ..made }
    }

    fn report(findings: Vec<Finding>, scanners: &[FindingKind]) -> Report {
        Report {
            source: assay_model::report::SourceKind::Dir,
            image: assay_model::Image::default(),
            scanners: scanners.to_vec(),
            inventory: assay_model::Inventory::default(),
            database: assay_model::report::DatabaseStatus::default(),
            context: assay_model::Context::default(),
            coverage: Vec::new(),
            findings,
            removable: Vec::new(),
        }
    }

    /// Adds the finding for three fixable and one unfixed vulnerability, a setting, and others that do not count.
    fn check(limit: Accumulation, scanners: &[FindingKind], want: Option<&str>) {
        let vulnerability =
            |severity, fix, package| finding(FindingKind::Vulnerability, severity, fix, package);
        let mut findings: Vec<Finding> =
            (0..3).map(|number| vulnerability(Severity::Medium, FixState::Fixed, number % 2)).collect();
        findings.push(vulnerability(Severity::Medium, FixState::NotFixed, 7));
        findings.push(finding(FindingKind::Misconfiguration, Severity::Medium, FixState::Unknown, 0));
        findings.push(vulnerability(Severity::High, FixState::Fixed, 8));
        findings.push(vulnerability(Severity::Low, FixState::Fixed, 9));
        let mut report = report(findings, scanners);
        let added = add(&mut report, &limit);
        let last = report.findings.last().filter(|_| added).map(|finding| {
            let details = finding.details.iter().map(|one| format!("{} {}", one.name, one.value));
            format!("{} {}: {}", finding.rule, finding.severity, details.collect::<Vec<_>>().join(", "))
        });
        assert_eq!(last.as_deref(), want);
    }

    #[test]
    fn what_can_be_mended_and_is_not_adds_up() {
        let limit = |medium, unfixed| Accumulation { medium, unfixed };
        let all = &FindingKind::ALL;
        let fixable = "accumulated-medium high: medium 4, limit 4, vulnerability 3, misconfiguration 1, with-a-fix 3, packages 2";
        check(limit(Some(4), false), all, Some(fixable));
        check(limit(Some(5), false), all, None);
        let with_unfixed = "accumulated-medium high: medium 5, limit 5, vulnerability 4, misconfiguration 1, with-a-fix 3, packages 3";
        check(limit(Some(5), true), all, Some(with_unfixed));
        check(limit(Some(6), true), all, None);
        check(limit(None, true), all, None);
        check(limit(Some(1), true), &[FindingKind::Vulnerability], None);
        check(Accumulation::default(), all, None);
    }
}
