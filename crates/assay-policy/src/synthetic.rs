//! Findings that only a policy knows: packages that it does not accept. They are counted and excepted like those of a scan.

use assay_model::{Finding, FindingKind, FixState, Package, Place, Report, Severity};

/// Returns a finding about a package.
pub(crate) fn of_package(
    report: &Report,
    index: u32,
    package: &Package,
    (kind, rule, severity): (FindingKind, &str, Severity),
    why: String,
    remediation: String,
) -> Finding {
    let purl = package.purl(report.inventory.os.as_ref()).to_string();
    let plain = purl.split('?').next().unwrap_or_default();
    // Versions come and go; what is not accepted is the package.
    let versionless = plain.rsplit_once('@').map_or(plain, |(name, _)| name);
    Finding {
        id: format!("{rule}:{versionless}"),
        kind,
        rule: rule.to_owned(),
        aliases: Vec::new(),
        title: why,
        severity,
        severity_source: "policy".to_owned(),
        cvss: Vec::new(),
        epss: None,
        kev: None,
        exploit: false,
        priority: None,
        priority_path: Vec::new(),
        package: Some(index),
        fix: FixState::Unknown,
        fixed_versions: Vec::new(),
        locations: package.locations.iter().map(Place::from).collect(),
        in_base: None,
        evidence: Vec::new(),
        details: Vec::new(),
        remediation,
        suppression: None,
    }
}

/// Returns a number of packages in words.
pub(crate) fn packages(count: usize) -> String {
    crate::words::count(count, ("package", "packages"))
}
