//! SARIF 2.1.0 for code-scanning services (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).
//!
//! GitHub shows `security-severity` as its own scale, tracks results by `partialFingerprints`, and wants a region with a line
//! in every location, even for files that have none.

use super::{Format, Options};
use assay_model::{Finding, FindingKind, FixState, Priority, Report, Severity};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes SARIF.
pub(super) struct Sarif;

impl Format for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        assay_escape::json::write_pretty(&log(report, options), out)
    }
}

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
struct Run {
    tool: Value,
    #[serde(rename = "originalUriBaseIds")]
    base_ids: Value,
    invocations: Value,
    results: Vec<Value>,
    #[serde(rename = "columnKind")]
    column_kind: &'static str,
    properties: Value,
}

fn log(report: &Report, options: &Options) -> Log {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    for finding in &report.findings {
        rules.entry(&finding.rule).or_insert_with(|| rule(finding));
    }
    let positions: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(index, id)| (*id, index)).collect();
    let results =
        report.findings.iter().map(|finding| result(report, finding, positions.get(finding.rule.as_str())));
    let results = results.collect();
    Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [Run {
            tool: json!({ "driver": {
                "name": "Assay",
                "semanticVersion": options.version,
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }}),
            base_ids: json!({ "IMAGE": { "description": { "text": "the root folder of what was scanned" } } }),
            invocations: json!([{
                "executionSuccessful": report.complete(),
                "toolExecutionNotifications": report.inventory.warnings.iter().map(notification).collect::<Vec<_>>(),
            }]),
            results,
            column_kind: "utf16CodeUnits",
            properties: json!({
                "source": report.image.reference,
                "manifestDigest": report.image.manifest_digest.map(|digest| digest.to_string()),
                "imageId": report.image.image_id.map(|digest| digest.to_string()),
                "complete": report.complete(),
                "unassessed": report.unassessed(),
                "hidden": options.hidden,
            }),
        }],
    }
}

fn notification(warning: &assay_model::Warning) -> Value {
    json!({
        "level": if warning.incomplete { "warning" } else { "note" },
        "descriptor": { "id": warning.code },
        "message": { "text": warning.to_string() },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium | Severity::Unknown => "warning",
        Severity::Low | Severity::Negligible => "note",
    }
}

/// The score on GitHub's scale: the highest CVSS score, or the middle of the severity's band.
fn security_severity(finding: &Finding) -> String {
    let score = finding.cvss.iter().map(|cvss| cvss.score).fold(0.0, f64::max);
    let score = if score > 0.0 && Severity::from_score(score) == finding.severity {
        score
    } else {
        match finding.severity {
            Severity::Critical => 9.5,
            Severity::High => 8.0,
            Severity::Medium => 5.5,
            Severity::Low => 2.0,
            Severity::Negligible => 0.1,
            Severity::Unknown => 0.0,
        }
    };
    format!("{score:.1}")
}

fn rule(finding: &Finding) -> Value {
    let title = if finding.title.is_empty() { finding.rule.clone() } else { finding.title.clone() };
    let mut rule = json!({
        "id": finding.rule,
        "name": rule_name(finding.kind),
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": {
            "tags": ["security", finding.kind.name()],
            "security-severity": security_severity(finding),
            "aliases": finding.aliases,
        },
    });
    let uri = help_uri(&finding.rule).filter(|_| finding.kind == FindingKind::Vulnerability);
    if let (Some(uri), Some(rule)) = (uri, rule.as_object_mut()) {
        rule.insert("helpUri".to_owned(), Value::String(uri));
    }
    rule
}

fn rule_name(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Vulnerability => "VulnerablePackage",
        FindingKind::Secret => "ExposedSecret",
        FindingKind::Malware => "Malware",
        FindingKind::Misconfiguration => "Misconfiguration",
        FindingKind::License => "License",
    }
}

/// Returns the public page of an identifier whose form is safe to put into an address.
fn help_uri(id: &str) -> Option<String> {
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match id {
        _ if !plain => None,
        _ if id.starts_with("CVE-") => Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
        _ => Some(format!("https://osv.dev/vulnerability/{id}")),
    }
}

fn result(report: &Report, finding: &Finding, rule_index: Option<&usize>) -> Value {
    let package = finding.package.and_then(|index| report.inventory.packages.get(index as usize));
    let purl =
        package.map(|package| package.purl(report.inventory.os.as_ref()).to_string()).unwrap_or_default();
    let name =
        package.map(|package| format!("{} {}", package.full_name(), package.version)).unwrap_or_default();
    let details = finding.details.iter().map(|detail| format!("{}: {}", detail.name, detail.value));
    let details: Vec<String> = details.collect();
    let fix = match (finding.fix, finding.fixed_versions.as_slice()) {
        (FixState::Fixed, [_, ..]) => format!("fixed in {}", finding.fixed_versions.join(", ")),
        (state, _) => format!("fix: {}", state.name()),
    };
    let mut result = Map::new();
    result.insert("ruleId".into(), json!(finding.rule));
    if let Some(index) = rule_index {
        result.insert("ruleIndex".into(), json!(index));
    }
    result.insert("level".into(), json!(level(finding.severity)));
    result.insert(
        "message".into(),
        json!({ "text": if package.is_some() {
            format!("{name} has {} ({}), {fix}", finding.rule, finding.severity)
        } else {
            format!("{} ({}): {}", finding.title, finding.severity, finding.remediation)
        } }),
    );
    let locations: Vec<Value> = finding
        .locations
        .iter()
        .map(|location| {
            let layer = location.layer.and_then(|index| report.image.layers.get(index as usize));
            let mut message = location.path.clone();
            if let Some(layer) = layer {
                let diff_id = layer.diff_id.map(|diff_id| diff_id.to_string()).unwrap_or_default();
                let created_by = layer.created_by.as_deref().unwrap_or("unknown instruction");
                message = format!("{message} in layer {diff_id} ({created_by})");
            }
            // What lies in an archive has no address of its own; the archive's is given, and the rest in the message.
            let file = location.path.split_once("!/").map_or(location.path.as_str(), |(outer, _)| outer);
            json!({
                "physicalLocation": {
                    "artifactLocation": { "uri": uri(file), "uriBaseId": "IMAGE" },
                    "region": { "startLine": location.line.unwrap_or(1) },
                },
                "message": { "text": message },
            })
        })
        .collect();
    result.insert("locations".into(), Value::Array(locations));
    // SARIF section 3.27.25: a larger number is more urgent, 0 to 100; left out it is not known.
    if let Some(priority) = finding.priority {
        result.insert("rank".into(), json!(rank(priority)));
    }
    result.insert("partialFingerprints".into(), json!({ "assayFindingId/v1": finding.id }));
    result.insert(
        "properties".into(),
        json!({
            "kind": finding.kind.name(),
            "package": purl,
            "details": details,
            "severity": finding.severity.name(),
            "priority": finding.priority.map(Priority::name),
            "priorityPath": finding
                .priority_path
                .iter()
                .map(|step| format!("{} = {}, because {}", step.point, step.value, step.reason))
                .collect::<Vec<_>>(),
            "fixState": finding.fix.name(),
            "fixedVersions": finding.fixed_versions,
            "remediation": finding.remediation,
            "security-severity": security_severity(finding),
        }),
    );
    if let Some(suppression) = &finding.suppression {
        let by = [suppression.author.as_str(), suppression.source.as_str()];
        let by: Vec<&str> = by.into_iter().filter(|text| !text.is_empty()).collect();
        result.insert(
            "suppressions".into(),
            json!([{
                "kind": "external",
                "status": "accepted",
                "justification": format!(
                    "{} ({}): {}",
                    suppression.state.name(),
                    by.join(", "),
                    suppression.reason
                ),
            }]),
        );
    }
    Value::Object(result)
}

fn rank(priority: Priority) -> f64 {
    match priority {
        Priority::Act => 100.0,
        Priority::Attend => 75.0,
        Priority::TrackClosely => 50.0,
        Priority::Track => 25.0,
    }
}

/// Percent-encodes a path as a relative URI reference (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}
