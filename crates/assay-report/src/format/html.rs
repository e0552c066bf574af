//! One self-contained HTML file: no other file, no network, nothing that runs but the script in it.
//!
//! All of it is readable without the script, which only sorts and filters. A content security policy names the hashes of the style and
//! the script that are in it (<https://www.w3.org/TR/CSP3/#framework-directive-source-list>), so that nothing smuggled in by a
//! name could run, even if escaping failed. Charts are drawn in SVG by the template.

use super::{Format, Options, markdown};
use crate::page::{STYLE, environment, hash_source, length};
use crate::{summary, words};
use assay_model::{Finding, FindingKind, Package, Priority, Report, Severity, Usage};
use minijinja::value::Serde;
use serde::Serialize;
use std::io::{self, Write};

/// Writes HTML.
pub(super) struct Html;

const TEMPLATE: &str = include_str!("../../templates/report.html");
const SCRIPT: &str = include_str!("../../templates/report.js");

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let mut environment = environment().map_err(io::Error::other)?;
        environment.add_template("report.html", TEMPLATE).map_err(io::Error::other)?;
        let template = environment.get_template("report.html").map_err(io::Error::other)?;
        let html = template.render(Serde(page(report, options))).map_err(io::Error::other)?;
        out.write_all(assay_escape::visible(&html).as_bytes())
    }
}

#[derive(Serialize)]
struct Page {
    style: &'static str,
    script: &'static str,
    policy: String,
    reference: String,
    digest: Option<String>,
    facts: Vec<String>,
    headline: String,
    complete: bool,
    unassessed: u64,
    hidden: u64,
    base: Option<String>,
    newer: Option<String>,
    severities: Vec<Bar>,
    priorities: Vec<Bar>,
    kinds: Vec<Choice>,
    layers: Vec<LayerRow>,
    findings: Vec<Row>,
    packages: Vec<PackageRow>,
    removable: Vec<RemovableRow>,
    coverage: Vec<CoverageRow>,
    feeds: Vec<FeedRow>,
    warnings: Vec<String>,
    version: &'static str,
    built_at: Option<String>,
}

/// One bar of a chart.
#[derive(Serialize)]
struct Bar {
    name: &'static str,
    count: u64,
    /// Its length, 0 to 1000.
    length: u64,
}

#[derive(Serialize)]
struct Choice {
    name: &'static str,
    label: &'static str,
    count: u64,
}

#[derive(Serialize)]
struct LayerRow {
    number: usize,
    diff_id: String,
    created_by: String,
    base: bool,
    findings: u64,
    length: u64,
}

#[derive(Serialize)]
struct Row {
    id: String,
    kind: &'static str,
    rule: String,
    address: Option<String>,
    aliases: String,
    severity: &'static str,
    severity_rank: usize,
    severity_source: String,
    priority: &'static str,
    priority_rank: usize,
    subject: String,
    installed: String,
    fix: String,
    fixable: bool,
    title: String,
    places: Vec<String>,
    facts: Vec<(String, String)>,
    remediation: String,
    exploited: bool,
    usage: &'static str,
    in_base: bool,
    suppressed: Option<String>,
}

#[derive(Serialize)]
struct PackageRow {
    name: String,
    version: String,
    kind: &'static str,
    licenses: String,
    usage: &'static str,
    place: String,
    findings: u64,
}

#[derive(Serialize)]
struct RemovableRow {
    name: String,
    why: String,
    findings: u64,
    instruction: String,
}

#[derive(Serialize)]
struct CoverageRow {
    name: String,
    state: &'static str,
    packages: u64,
    synced_at: String,
}

#[derive(Serialize)]
struct FeedRow {
    name: String,
    records: u64,
    synced_at: String,
    license: String,
}

fn page(report: &Report, options: &Options) -> Page {
    let image = &report.image;
    let mut facts = Vec::new();
    facts.extend(words::os(report));
    facts.extend(image.platform.as_ref().map(ToString::to_string));
    facts.extend(image.created.map(|created| format!("built {created}")));
    if !image.layers.is_empty() {
        facts.push(summary::count(image.layers.len() as u64, "layer"));
    }
    facts.push(summary::count(report.inventory.packages.len() as u64, "package"));
    let severities = summary::by_severity(report);
    let priorities = summary::by_priority(report);
    let most = |counts: &mut dyn Iterator<Item = u64>| counts.max().unwrap_or_default();
    let most_severe = most(&mut severities.iter().map(|(_, count)| *count));
    let most_urgent = most(&mut priorities.iter().map(|(_, count)| *count));
    let newer = image.base.as_ref().and_then(|base| base.newer.as_ref());
    Page {
        style: STYLE,
        script: SCRIPT,
        policy: policy(),
        reference: image.reference.clone(),
        digest: image.manifest_digest.or(image.image_id).map(|digest| digest.to_string()),
        facts,
        headline: summary::headline(report),
        complete: report.complete(),
        unassessed: report.unassessed(),
        hidden: options.hidden,
        base: image.base.as_ref().filter(|base| base.of_findings > 0).map(|base| {
            let name = base.reference.as_deref().unwrap_or("the base image");
            format!("{} of {} findings come from {name}", base.findings, base.of_findings)
        }),
        newer: newer.map(|newer| {
            let (removed, added) = (newer.removes.len() as u64, newer.adds.len() as u64);
            let removed = summary::count(removed, "finding");
            format!("building on {} would remove {removed} and add {added}", newer.reference)
        }),
        severities: severities
            .iter()
            .map(|(severity, count)| Bar {
                name: severity.name(),
                count: *count,
                length: length(*count, most_severe),
            })
            .collect(),
        priorities: priorities
            .iter()
            .map(|(priority, count)| Bar {
                name: priority.name(),
                count: *count,
                length: length(*count, most_urgent),
            })
            .collect(),
        kinds: FindingKind::ALL
            .into_iter()
            .map(|kind| Choice {
                name: kind.name(),
                label: markdown::heading(kind),
                count: summary::of_kind(report, kind),
            })
            .filter(|choice| choice.count > 0)
            .collect(),
        layers: layers(report),
        findings: report.findings.iter().map(|finding| row(report, finding)).collect(),
        packages: packages(report),
        removable: report
            .removable
            .iter()
            .filter_map(|one| {
                let package = report.inventory.packages.get(one.package as usize)?;
                Some(RemovableRow {
                    name: format!("{} {}", package.full_name(), package.version),
                    why: one.function.as_deref().map_or_else(
                        || one.reason.name().to_owned(),
                        |what| format!("{} {what}", one.reason.name()),
                    ),
                    findings: one.findings,
                    instruction: one.instruction.clone(),
                })
            })
            .collect(),
        coverage: report
            .coverage
            .iter()
            .map(|one| CoverageRow {
                name: one.ecosystem.as_ref().map_or_else(|| one.label.clone(), ToString::to_string),
                state: one.state.name(),
                packages: one.packages,
                synced_at: one.synced_at.map(assay_model::Timestamp::date_text).unwrap_or_default(),
            })
            .collect(),
        feeds: report
            .database
            .feeds
            .iter()
            .map(|feed| FeedRow {
                name: feed.name.clone(),
                records: feed.records,
                synced_at: feed.synced_at.map(assay_model::Timestamp::date_text).unwrap_or_default(),
                license: feed.license.clone(),
            })
            .collect(),
        warnings: report.inventory.warnings.iter().map(ToString::to_string).collect(),
        version: options.version,
        built_at: report.database.built_at.map(assay_model::Timestamp::date_text),
    }
}

/// Allows the style and the script of this very file, and nothing else.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        hash_source(STYLE),
        hash_source(SCRIPT)
    )
}

fn layers(report: &Report) -> Vec<LayerRow> {
    let image = &report.image;
    let count = |index: usize| {
        let index = u32::try_from(index).ok();
        let here = |finding: &&Finding| {
            finding.locations.iter().any(|place| place.layer.is_some() && place.layer == index)
        };
        report.findings.iter().filter(here).count() as u64
    };
    let counts: Vec<u64> = (0..image.layers.len()).map(count).collect();
    let most = counts.iter().copied().max().unwrap_or_default();
    (0_u32..)
        .zip(&image.layers)
        .zip(counts)
        .map(|((index, layer), findings)| LayerRow {
            number: index as usize + 1,
            diff_id: layer.diff_id.map(|diff_id| diff_id.0.short().to_string()).unwrap_or_default(),
            created_by: layer.created_by.clone().unwrap_or_default(),
            base: image.base.as_ref().and_then(|base| base.has_layer(index)) == Some(true),
            findings,
            length: length(findings, most),
        })
        .collect()
}

fn usage(package: Option<&Package>) -> &'static str {
    match package.map(|package| package.usage) {
        Some(Usage::Used) => "used",
        Some(Usage::Unused) => "unused",
        Some(Usage::Unknown) | None => "",
    }
}

fn row(report: &Report, finding: &Finding) -> Row {
    let package = words::package(report, finding);
    let rank = |position: Option<usize>| position.unwrap_or_default();
    let mut facts: Vec<(String, String)> = Vec::new();
    for evidence in &finding.evidence {
        facts.push((
            "matched".to_owned(),
            format!(
                "{} {} of {} by {} {}: {}",
                evidence.package,
                evidence.version,
                evidence.ecosystem,
                evidence.feed,
                evidence.advisory,
                evidence.range
            ),
        ));
    }
    facts.extend(finding.details.iter().map(|detail| (detail.name.to_string(), detail.value.clone())));
    facts.extend(finding.cvss.iter().map(|cvss| (format!("CVSS {:.1}", cvss.score), cvss.vector.clone())));
    if let Some(epss) = finding.epss {
        facts.push(("EPSS".to_owned(), format!("{:.1} % within 30 days", epss.score * 100.0)));
    }
    for step in &finding.priority_path {
        facts.push((step.point.to_string(), format!("{}: {}", step.value, step.reason)));
    }
    if let Some(package) = package {
        facts.push(("purl".to_owned(), package.purl(report.inventory.os.as_ref()).to_string()));
    }
    facts.push(("finding".to_owned(), finding.id.clone()));
    let plain = finding.rule.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let public = plain && finding.kind == FindingKind::Vulnerability;
    Row {
        id: finding.id.clone(),
        kind: finding.kind.name(),
        rule: finding.rule.clone(),
        address: (public && finding.rule.starts_with("CVE-"))
            .then(|| format!("https://nvd.nist.gov/vuln/detail/{}", finding.rule)),
        aliases: finding.aliases.join(", "),
        severity: finding.severity.name(),
        severity_rank: rank(Severity::ALL.iter().position(|one| *one == finding.severity)),
        severity_source: finding.severity_source.clone(),
        priority: finding.priority.map_or("", Priority::name),
        priority_rank: rank(Priority::ALL.iter().position(|one| Some(*one) == finding.priority)),
        subject: package.map_or_else(|| words::subject(report, finding), Package::full_name),
        installed: package.map(|package| package.version.clone()).unwrap_or_default(),
        fix: words::fix(finding),
        fixable: finding.fix == assay_model::FixState::Fixed,
        title: finding.title.clone(),
        places: finding
            .locations
            .iter()
            .map(|place| {
                let layer = words::layer(report, place.layer).map(|layer| format!(", {layer}"));
                format!("{}{}", words::place(place), layer.unwrap_or_default())
            })
            .collect(),
        facts,
        remediation: finding.remediation.clone(),
        exploited: finding.kev.is_some(),
        usage: usage(package),
        in_base: finding.in_base == Some(true),
        suppressed: finding.suppression.as_ref().map(|one| format!("{}: {}", one.state.name(), one.reason)),
    }
}

fn packages(report: &Report) -> Vec<PackageRow> {
    let mut counts = vec![0_u64; report.inventory.packages.len()];
    for index in report.findings.iter().filter_map(|finding| finding.package) {
        if let Some(count) = counts.get_mut(index as usize) {
            *count += 1;
        }
    }
    let packages = report.inventory.packages.iter().zip(counts);
    packages
        .map(|(package, findings)| PackageRow {
            name: package.full_name(),
            version: package.version.clone(),
            kind: package.kind.purl_type(),
            licenses: package.licenses.join(", "),
            usage: usage(Some(package)),
            place: package.locations.first().map(|location| location.path.clone()).unwrap_or_default(),
            findings,
        })
        .collect()
}
