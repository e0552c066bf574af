//! `assay.report/v1` back into the model, for `convert` and `diff`.
//!
//! Packages are referred to by purl and layers by diff-id; of several equal ones the first is meant. What the contract leaves out
//! (the image's configuration, what packages ask for, detections before they became findings) comes back empty.

use super::{
    BaseEntry, ContextEntry, Document, FindingEntry, LocationEntry, PackageEntry, SCHEMA, SettingEntry,
};
use assay_model::context::{Context, Grade, Setting};
use assay_model::finding::{Decision, SuppressionState};
use assay_model::lineage::NewerBase;
use assay_model::observation::Topic;
use assay_model::removable::RemovalReason;
use assay_model::report::{Coverage, CoverageState, DatabaseStatus, FeedStatus, SourceKind};
use assay_model::{
    Base, BaseEvidence, Cvss, Detail, Evidence, Finding, FindingKind, FixState, Image, Inventory, Layer,
    Leftover, Location, Observation, Origin, Os, Package, PackageKind, Place, Purl, Removable, Report,
    Severity, SourcePackage, Suppression, Timestamp, Usage, UsageStep, Warning, distro,
};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// Why a report cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadReportError {
    /// It is no JSON, or has other types than the contract says.
    #[error("it is no report in JSON")]
    Json(#[from] serde_json::Error),
    /// It is another document, or of another version.
    #[error("its schema is `{0}`, not `{SCHEMA}`")]
    Schema(String),
}

/// Reads a report, and how many findings a filter had left out of it.
///
/// # Errors
/// Fails when it is no report of this version. Values that this version of Assay does not know are left out.
pub fn read(bytes: &[u8]) -> Result<(Report, u64), ReadReportError> {
    let document: Document = serde_json::from_slice(bytes)?;
    if document.schema != SCHEMA {
        return Err(ReadReportError::Schema(document.schema.chars().take(80).collect()));
    }
    let hidden = document.summary.hidden;
    Ok((report(document), hidden))
}

fn time(text: Option<&String>) -> Option<Timestamp> {
    text.and_then(|text| text.parse().ok())
}

fn parse<T: std::str::FromStr>(text: Option<&String>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

/// Finds the value of this name among all there are.
fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|one| name(*one) == text)
}

fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Finds packages and layers by their names in the document.
struct Lookup {
    packages: HashMap<String, u32>,
    layers: HashMap<String, u32>,
}

impl Lookup {
    fn layer(&self, name: Option<&String>) -> Option<u32> {
        name.and_then(|name| self.layers.get(name).copied())
    }

    fn packages(&self, names: &[String]) -> Vec<u32> {
        names.iter().filter_map(|name| self.packages.get(name).copied()).collect()
    }
}

fn report(document: Document) -> Report {
    let mut lookup = Lookup { packages: HashMap::new(), layers: HashMap::new() };
    for (at, package) in document.packages.iter().enumerate() {
        lookup.packages.entry(package.purl.clone()).or_insert(index(at));
    }
    for (at, layer) in document.source.layers.iter().enumerate() {
        if let Some(diff_id) = &layer.diff_id {
            lookup.layers.entry(diff_id.clone()).or_insert(index(at));
        }
    }
    let findings: Vec<Finding> =
        document.findings.into_iter().filter_map(|entry| finding(entry, &lookup)).collect();
    let source = document.source;
    let mut base = source.base.map(base);
    if let Some(base) = &mut base {
        base.of_findings = findings.len() as u64;
    }
    let image = Image {
        reference: source.reference,
        index_digest: parse(source.index_digest.as_ref()),
        manifest_digest: parse(source.manifest_digest.as_ref()),
        image_id: parse(source.image_id.as_ref()),
        platform: parse(source.platform.as_ref()),
        created: time(source.created.as_ref()),
        labels: source.labels,
        layers: source
            .layers
            .into_iter()
            .map(|layer| Layer {
                diff_id: parse(layer.diff_id.as_ref()),
                digest: parse(layer.digest.as_ref()),
                size: layer.size,
                media_type: String::new(),
                annotations: BTreeMap::new(),
                created_by: layer.created_by,
            })
            .collect(),
        base,
        ..Image::default()
    };
    let inventory = Inventory {
        os: document.os.map(|os| Os {
            distro: distro::by_id(&os.id),
            end_of_life: time(os.end_of_life.as_ref()),
            id: os.id,
            version: os.version,
            codename: os.codename,
            name: os.name,
        }),
        packages: document.packages.into_iter().map(|entry| package(entry, &lookup)).collect(),
        leftovers: document
            .leftovers
            .into_iter()
            .map(|one| Leftover {
                folder: one.folder,
                bytes: one.bytes,
                files: one.files,
                layers: one.layers.iter().filter_map(|layer| lookup.layer(layer.as_ref())).collect(),
            })
            .collect(),
        deep: document.depth == "deep",
        // A report says nothing about ordinary files.
        files: Vec::new(),
        observations: document
            .observations
            .into_iter()
            .filter_map(|one| {
                Some(Observation {
                    topic: named(&Topic::ALL, Topic::name, &one.topic)?,
                    path: one.path,
                    layer: lookup.layer(one.layer.as_ref()),
                    details: one
                        .details
                        .into_iter()
                        .map(|detail| Detail { name: Cow::Owned(detail.name), value: detail.value })
                        .collect(),
                })
            })
            .collect(),
        detections: Vec::new(),
        warnings: document
            .warnings
            .into_iter()
            .map(|one| Warning {
                code: Cow::Owned(one.code),
                path: one.path,
                message: one.message,
                incomplete: one.incomplete,
            })
            .collect(),
    };
    Report {
        source: named(&SourceKind::ALL, SourceKind::name, &source.kind).unwrap_or(SourceKind::File),
        image,
        scanners: document.scanners.iter().filter_map(|kind| kind.parse().ok()).collect(),
        inventory,
        database: DatabaseStatus {
            built_at: time(document.database.built_at.as_ref()),
            built_in: document.database.built_in,
            feeds: document
                .database
                .feeds
                .into_iter()
                .map(|feed| FeedStatus {
                    synced_at: time(feed.synced_at.as_ref()),
                    name: feed.name,
                    records: feed.records,
                    rejected: feed.rejected,
                    license: feed.license,
                })
                .collect(),
        },
        context: context(document.context),
        coverage: document
            .coverage
            .into_iter()
            .map(|one| {
                let states = [CoverageState::Covered, CoverageState::Stale, CoverageState::None];
                Coverage {
                    ecosystem: one.ecosystem.parse().ok(),
                    label: one.ecosystem,
                    state: named(&states, CoverageState::name, &one.state).unwrap_or(CoverageState::None),
                    feeds: one.feeds,
                    synced_at: time(one.synced_at.as_ref()),
                    packages: one.packages,
                }
            })
            .collect(),
        findings,
        removable: document
            .removable
            .into_iter()
            .filter_map(|one| {
                Some(Removable {
                    package: lookup.packages.get(&one.purl).copied()?,
                    reason: named(&RemovalReason::ALL, RemovalReason::name, &one.reason)?,
                    function: one.function,
                    beside: lookup.packages(&one.beside),
                    later_layer: lookup.layer(one.later_layer.as_ref()),
                    bytes: one.bytes,
                    findings: one.findings,
                    instruction: one.instruction,
                })
            })
            .collect(),
    }
}

fn base(entry: BaseEntry) -> Base {
    let evidence = [BaseEvidence::LayerPrefix, BaseEvidence::Annotation, BaseEvidence::History];
    Base {
        manifest_digest: parse(entry.manifest_digest.as_ref()),
        image_id: parse(entry.image_id.as_ref()),
        created: time(entry.created.as_ref()),
        reference: entry.reference,
        layers: entry.layers,
        evidence: named(&evidence, BaseEvidence::name, &entry.evidence).unwrap_or(BaseEvidence::History),
        detail: entry.detail,
        named: entry.named,
        newest: entry.newest,
        findings: entry.findings,
        of_findings: 0,
        newer: entry.newer.map(|newer| NewerBase {
            manifest_digest: parse(newer.manifest_digest.as_ref()),
            created: time(newer.created.as_ref()),
            reference: newer.reference,
            removes: newer.removes.into_iter().map(|one| (one.rule, one.package)).collect(),
            adds: newer.adds.into_iter().map(|one| (one.rule, one.package)).collect(),
        }),
    }
}

fn context(entry: ContextEntry) -> Context {
    fn grade<T: Grade>(entry: SettingEntry, default: Setting<T>) -> Setting<T> {
        T::parse(&entry.value).map_or(default, |value| Setting::new(value, entry.origin))
    }
    let default = Context::default();
    Context {
        environment: grade(entry.environment, default.environment),
        exposure: grade(entry.exposure, default.exposure),
        data: grade(entry.data, default.data),
        criticality: grade(entry.criticality, default.criticality),
        owner: entry.owner.map(|owner| Setting::new(owner.value, owner.origin)),
    }
}

fn locations(entries: Vec<LocationEntry>, lookup: &Lookup) -> Vec<Location> {
    entries
        .into_iter()
        .map(|one| Location { layer: lookup.layer(one.layer.as_ref()), path: one.path })
        .collect()
}

fn package(entry: PackageEntry, lookup: &Lookup) -> Package {
    let kind = named(&PackageKind::ALL, PackageKind::purl_type, &entry.kind).unwrap_or(PackageKind::Generic);
    let (namespace, name) = names(kind, &entry);
    let mut package = Package::new(kind, name, entry.version);
    package.namespace = namespace;
    package.architecture = entry.architecture;
    package.source = entry
        .source_name
        .map(|name| SourcePackage { name, version: entry.source_version.unwrap_or_default() });
    package.module = entry.module;
    package.vendor = entry.vendor;
    package.licenses = entry.licenses;
    package.origin = if entry.origin == "declared" { Origin::Declared } else { Origin::Installed };
    package.locations = locations(entry.locations, lookup);
    package.depends_on = lookup.packages(&entry.depends_on);
    package.contains = entry.contains;
    package.installed_size = entry.installed_size;
    package.essential = entry.essential;
    package.usage = match entry.usage.as_ref() {
        "used" => Usage::Used,
        "unused" => Usage::Unused,
        _ => Usage::Unknown,
    };
    package.usage_evidence =
        entry.usage_evidence.into_iter().map(|step| UsageStep { path: step.path, how: step.how }).collect();
    package
}

/// Takes the full name apart where the kind keeps a group by itself; the purl says whether there is one.
fn names(kind: PackageKind, entry: &PackageEntry) -> (Option<String>, String) {
    let grouped = entry.purl.parse::<Purl>().is_ok_and(|purl| purl.namespace.is_some());
    let split = match kind {
        PackageKind::Maven => entry.name.split_once(':'),
        PackageKind::Deb | PackageKind::Rpm | PackageKind::Apk | PackageKind::Pacman => None,
        PackageKind::Npm
        | PackageKind::Go
        | PackageKind::Swift
        | PackageKind::Terraform
        | PackageKind::GitHubAction => None,
        _ if grouped => entry.name.rsplit_once('/'),
        _ => None,
    };
    split.map_or_else(
        || (None, entry.name.clone()),
        |(namespace, name)| (Some(namespace.to_owned()), name.to_owned()),
    )
}

const FIX_STATES: [FixState; 5] =
    [FixState::Fixed, FixState::NotFixed, FixState::WontFix, FixState::EndOfLife, FixState::Unknown];

fn fix_state(text: &str) -> FixState {
    named(&FIX_STATES, FixState::name, text).unwrap_or(FixState::Unknown)
}

/// Returns a finding; `None` for a kind that this version does not know.
fn finding(entry: FindingEntry, lookup: &Lookup) -> Option<Finding> {
    let kind = named(&FindingKind::ALL, FindingKind::name, &entry.kind)?;
    Some(Finding {
        id: entry.id,
        kind,
        rule: entry.rule,
        aliases: entry.aliases,
        title: entry.title,
        severity: entry.severity.parse().unwrap_or_default(),
        severity_source: entry.severity_source,
        cvss: entry
            .cvss
            .into_iter()
            .map(|one| Cvss { vector: one.vector, score: one.score, source: one.source })
            .collect(),
        epss: entry.epss.map(|one| assay_model::finding::Epss {
            score: one.score,
            percentile: one.percentile,
            date: time(one.date.as_ref()),
        }),
        kev: entry.kev.map(|one| assay_model::finding::Kev {
            added: time(one.date_added.as_ref()),
            due: time(one.due_date.as_ref()),
            ransomware: one.ransomware,
        }),
        exploit: entry.exploit,
        priority: entry.priority.and_then(|priority| priority.parse().ok()),
        priority_path: entry
            .priority_path
            .into_iter()
            .map(|step| Decision { point: step.point, value: step.value, reason: step.reason })
            .collect(),
        package: entry.package.and_then(|purl| lookup.packages.get(&purl).copied()),
        fix: fix_state(&entry.fix.state),
        fixed_versions: entry.fix.versions,
        locations: entry
            .locations
            .into_iter()
            .map(|one| Place { layer: lookup.layer(one.layer.as_ref()), path: one.path, line: one.line })
            .collect(),
        in_base: entry.base,
        evidence: entry
            .evidence
            .matches
            .into_iter()
            .filter_map(|one| {
                Some(Evidence {
                    feed: one.feed,
                    advisory: one.advisory,
                    ecosystem: one.ecosystem.parse().ok()?,
                    package: one.package,
                    by_source: one.matched_by == "source-package",
                    version: one.version,
                    range: one.range,
                    fixed: one.fixed,
                    state: fix_state(&one.fix_state),
                    severity: one.severity.and_then(|text| text.parse::<Severity>().ok()),
                })
            })
            .collect(),
        details: entry
            .evidence
            .details
            .into_iter()
            .map(|one| Detail { name: Cow::Owned(one.name), value: one.value })
            .collect(),
        remediation: entry.remediation,
        suppression: entry.suppression.and_then(|one| {
            let states = [
                SuppressionState::NotAffected,
                SuppressionState::Fixed,
                SuppressionState::Accepted,
                SuppressionState::FalsePositive,
            ];
            Some(Suppression {
                state: named(&states, SuppressionState::name, &one.state)?,
                source: one.source,
                author: one.author,
                reason: one.reason,
                issued: time(one.issued.as_ref()),
            })
        }),
    })
}
