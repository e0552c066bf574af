//! What several formats say about a finding in words, unescaped: each format escapes for its medium.

use assay_model::{Finding, FixState, Package, Place, Report};

/// Returns the package a finding is about.
pub fn package<'a>(report: &'a Report, finding: &Finding) -> Option<&'a Package> {
    finding.package.and_then(|index| report.inventory.packages.get(index as usize))
}

/// Names what a finding is about: a package with its version, or the first of its places.
pub fn subject(report: &Report, finding: &Finding) -> String {
    match package(report, finding) {
        Some(package) => format!("{} {}", package.full_name(), package.version),
        None => finding.locations.first().map(place).unwrap_or_default(),
    }
}

/// Names a place: `path` or `path:line`.
pub fn place(place: &Place) -> String {
    match place.line {
        Some(line) => format!("{}:{line}", place.path),
        None => place.path.clone(),
    }
}

/// Says in which version a vulnerability is fixed, or why in none; nothing for what is no vulnerability.
pub fn fix(finding: &Finding) -> String {
    if finding.package.is_none() {
        return String::new();
    }
    match finding.fix {
        FixState::Fixed if !finding.fixed_versions.is_empty() => finding.fixed_versions.join(", "),
        FixState::Fixed => "fixed".to_owned(),
        FixState::NotFixed => "no fix yet".to_owned(),
        FixState::WontFix => "won't be fixed".to_owned(),
        FixState::EndOfLife => "end of life".to_owned(),
        FixState::Unknown => "not known".to_owned(),
    }
}

/// Names the operating system, and says until when it gets or got security fixes.
pub fn os(report: &Report) -> Option<String> {
    let os = report.inventory.os.as_ref()?;
    let name = if os.name.is_empty() { &os.id } else { &os.name };
    let Some(end) = os.end_of_life else { return Some(name.clone()) };
    let past = report.database.built_at.is_some_and(|built| built > end);
    let word = if past { "security support ended" } else { "supported until" };
    Some(format!("{name} ({word} {})", end.date_text()))
}

/// Names a layer by its place in the image and its digest: `layer 2 (8aa59add333a)`.
pub fn layer(report: &Report, index: Option<u32>) -> Option<String> {
    let index = index?;
    let layer = report.image.layers.get(index as usize)?;
    let digest = layer.diff_id.map(|diff_id| format!(" ({})", diff_id.0.short())).unwrap_or_default();
    Some(format!("layer {}{digest}", index + 1))
}

/// Says in one sentence what was found, how bad it is, and what to do.
pub fn sentence(report: &Report, finding: &Finding) -> String {
    let what = match package(report, finding) {
        Some(_) => format!("{} has {} ({})", subject(report, finding), finding.rule, finding.severity),
        None => format!("{} ({})", finding.title, finding.severity),
    };
    if finding.remediation.is_empty() { what } else { format!("{what}: {}", finding.remediation) }
}
