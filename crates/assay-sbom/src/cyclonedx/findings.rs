//! Findings as CycloneDX vulnerabilities.

use super::Version;
use super::model::{Affects, Property, Rating, Reference, Source, Vulnerability};
use crate::document::Document;
use assay_model::{Finding, FindingKind, Report, Severity};

/// Returns the vulnerabilities among the findings of a report, one for each finding, each about a component of `document`, which was
/// composed from the same report.
pub(crate) fn vulnerabilities(report: &Report, document: &Document, version: Version) -> Vec<Vulnerability> {
    let mut found = Vec::new();
    for finding in &report.findings {
        let package = finding.package.filter(|_| finding.kind == FindingKind::Vulnerability);
        let reference = package.and_then(|index| document.components.get(index as usize));
        let Some(reference) = reference.map(|component| component.reference.clone()) else { continue };
        found.push(vulnerability(finding, reference, version));
    }
    found
}

fn vulnerability(finding: &Finding, reference: String, version: Version) -> Vulnerability {
    let name = |name: &str| Some(Source { name: Some(name.to_owned()), url: None });
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut ratings: Vec<Rating> = finding
        .cvss
        .iter()
        .map(|cvss| Rating {
            source: name(&cvss.source),
            score: Some(cvss.score),
            severity: Some(severity(Severity::from_score(cvss.score)).to_owned()),
            method: Some(method(&cvss.vector, version).to_owned()),
            vector: text(&cvss.vector),
        })
        .collect();
    // The severity that counts comes first; it may be the distribution's own.
    ratings.insert(
        0,
        Rating {
            source: text(&finding.severity_source).and_then(|source| name(&source)),
            severity: Some(severity(finding.severity).to_owned()),
            method: Some("other".to_owned()),
            ..Rating::default()
        },
    );
    let mut properties = vec![
        ("assay:finding".to_owned(), finding.id.clone()),
        ("assay:fix:state".to_owned(), finding.fix.name().to_owned()),
    ];
    properties.extend(finding.fixed_versions.iter().map(|it| ("assay:fix:version".to_owned(), it.clone())));
    properties
        .extend(finding.priority.map(|priority| ("assay:priority".to_owned(), priority.name().to_owned())));
    if let Some(epss) = finding.epss {
        properties.push(("assay:epss".to_owned(), epss.score.to_string()));
    }
    if finding.kev.is_some() {
        properties.push(("assay:kev".to_owned(), "true".to_owned()));
    }
    Vulnerability {
        bom_ref: Some(format!("vulnerability:{}", finding.id)),
        id: finding.rule.clone(),
        source: finding.evidence.first().and_then(|evidence| name(&evidence.feed)),
        references: finding
            .aliases
            .iter()
            .map(|alias| Reference { id: alias.clone(), source: name(issuer(alias)) })
            .collect(),
        ratings,
        description: text(&finding.title),
        recommendation: text(&finding.remediation),
        affects: vec![Affects { reference, versions: Vec::new() }],
        properties: properties.into_iter().map(|(name, value)| Property { name, value }).collect(),
        ..Vulnerability::default()
    }
}

/// CycloneDX has no word for negligible; `info` is the nearest that is not `none`.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Negligible => "info",
        Severity::Unknown => "unknown",
    }
}

fn method(vector: &str, version: Version) -> &'static str {
    match vector.split('/').next().unwrap_or_default() {
        "CVSS:3.0" => "CVSSv3",
        "CVSS:3.1" => "CVSSv31",
        "CVSS:4.0" if version >= Version::V1_5 => "CVSSv4",
        "CVSS:4.0" => "other",
        first if first.starts_with("AV:") => "CVSSv2",
        _ => "other",
    }
}

/// Returns who gives out identifiers like this one.
fn issuer(id: &str) -> &str {
    let prefix = id.split('-').next().unwrap_or(id);
    match prefix {
        "CVE" => "NVD",
        "GHSA" => "GitHub",
        other => other,
    }
}
