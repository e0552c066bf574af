//! The JSON report, `assay.report/v1`: the stable contract for programs.
//!
//! These types are the contract; model types are free to change. Fields are added, never renamed or removed, within v1. Layers
//! are referred to by diff-id everywhere, packages by purl.

mod read;

use super::{Format, Options};
use crate::summary;
use assay_model::context::{Context, Grade, Setting};
use assay_model::{Base, Finding, Location, Package, Removable, Report, Usage};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

pub use read::{ReadReportError, read};

/// The name of the contract.
pub const SCHEMA: &str = "assay.report/v1";

/// Writes `assay.report/v1`.
pub(super) struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        assay_escape::json::write_pretty(&document(report, options), out)
    }
}

/// The whole report.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Document {
    schema: Cow<'static, str>,
    complete: bool,
    /// What kinds of findings were looked for.
    scanners: Vec<Cow<'static, str>>,
    /// `fast`, or `deep` with `observations`.
    depth: Cow<'static, str>,
    source: Source,
    os: Option<Os>,
    database: Database,
    context: ContextEntry,
    coverage: Vec<Coverage>,
    packages: Vec<PackageEntry>,
    findings: Vec<FindingEntry>,
    removable: Vec<RemovableEntry>,
    leftovers: Vec<LeftoverEntry>,
    /// What a deep scan observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    observations: Vec<ObservationEntry>,
    warnings: Vec<WarningEntry>,
    summary: Summary,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ObservationEntry {
    topic: Cow<'static, str>,
    path: String,
    layer: Option<String>,
    details: Vec<DetailEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Source {
    kind: Cow<'static, str>,
    reference: String,
    index_digest: Option<String>,
    manifest_digest: Option<String>,
    image_id: Option<String>,
    platform: Option<String>,
    created: Option<String>,
    labels: BTreeMap<String, String>,
    layers: Vec<LayerEntry>,
    /// The image it was built from, as far as that could be told.
    base: Option<BaseEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct BaseEntry {
    reference: Option<String>,
    manifest_digest: Option<String>,
    image_id: Option<String>,
    created: Option<String>,
    /// How many of the layers, counted from the first, are the base's.
    layers: Option<u32>,
    evidence: Cow<'static, str>,
    detail: String,
    /// Whether the user named it, or its repository.
    named: bool,
    /// Whether there is no newer image of its name, where somebody looked.
    newest: Option<bool>,
    /// Findings that come from the base, also those that a filter hides.
    findings: u64,
    newer: Option<NewerEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct NewerEntry {
    reference: String,
    manifest_digest: Option<String>,
    created: Option<String>,
    removes: Vec<ChangeEntry>,
    adds: Vec<ChangeEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ChangeEntry {
    rule: String,
    package: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LayerEntry {
    diff_id: Option<String>,
    digest: Option<String>,
    /// Bytes of the blob as stored.
    size: Option<u64>,
    created_by: Option<String>,
    base: Option<bool>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Os {
    id: String,
    version: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    codename: String,
    name: String,
    end_of_life: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Database {
    built_at: Option<String>,
    built_in: bool,
    feeds: Vec<Feed>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Feed {
    name: String,
    synced_at: Option<String>,
    records: u64,
    rejected: u64,
    license: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct ContextEntry {
    environment: SettingEntry,
    exposure: SettingEntry,
    data: SettingEntry,
    criticality: SettingEntry,
    owner: Option<SettingEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SettingEntry {
    value: String,
    origin: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Coverage {
    ecosystem: String,
    state: Cow<'static, str>,
    /// The first of `feeds`; the contract's field.
    feed: Option<String>,
    feeds: Vec<String>,
    synced_at: Option<String>,
    packages: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct PackageEntry {
    purl: String,
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    name: String,
    version: String,
    source_name: Option<String>,
    source_version: Option<String>,
    architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vendor: Option<String>,
    licenses: Vec<String>,
    origin: Cow<'static, str>,
    locations: Vec<LocationEntry>,
    depends_on: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contains: Vec<String>,
    installed_size: Option<u64>,
    /// Whether the distribution does not work without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    essential: bool,
    usage: Cow<'static, str>,
    /// The chain that shows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    usage_evidence: Vec<UsageStep>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct UsageStep {
    path: String,
    how: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LocationEntry {
    path: String,
    layer: Option<String>,
}

/// Where a finding is. Packages have no line, the image's configuration no layer.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct FindingLocation {
    path: String,
    line: Option<u32>,
    layer: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct FindingEntry {
    id: String,
    kind: Cow<'static, str>,
    rule: String,
    aliases: Vec<String>,
    title: String,
    severity: Cow<'static, str>,
    severity_source: String,
    cvss: Vec<Cvss>,
    epss: Option<Epss>,
    kev: Option<Kev>,
    exploit: bool,
    priority: Option<Cow<'static, str>>,
    priority_path: Vec<DecisionEntry>,
    /// Null when it is not about a package.
    package: Option<String>,
    fix: Fix,
    locations: Vec<FindingLocation>,
    /// Whether the base image brings it; null when the base is not known.
    base: Option<bool>,
    evidence: Evidence,
    remediation: String,
    status: Cow<'static, str>,
    suppression: Option<SuppressionEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SuppressionEntry {
    state: Cow<'static, str>,
    source: String,
    author: String,
    reason: String,
    issued: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct DecisionEntry {
    point: Cow<'static, str>,
    value: Cow<'static, str>,
    reason: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Cvss {
    vector: String,
    score: f64,
    source: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Epss {
    score: f64,
    percentile: f64,
    date: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kev {
    date_added: Option<String>,
    due_date: Option<String>,
    ransomware: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Fix {
    state: Cow<'static, str>,
    versions: Vec<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Evidence {
    /// The advisories that name the package.
    matches: Vec<Match>,
    /// What else was observed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    details: Vec<DetailEntry>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct DetailEntry {
    name: String,
    value: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Match {
    feed: String,
    advisory: String,
    ecosystem: String,
    package: String,
    matched_by: Cow<'static, str>,
    version: String,
    range: String,
    fixed: Vec<String>,
    fix_state: Cow<'static, str>,
    severity: Option<Cow<'static, str>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct RemovableEntry {
    purl: String,
    reason: Cow<'static, str>,
    function: Option<Cow<'static, str>>,
    beside: Vec<String>,
    usage: Cow<'static, str>,
    /// The layer that brought it, if that is a later one than brought most packages of its kind.
    later_layer: Option<String>,
    bytes: Option<u64>,
    findings: u64,
    instruction: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LeftoverEntry {
    folder: String,
    bytes: u64,
    files: u64,
    layers: Vec<Option<String>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct WarningEntry {
    code: String,
    message: String,
    path: Option<String>,
    incomplete: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Summary {
    packages: u64,
    unassessed: u64,
    /// Those that count.
    findings: u64,
    /// Those that a statement takes out of the count.
    suppressed: u64,
    /// Findings that a filter left out of this document.
    hidden: u64,
    by_severity: BTreeMap<Cow<'static, str>, u64>,
    by_kind: BTreeMap<Cow<'static, str>, u64>,
    by_priority: BTreeMap<Cow<'static, str>, u64>,
}

fn text<T: ToString>(value: Option<T>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn base_entry(base: &Base) -> BaseEntry {
    let changes = |changes: &[(String, String)]| {
        let entry =
            |(rule, package): &(String, String)| ChangeEntry { rule: rule.clone(), package: package.clone() };
        changes.iter().map(entry).collect()
    };
    BaseEntry {
        reference: base.reference.clone(),
        manifest_digest: text(base.manifest_digest),
        image_id: text(base.image_id),
        created: text(base.created),
        layers: base.layers,
        evidence: base.evidence.name().into(),
        detail: base.detail.clone(),
        named: base.named,
        newest: base.newest,
        findings: base.findings,
        newer: base.newer.as_ref().map(|newer| NewerEntry {
            reference: newer.reference.clone(),
            manifest_digest: text(newer.manifest_digest),
            created: text(newer.created),
            removes: changes(&newer.removes),
            adds: changes(&newer.adds),
        }),
    }
}

pub(super) fn document(report: &Report, options: &Options) -> Document {
    let os = report.inventory.os.as_ref();
    let purls: Vec<String> =
        report.inventory.packages.iter().map(|package| package.purl(os).to_string()).collect();
    let purl = |index: u32| purls.get(index as usize).cloned().unwrap_or_default();
    let image = &report.image;
    Document {
        schema: SCHEMA.into(),
        complete: report.complete(),
        scanners: report.scanners.iter().map(|kind| kind.name().into()).collect(),
        depth: if report.inventory.deep { "deep" } else { "fast" }.into(),
        source: Source {
            kind: report.source.name().into(),
            reference: image.reference.clone(),
            index_digest: text(image.index_digest),
            manifest_digest: text(image.manifest_digest),
            image_id: text(image.image_id),
            platform: text(image.platform.as_ref()),
            created: text(image.created),
            labels: image.labels.clone(),
            layers: (0..)
                .zip(&image.layers)
                .map(|(number, layer)| LayerEntry {
                    diff_id: text(layer.diff_id),
                    digest: text(layer.digest),
                    size: layer.size,
                    created_by: layer.created_by.clone(),
                    base: image.base.as_ref().and_then(|base| base.has_layer(number)),
                })
                .collect(),
            base: image.base.as_ref().map(base_entry),
        },
        os: os.map(|os| Os {
            id: os.id.clone(),
            version: os.version.clone(),
            codename: os.codename.clone(),
            name: os.name.clone(),
            end_of_life: os.end_of_life.map(assay_model::Timestamp::date_text),
        }),
        database: Database {
            built_at: text(report.database.built_at),
            built_in: report.database.built_in,
            feeds: report
                .database
                .feeds
                .iter()
                .map(|feed| Feed {
                    name: feed.name.clone(),
                    synced_at: text(feed.synced_at),
                    records: feed.records,
                    rejected: feed.rejected,
                    license: feed.license.clone(),
                })
                .collect(),
        },
        context: context_entry(&report.context),
        coverage: report
            .coverage
            .iter()
            .map(|one| Coverage {
                ecosystem: one.ecosystem.as_ref().map_or_else(|| one.label.clone(), ToString::to_string),
                state: one.state.name().into(),
                feed: one.feeds.first().cloned(),
                feeds: one.feeds.clone(),
                synced_at: text(one.synced_at),
                packages: one.packages,
            })
            .collect(),
        packages: report
            .inventory
            .packages
            .iter()
            .zip(&purls)
            .map(|(package, own)| package_entry(report, package, own.clone(), &purl))
            .collect(),
        findings: report.findings.iter().map(|finding| finding_entry(report, finding, &purl)).collect(),
        observations: report
            .inventory
            .observations
            .iter()
            .map(|one| ObservationEntry {
                topic: one.topic.name().into(),
                path: one.path.clone(),
                layer: layer_name(report, one.layer),
                details: one
                    .details
                    .iter()
                    .map(|detail| DetailEntry { name: detail.name.to_string(), value: detail.value.clone() })
                    .collect(),
            })
            .collect(),
        leftovers: report
            .inventory
            .leftovers
            .iter()
            .map(|one| LeftoverEntry {
                folder: one.folder.clone(),
                bytes: one.bytes,
                files: one.files,
                layers: one
                    .layers
                    .iter()
                    .filter_map(|index| report.image.layers.get(*index as usize))
                    .map(|layer| text(layer.diff_id))
                    .collect(),
            })
            .collect(),
        removable: report.removable.iter().map(|one| removable_entry(report, one, &purl)).collect(),
        warnings: report
            .inventory
            .warnings
            .iter()
            .map(|warning| WarningEntry {
                code: warning.code.to_string(),
                message: warning.message.clone(),
                path: warning.path.clone(),
                incomplete: warning.incomplete,
            })
            .collect(),
        summary: Summary {
            packages: report.inventory.packages.len() as u64,
            unassessed: report.unassessed(),
            findings: report.findings.len() as u64 - summary::suppressed(report),
            suppressed: summary::suppressed(report),
            hidden: options.hidden,
            by_severity: summary::by_severity(report)
                .into_iter()
                .map(|(severity, count)| (severity.name().into(), count))
                .collect(),
            by_kind: report
                .scanners
                .iter()
                .map(|kind| (kind.name().into(), summary::of_kind(report, *kind)))
                .collect(),
            by_priority: summary::by_priority(report)
                .into_iter()
                .map(|(priority, count)| (priority.name().into(), count))
                .collect(),
        },
    }
}

fn usage(usage: Usage) -> &'static str {
    match usage {
        Usage::Used => "used",
        Usage::Unused => "unused",
        Usage::Unknown => "unknown",
    }
}

fn removable_entry(report: &Report, one: &Removable, purl: &impl Fn(u32) -> String) -> RemovableEntry {
    let package = report.inventory.packages.get(one.package as usize);
    let layer = one.later_layer.and_then(|index| report.image.layers.get(index as usize));
    RemovableEntry {
        purl: purl(one.package),
        reason: one.reason.name().into(),
        function: one.function.clone(),
        beside: one.beside.iter().map(|index| purl(*index)).collect(),
        usage: usage(package.map_or(Usage::Unknown, |package| package.usage)).into(),
        later_layer: layer.and_then(|layer| text(layer.diff_id)),
        bytes: one.bytes,
        findings: one.findings,
        instruction: one.instruction.clone(),
    }
}

fn context_entry(context: &Context) -> ContextEntry {
    fn grade<T: Grade>(setting: &Setting<T>) -> SettingEntry {
        SettingEntry { value: setting.value.name().to_owned(), origin: setting.origin.clone() }
    }
    ContextEntry {
        environment: grade(&context.environment),
        exposure: grade(&context.exposure),
        data: grade(&context.data),
        criticality: grade(&context.criticality),
        owner: context
            .owner
            .as_ref()
            .map(|owner| SettingEntry { value: owner.value.clone(), origin: owner.origin.clone() }),
    }
}

fn location_entries(report: &Report, locations: &[Location]) -> Vec<LocationEntry> {
    locations
        .iter()
        .map(|location| LocationEntry {
            path: location.path.clone(),
            layer: layer_name(report, location.layer),
        })
        .collect()
}

fn layer_name(report: &Report, layer: Option<u32>) -> Option<String> {
    layer.and_then(|index| report.image.layers.get(index as usize)).and_then(|layer| text(layer.diff_id))
}

fn package_entry(
    report: &Report,
    package: &Package,
    own: String,
    purl: &impl Fn(u32) -> String,
) -> PackageEntry {
    PackageEntry {
        purl: own,
        kind: package.kind.purl_type().into(),
        name: package.full_name(),
        version: package.version.clone(),
        source_name: package.source.as_ref().map(|source| source.name.clone()),
        source_version: package.source.as_ref().map(|source| source.version.clone()),
        architecture: package.architecture.clone(),
        module: package.module.clone(),
        vendor: package.vendor.clone(),
        licenses: package.licenses.clone(),
        origin: match package.origin {
            assay_model::Origin::Installed => "installed".into(),
            assay_model::Origin::Declared => "declared".into(),
        },
        locations: location_entries(report, &package.locations),
        depends_on: package.depends_on.iter().map(|index| purl(*index)).collect(),
        contains: package.contains.clone(),
        installed_size: package.installed_size,
        essential: package.essential,
        usage: usage(package.usage).into(),
        usage_evidence: package
            .usage_evidence
            .iter()
            .map(|step| UsageStep { path: step.path.clone(), how: step.how.clone() })
            .collect(),
    }
}

fn finding_entry(report: &Report, finding: &Finding, purl: &impl Fn(u32) -> String) -> FindingEntry {
    FindingEntry {
        id: finding.id.clone(),
        kind: finding.kind.name().into(),
        rule: finding.rule.clone(),
        aliases: finding.aliases.clone(),
        title: finding.title.clone(),
        severity: finding.severity.name().into(),
        severity_source: finding.severity_source.clone(),
        cvss: finding
            .cvss
            .iter()
            .map(|cvss| Cvss { vector: cvss.vector.clone(), score: cvss.score, source: cvss.source.clone() })
            .collect(),
        epss: finding.epss.map(|epss| Epss {
            score: epss.score,
            percentile: epss.percentile,
            date: epss.date.map(assay_model::Timestamp::date_text),
        }),
        kev: finding.kev.as_ref().map(|kev| Kev {
            date_added: kev.added.map(assay_model::Timestamp::date_text),
            due_date: kev.due.map(assay_model::Timestamp::date_text),
            ransomware: kev.ransomware,
        }),
        exploit: finding.exploit,
        priority: finding.priority.map(|priority| priority.name().into()),
        priority_path: finding
            .priority_path
            .iter()
            .map(|step| DecisionEntry {
                point: step.point.clone(),
                value: step.value.clone(),
                reason: step.reason.clone(),
            })
            .collect(),
        package: finding.package.map(purl),
        fix: Fix { state: finding.fix.name().into(), versions: finding.fixed_versions.clone() },
        locations: finding
            .locations
            .iter()
            .map(|place| FindingLocation {
                path: place.path.clone(),
                line: place.line,
                layer: layer_name(report, place.layer),
            })
            .collect(),
        base: finding.in_base,
        evidence: Evidence {
            matches: finding
                .evidence
                .iter()
                .map(|evidence| Match {
                    feed: evidence.feed.clone(),
                    advisory: evidence.advisory.clone(),
                    ecosystem: evidence.ecosystem.to_string(),
                    package: evidence.package.clone(),
                    matched_by: if evidence.by_source { "source-package" } else { "package" }.into(),
                    version: evidence.version.clone(),
                    range: evidence.range.clone(),
                    fixed: evidence.fixed.clone(),
                    fix_state: evidence.state.name().into(),
                    severity: evidence.severity.map(|severity| severity.name().into()),
                })
                .collect(),
            details: finding
                .details
                .iter()
                .map(|detail| DetailEntry { name: detail.name.to_string(), value: detail.value.clone() })
                .collect(),
        },
        remediation: finding.remediation.clone(),
        status: if finding.suppression.is_some() { "suppressed" } else { "open" }.into(),
        suppression: finding.suppression.as_ref().map(|one| SuppressionEntry {
            state: one.state.name().into(),
            source: one.source.clone(),
            author: one.author.clone(),
            reason: one.reason.clone(),
            issued: text(one.issued),
        }),
    }
}
