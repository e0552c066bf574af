//! The result of a scan in the two forms that others read: in-toto's `vulns` v0.2
//! (<https://github.com/in-toto/attestation/blob/main/spec/predicates/vulns_02.md>), which is small and the same for all scanners,
//! and cosign's `vuln` v1 (<https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md>), which holds a
//! scanner's own report.
//!
//! Both say how old the database was: a scan is as fresh as the older of itself and of its database.

use assay_model::{FindingKind, Report, Timestamp};
use serde_json::{Value, json};

/// Who scanned, as a URI.
pub const SCANNER: &str = "https://github.com/assay/assay";

/// When and by what was scanned.
#[derive(Debug, Clone, Copy)]
pub struct Scan<'a> {
    /// The version of Assay.
    pub version: &'a str,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
}

/// A scan cannot be attested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoScan {
    /// It did not look for vulnerabilities.
    #[error("the scan did not look for vulnerabilities")]
    NotLookedFor,
    /// It did not see everything.
    #[error("something was left unscanned, and nobody may believe that it was not")]
    Partial,
    /// Nobody knows the date of the database.
    #[error("the vulnerability database does not say when it was built")]
    NoDate,
}

/// Returns the date of the scan's database, after seeing that the scan may be attested.
///
/// # Errors
/// Fails when the scan is partial, or does not know what it was compared with.
pub fn checked(report: &Report) -> Result<Timestamp, NoScan> {
    if !report.scanners.contains(&FindingKind::Vulnerability) {
        return Err(NoScan::NotLookedFor);
    }
    if !report.complete() {
        return Err(NoScan::Partial);
    }
    // A database is as old as its oldest feed.
    let synced = report.database.feeds.iter().filter_map(|feed| feed.synced_at).min();
    [report.database.built_at, synced].into_iter().flatten().min().ok_or(NoScan::NoDate)
}

/// Returns in-toto's predicate.
///
/// # Errors
/// Fails when the scan may not be attested.
pub fn in_toto(report: &Report, scan: &Scan<'_>) -> Result<Value, NoScan> {
    let updated = checked(report)?;
    let vulnerabilities = report.findings.iter().filter(|finding| finding.kind == FindingKind::Vulnerability);
    let result: Vec<Value> = vulnerabilities
        .map(|finding| {
            let mut severity = vec![json!({ "method": "assay", "score": finding.severity.name() })];
            severity.extend(finding.cvss.iter().map(|cvss| {
                let version = cvss.vector.split_once('/').map(|(version, _)| version);
                let method = version.filter(|version| version.starts_with("CVSS:")).unwrap_or("CVSS:2.0");
                json!({ "method": method, "score": format!("{:.1}", cvss.score) })
            }));
            let mut annotations = Vec::new();
            let package = finding.package.and_then(|index| usize::try_from(index).ok());
            if let Some(package) = package.and_then(|index| report.inventory.packages.get(index)) {
                annotations
                    .push(json!({ "package": package.purl(report.inventory.os.as_ref()).to_string() }));
            }
            annotations.push(json!({ "fix": finding.fix.name() }));
            if let Some(version) = finding.fixed_versions.first() {
                annotations.push(json!({ "fixedVersion": version }));
            }
            if let Some(suppression) = &finding.suppression {
                annotations.push(json!({ "suppressed": suppression.state.name() }));
            }
            json!({ "id": finding.id, "severity": severity, "annotations": annotations })
        })
        .collect();
    Ok(json!({
        "scanner": {
            "uri": SCANNER,
            "version": scan.version,
            "db": { "uri": SCANNER, "lastUpdate": updated.to_string() },
            "result": result,
        },
        "metadata": metadata(scan),
    }))
}

/// Returns cosign's predicate around the report in JSON.
///
/// # Errors
/// Fails when the scan may not be attested.
pub fn cosign(report: &Report, json_report: &Value, scan: &Scan<'_>) -> Result<Value, NoScan> {
    let updated = checked(report)?;
    Ok(json!({
        "invocation": { "parameters": null, "uri": "", "event_id": "", "builder.id": "" },
        "scanner": {
            "uri": SCANNER,
            "version": scan.version,
            "db": { "uri": SCANNER, "version": "", "lastUpdate": updated.to_string() },
            "result": json_report,
        },
        "metadata": metadata(scan),
    }))
}

fn metadata(scan: &Scan<'_>) -> Value {
    json!({ "scanStartedOn": scan.started.to_string(), "scanFinishedOn": scan.finished.to_string() })
}
