//! GitLab's container-scanning report
//! (<https://gitlab.com/gitlab-org/security-products/security-report-schemas>, `container-scanning-report-format.json`).
//!
//! That report is about vulnerable packages and has no place for other kinds of findings; how many were left out for that is said in
//! its messages. Its times must be there: they are the database's, so that the same input gives the same report.

use super::{Format, Options};
use crate::words;
use assay_escape::shorten;
use assay_model::{Finding, FindingKind, Package, Report, Severity, Timestamp};
use serde::Serialize;
use std::io::{self, Write};

/// Writes the report.
pub(super) struct Gitlab;

/// The version of the schema that is followed.
const VERSION: &str = "15.2.1";

impl Format for Gitlab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        assay_escape::json::write_pretty(&document(report, options), out)
    }
}

#[derive(Serialize)]
struct Document<'a> {
    version: &'static str,
    scan: Scan<'a>,
    vulnerabilities: Vec<Vulnerability>,
    remediations: [(); 0],
}

#[derive(Serialize)]
struct Scan<'a> {
    analyzer: Tool<'a>,
    scanner: Tool<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
    start_time: String,
    end_time: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Tool<'a> {
    id: &'static str,
    name: &'static str,
    url: &'static str,
    vendor: Named,
    version: &'a str,
}

#[derive(Serialize)]
struct Named {
    name: &'static str,
}

#[derive(Serialize)]
struct Message {
    level: &'static str,
    value: String,
}

#[derive(Serialize)]
struct Vulnerability {
    id: String,
    name: String,
    description: String,
    severity: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    solution: String,
    identifiers: Vec<Identifier>,
    links: Vec<Link>,
    location: Location,
}

#[derive(Serialize)]
struct Identifier {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

#[derive(Serialize)]
struct Location {
    dependency: Dependency,
    operating_system: String,
    image: String,
}

#[derive(Serialize)]
struct Dependency {
    package: PackageName,
    version: String,
}

#[derive(Serialize)]
struct PackageName {
    name: String,
}

fn document<'a>(report: &Report, options: &Options) -> Document<'a> {
    let tool = || Tool {
        id: "assay",
        name: "Assay",
        url: env!("CARGO_PKG_REPOSITORY"),
        vendor: Named { name: "Assay" },
        version: options.version,
    };
    let time = time(report.database.built_at.or(report.image.created).unwrap_or(Timestamp(0)));
    let open = || report.findings.iter().filter(|finding| finding.suppression.is_none());
    let elsewhere = open().filter(|finding| finding.kind != FindingKind::Vulnerability).count();
    let mut messages = Vec::new();
    let mut say = |level, value: String| messages.push(Message { level, value });
    if elsewhere > 0 {
        say("info", format!("{elsewhere} findings of other kinds have no place in this report"));
    }
    if report.unassessed() > 0 {
        say("warn", format!("{} packages were not assessed: no feed covers them", report.unassessed()));
    }
    for warning in report.inventory.warnings.iter().filter(|warning| warning.incomplete) {
        say("warn", shorten(&warning.to_string(), 1000));
    }
    Document {
        version: VERSION,
        scan: Scan {
            analyzer: tool(),
            scanner: tool(),
            kind: "container_scanning",
            start_time: time.clone(),
            end_time: time,
            status: "success",
            messages,
        },
        vulnerabilities: open().filter_map(|finding| vulnerability(report, finding)).collect(),
        remediations: [],
    }
}

/// GitLab's times have neither fraction nor zone.
fn time(time: Timestamp) -> String {
    let text = time.to_string();
    text.strip_suffix('Z').unwrap_or(&text).to_owned()
}

fn vulnerability(report: &Report, finding: &Finding) -> Option<Vulnerability> {
    let package = words::package(report, finding)?;
    let mut identifiers: Vec<Identifier> =
        std::iter::once(&finding.rule).chain(&finding.aliases).map(|id| identifier(id)).collect();
    // The schema's bound.
    identifiers.truncate(20);
    let links = identifiers.iter().filter_map(|one| Some(Link { url: one.url.clone()? })).collect();
    Some(Vulnerability {
        id: uuid(&finding.id),
        name: shorten(&format!("{} in {}", finding.rule, package.full_name()), 255),
        description: description(report, finding),
        severity: match finding.severity {
            Severity::Critical => "Critical",
            Severity::High => "High",
            Severity::Medium => "Medium",
            Severity::Low => "Low",
            Severity::Negligible => "Info",
            Severity::Unknown => "Unknown",
        },
        solution: shorten(&finding.remediation, 7000),
        identifiers,
        links,
        location: location(report, package),
    })
}

fn description(report: &Report, finding: &Finding) -> String {
    let mut lines = vec![finding.title.clone(), format!("Fixed in: {}", words::fix(finding))];
    for place in &finding.locations {
        let layer = words::layer(report, place.layer).map(|layer| format!(", {layer}")).unwrap_or_default();
        lines.push(format!("At: {}{layer}", words::place(place)));
    }
    if let Some(priority) = finding.priority {
        lines.push(format!("Priority: {priority}"));
    }
    shorten(&lines.join("\n"), 100_000)
}

fn identifier(id: &str) -> Identifier {
    let kind = match id.split_once('-').map(|(prefix, _)| prefix.to_ascii_lowercase()) {
        Some(prefix) if matches!(prefix.as_str(), "cve" | "ghsa" | "osv" | "rhsa" | "usn" | "elsa") => prefix,
        _ => "other".to_owned(),
    };
    let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let url = match kind.as_str() {
        "cve" if plain => Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
        "ghsa" if plain => Some(format!("https://github.com/advisories/{id}")),
        _ => None,
    };
    Identifier { kind, name: shorten(id, 255), value: shorten(id, 255), url }
}

fn location(report: &Report, package: &Package) -> Location {
    let os = report.inventory.os.as_ref();
    let operating_system =
        os.map(|os| format!("{} {}", os.id, os.version).trim().to_owned()).filter(|name| !name.is_empty());
    let image = &report.image;
    // Identified by what does not change; the reference is for people, and goes first.
    let digest = image.manifest_digest.filter(|_| !image.reference.contains('@'));
    let image =
        digest.map_or_else(|| image.reference.clone(), |digest| format!("{}@{digest}", image.reference));
    Location {
        dependency: Dependency {
            package: PackageName { name: package.full_name() },
            version: package.version.clone(),
        },
        operating_system: operating_system.unwrap_or_else(|| "unknown".to_owned()),
        image: if image.is_empty() { "unknown".to_owned() } else { image },
    }
}

/// Writes a fingerprint of 32 digits in the form of a UUID.
fn uuid(id: &str) -> String {
    let part = |range: std::ops::Range<usize>| id.get(range).unwrap_or_default();
    [part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-")
}
