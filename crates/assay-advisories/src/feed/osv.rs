//! OSV: the schema (<https://ossf.github.io/osv-schema/>) and the public bucket's `all.zip` per ecosystem.
//!
//! Surprising things:
//! - `upstream` holds the vulnerability a distribution's record is about (Wolfi, Ubuntu), or the several ones an erratum fixes
//!   (Debian); AlmaLinux, Rocky and others write those into `related`.
//! - A record without any alias whose `related` names CVEs bundles what those are about; it is about each of them.
//! - Errata of the Red Hat family name the module stream of their builds in the title only.
//! - An erratum, or a per-package record such as Wolfi's `CGA-…`, is never an alias of the vulnerability it speaks about.
//! - The `versions` list repeats what the ranges say in most ecosystems; it is kept only where it says more.
//! - GIT ranges name commits, which installed packages do not have; only `versions` counts then.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Range, RangeEnd};
use assay_model::ecosystem::Ecosystem;
use assay_model::scheme::Scheme;
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use assay_version::{End, Interval, compare, contains, is_valid, sort};
use serde::Deserialize;
use std::io::Read;

/// Bytes of one record; the largest real ones (kernel errata) have about 3 MB.
pub const MAX_RECORD: u64 = 32 * 1024 * 1024;

/// Prefixes of identifiers that name an erratum or one package's record, not a vulnerability.
const ERRATA: &[&str] = &[
    "DSA-",
    "DLA-",
    "DTSA-",
    "ALSA-",
    "ALBA-",
    "ALEA-",
    "RLSA-",
    "RXSA-",
    "ELSA-",
    "RHSA-",
    "RHBA-",
    "RHEA-",
    "USN-",
    "LSN-",
    "SUSE-",
    "openSUSE-",
    "ALAS",
    "MGASA-",
    "CGA-",
    "PHSA-",
    "AZL-",
    "ASA-",
    "OESA-",
    "FEDORA-",
    "BELL-",
    "ECHO-",
    "MINI-",
];

/// The feed.
#[derive(Debug)]
pub struct Osv;

impl Feed for Osv {
    fn id(&self) -> &'static str {
        "osv"
    }

    fn license(&self) -> &'static str {
        "CC-BY-4.0 and others, by ecosystem (https://google.github.io/osv.dev/data/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://osv-vulnerabilities.storage.googleapis.com",
            path: "{ecosystem}/all.zip",
            folder: "osv",
            values: &[
                "PyPI",
                "npm",
                "Maven",
                "Go",
                "crates.io",
                "RubyGems",
                "Packagist",
                "NuGet",
                "Hex",
                "Pub",
                "ConanCenter",
                "SwiftURL",
                "Hackage",
                "CRAN",
                "Julia",
                "GitHub Actions",
                "Bitnami",
                "Debian",
                "AlmaLinux:8",
                "AlmaLinux:9",
                "AlmaLinux:10",
                "Rocky Linux",
                "Ubuntu",
                "Wolfi",
            ],
        }]
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if !name.ends_with(".json") {
            return out.ignore();
        }
        // The folder names the ecosystem: the zip is the whole list of it. `Debian` names no release and covers none by itself.
        if let Some((folder, _)) = path.split_once("/all.zip/")
            && let Some(ecosystem) = folder.rsplit('/').next()
            && let Ok(known) = ecosystem.parse::<Ecosystem>()
            && known.to_string() == ecosystem
            && !releases_missing(&known)
        {
            out.covers(&known);
        }
        let mut bytes = Vec::new();
        match file.take(MAX_RECORD + 1).read_to_end(&mut bytes) {
            Err(error) => return out.reject(name, error),
            Ok(_) if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_RECORD => {
                return out.reject(name, format!("more than `{MAX_RECORD}` bytes"));
            }
            Ok(_) => {}
        }
        read_record(name, &bytes, out);
    }
}

/// Whether the ecosystem is a distribution with releases of which none is named.
fn releases_missing(ecosystem: &Ecosystem) -> bool {
    match ecosystem {
        Ecosystem::Distro { distro, release } => release.is_empty() && !(distro.release)("1").is_empty(),
        _ => false,
    }
}

/// Returns whether bytes are an OSV record, to recognise a team's own advisories.
pub fn looks_like(bytes: &[u8]) -> bool {
    let record = serde_json::from_slice::<Osvish>(bytes);
    // Other documents have an `id` and a time, too.
    record.is_ok_and(|record| record.affected.or(record.withdrawn).or(record.schema_version).is_some())
}

#[derive(Deserialize)]
struct Osvish {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "modified")]
    _modified: String,
    affected: Option<serde::de::IgnoredAny>,
    withdrawn: Option<serde::de::IgnoredAny>,
    schema_version: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct OsvRecord {
    id: String,
    aliases: Option<Vec<String>>,
    related: Option<Vec<String>>,
    upstream: Option<Vec<String>>,
    summary: Option<String>,
    details: Option<String>,
    severity: Option<Vec<OsvSeverity>>,
    affected: Option<Vec<OsvAffected>>,
    references: Option<Vec<OsvReference>>,
    published: Option<String>,
    modified: Option<String>,
    withdrawn: Option<String>,
    database_specific: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct OsvSeverity {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    score: String,
}

#[derive(Deserialize)]
struct OsvReference {
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct OsvAffected {
    package: Option<OsvPackage>,
    ranges: Option<Vec<OsvRange>>,
    versions: Option<Vec<String>>,
    severity: Option<Vec<OsvSeverity>>,
    database_specific: Option<serde_json::Value>,
    ecosystem_specific: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct OsvPackage {
    #[serde(default)]
    name: String,
    #[serde(default)]
    ecosystem: String,
}

#[derive(Deserialize)]
struct OsvRange {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    events: Vec<OsvEvent>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OsvEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// Reads one record of the schema.
pub fn read_record(name: &str, bytes: &[u8], out: &mut AdvisorySink<'_>) {
    let record: OsvRecord = match serde_json::from_slice(bytes) {
        Ok(record) => record,
        Err(error) => return out.reject(name, error),
    };
    if record.id.trim().is_empty() {
        return out.reject(name, "it has no `id`");
    }
    let listed = record.affected.as_ref().is_some_and(|affected| !affected.is_empty());
    let affected: Vec<Affected> = record.affected.into_iter().flatten().filter_map(read_affected).collect();
    if listed && affected.is_empty() {
        // Every package is of an ecosystem without rules here, or named by commits only.
        return out.ignore();
    }
    let mut advisory = Advisory { id: record.id, affected, ..Advisory::default() };
    identify(&mut advisory, record.aliases, record.upstream, record.related);
    let time = |text: Option<String>| text.and_then(|text| text.parse::<Timestamp>().ok());
    advisory.published = time(record.published);
    advisory.modified = time(record.modified);
    // A withdrawal with an unreadable time is still a withdrawal.
    advisory.withdrawn = record.withdrawn.map(|text| text.parse().unwrap_or_default());
    advisory.title = record.summary.unwrap_or_default();
    advisory.details = record.details.unwrap_or_default();
    advisory.references = record
        .references
        .into_iter()
        .flatten()
        .map(|reference| reference.url)
        .filter(|url| !url.is_empty())
        .collect();
    name_module(&mut advisory);
    let source = advisory.id.split('-').next().unwrap_or_default().to_owned();
    for severity in record.severity.into_iter().flatten() {
        match crate::cvss::read(&severity.score, &source) {
            Some(cvss) => advisory.cvss.push(cvss),
            None => advisory.severity = advisory.severity.max(Severity::from_vendor(&severity.score)),
        }
    }
    if let Some(specific) = &record.database_specific {
        if let Some(severity) = specific.get("severity").and_then(|value| value.as_str()) {
            advisory.severity = advisory.severity.max(Severity::from_vendor(severity));
        }
        let weaknesses = specific.get("cwe_ids").and_then(|value| value.as_array()).into_iter().flatten();
        advisory.weaknesses = weaknesses.filter_map(|value| value.as_str()).map(str::to_owned).collect();
    }
    // AlmaLinux and Rocky give the erratum's severity at the head of its summary.
    if advisory.severity.is_none()
        && let Some((word, _)) = advisory.title.split_once(':')
        && !advisory.fixes.is_empty()
    {
        advisory.severity = Severity::from_vendor(word);
    }
    out.advisory(advisory);
}

/// Names the module stream that modular builds are of, where the title of the erratum does: "Important: nodejs:18 security update".
/// AlmaLinux and Rocky have it nowhere else. A title with several ("virt:rhel and virt-devel:rhel") does not say which is whose.
fn name_module(advisory: &mut Advisory) {
    let words = advisory.title.split(|char: char| char.is_whitespace() || matches!(char, ',' | '(' | ')'));
    let mut streams = words.filter(|word| {
        let mut parts = word.split(':');
        let part = |text: Option<&str>| text.is_some_and(|text| text.starts_with(char::is_alphanumeric));
        part(parts.next()) && part(parts.next()) && parts.next().is_none() && !word.contains("://")
    });
    let (Some(stream), None) = (streams.next(), streams.next()) else { return };
    let stream = stream.to_owned();
    for affected in &mut advisory.affected {
        let modular = affected
            .ranges
            .iter()
            .any(|range| matches!(&range.end, RangeEnd::Fixed(version) if version.contains(".module")));
        if modular && affected.module.is_none() {
            affected.module = Some(stream.clone());
        }
    }
}

/// Sorts identifiers into aliases and fixed vulnerabilities.
fn identify(
    advisory: &mut Advisory,
    aliases: Option<Vec<String>>,
    upstream: Option<Vec<String>>,
    related: Option<Vec<String>>,
) {
    let plain =
        |ids: Option<Vec<String>>| ids.into_iter().flatten().map(without_distribution).collect::<Vec<_>>();
    let (aliases, upstream, related) = (plain(aliases), plain(upstream), plain(related));
    let is_cve = |id: &String| id.starts_with("CVE-");
    if ERRATA.iter().any(|prefix| advisory.id.starts_with(prefix)) {
        let all = || aliases.iter().chain(&upstream).chain(&related);
        let mut fixes: Vec<String> = all().filter(|id| is_cve(id)).cloned().collect();
        if fixes.is_empty() {
            fixes = aliases.iter().chain(&upstream).filter(|id| id.starts_with("GHSA-")).cloned().collect();
        }
        fixes.sort_unstable();
        fixes.dedup();
        advisory.fixes = fixes;
        return;
    }
    let cves = upstream.iter().filter(|id| is_cve(id)).count();
    if cves > 1 {
        advisory.fixes = upstream.into_iter().filter(is_cve).collect();
        advisory.aliases = aliases;
    } else if aliases.is_empty() && upstream.is_empty() && !is_cve(&advisory.id) {
        // A package that bundles a library: the record has no CVE of its own, and `related` names the library's
        // (PYSEC-2023-175 for the libwebp in pillow's wheels).
        advisory.fixes = related.into_iter().filter(is_cve).collect();
    } else {
        advisory.aliases = aliases.into_iter().chain(upstream).collect();
    }
}

/// Distributions' own records of a CVE (`UBUNTU-CVE-2021-3782`, `DEBIAN-CVE-…`) stand for the CVE where others refer to them.
fn without_distribution(id: String) -> String {
    match id.split_once("-CVE-") {
        Some((prefix, number)) if prefix.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            format!("CVE-{number}")
        }
        _ => id,
    }
}

fn read_affected(affected: OsvAffected) -> Option<Affected> {
    let package = affected.package?;
    let ecosystem: Ecosystem = package.ecosystem.parse().ok()?;
    if package.name.is_empty() || releases_missing(&ecosystem) {
        return None;
    }
    let scheme = ecosystem.scheme();
    let mut statement = Affected::new(ecosystem, &package.name);
    // dpkg and apk feeds name source packages (apk's "origin"), and so does Rocky; other RPM errata name binary packages.
    // opam, which has dpkg's order of versions, knows no source packages.
    statement.of_source = matches!(&statement.ecosystem, Ecosystem::Distro { distro, .. }
        if matches!(scheme, Scheme::Deb | Scheme::Apk) || distro.id == "rocky");
    for range in affected.ranges.into_iter().flatten().filter(|range| range.kind != "GIT") {
        statement.ranges.extend(intervals(scheme, range.events));
    }
    statement.ranges.dedup();
    let versions = affected.versions.unwrap_or_default();
    if !versions.iter().all(|version| within(scheme, &statement.ranges, version)) {
        statement.versions = versions;
    }
    if statement.ranges.is_empty() && statement.versions.is_empty() {
        return None;
    }
    let specific = [&affected.database_specific, &affected.ecosystem_specific];
    let named = specific.into_iter().flatten().filter_map(|value| value.get("severity")?.as_str());
    let scored = affected.severity.iter().flatten().filter(|severity| !severity.kind.starts_with("CVSS"));
    let words = named.chain(scored.map(|severity| severity.score.as_str()));
    statement.severity = words.filter_map(Severity::from_vendor).max();
    Some(statement)
}

fn within(scheme: Scheme, ranges: &[Range], version: &str) -> bool {
    ranges.iter().any(|range| {
        let end = match &range.end {
            RangeEnd::Open => End::Open,
            RangeEnd::Fixed(bound) | RangeEnd::Limit(bound) => End::Fixed(bound),
            RangeEnd::LastAffected(bound) => End::LastAffected(bound),
        };
        let interval = Interval { introduced: range.introduced.as_deref(), end };
        // An interval that contains every text contains also what is no version.
        is_valid(scheme, version) && contains(scheme, &interval, version).unwrap_or(false)
    })
}

/// One event: the version, its order among events of the same version, and what it does.
struct Event {
    version: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Introduced,
    Fixed,
    LastAffected,
}

/// Turns events into intervals by the schema's evaluation: sorted, each `introduced` opens, the next end closes.
fn intervals(scheme: Scheme, events: Vec<OsvEvent>) -> Vec<Range> {
    let (mut sorted, mut limits) = (Vec::new(), Vec::new());
    for event in events {
        for (version, kind) in [
            (event.introduced, Kind::Introduced),
            (event.fixed, Kind::Fixed),
            (event.last_affected, Kind::LastAffected),
        ] {
            sorted.extend(version.map(|version| Event { version, kind }));
        }
        limits.extend(event.limit.filter(|limit| limit != "*"));
    }
    // Without an order of all of them (a version that is none) the order of the record is kept.
    if sorted.iter().all(|event| event.version == "0" || is_valid(scheme, &event.version)) {
        // "0" is before all, also where it is no version.
        let (mut first, mut rest): (Vec<Event>, Vec<Event>) =
            sorted.into_iter().partition(|event| event.version == "0");
        sort(scheme, &mut rest, |event| &event.version);
        first.append(&mut rest);
        sorted = first;
    }
    let mut ranges = Vec::new();
    let mut open: Option<Option<String>> = None;
    for event in sorted {
        match event.kind {
            Kind::Introduced if open.is_none() => {
                open = Some((event.version != "0").then_some(event.version));
            }
            Kind::Introduced => {}
            Kind::Fixed | Kind::LastAffected => {
                if let Some(introduced) = open.take() {
                    let end = if event.kind == Kind::Fixed {
                        RangeEnd::Fixed(event.version)
                    } else {
                        RangeEnd::LastAffected(event.version)
                    };
                    ranges.push(Range { introduced, end });
                }
            }
        }
    }
    if let Some(introduced) = open {
        let last = limits.into_iter().reduce(|one, two| {
            if compare(scheme, &one, &two).is_ok_and(std::cmp::Ordering::is_lt) { two } else { one }
        });
        ranges.push(Range { introduced, end: last.map_or(RangeEnd::Open, RangeEnd::Limit) });
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Record, collect};
    use proptest::prelude::*;

    #[track_caller]
    fn check(scheme: Scheme, events: &str, want: &str) {
        let ranges = intervals(scheme, serde_json::from_str(events).unwrap());
        let text = ranges.iter().map(|range| {
            let end = match &range.end {
                RangeEnd::Open => String::new(),
                RangeEnd::Fixed(version) => format!("<{version}"),
                RangeEnd::LastAffected(version) => format!("<={version}"),
                RangeEnd::Limit(version) => format!("<~{version}"),
            };
            format!("{}..{end}", range.introduced.as_deref().unwrap_or(""))
        });
        assert_eq!(text.collect::<Vec<_>>().join(" "), want);
    }

    #[test]
    fn events_are_evaluated_in_version_order() {
        check(Scheme::Semver, r#"[{"introduced":"0"},{"fixed":"1.2.0"}]"#, "..<1.2.0");
        check(
            Scheme::Semver,
            r#"[{"fixed":"2.10.0"},{"introduced":"2.9.0"},{"introduced":"0"},{"fixed":"1.0.0"}]"#,
            "..<1.0.0 2.9.0..<2.10.0",
        );
        check(Scheme::Semver, r#"[{"introduced":"1.0.0"},{"last_affected":"1.5.0"}]"#, "1.0.0..<=1.5.0");
        check(Scheme::Semver, r#"[{"introduced":"1.0.0"},{"limit":"2.0.0"}]"#, "1.0.0..<~2.0.0");
        check(Scheme::Pep440, r#"[{"introduced":"1.0"}]"#, "1.0..");
        check(Scheme::Semver, r#"[{"fixed":"1.0.0"}]"#, "");
    }

    fn advisory(json: &str) -> Advisory {
        let (records, counts) = collect(&Osv, "own/x.json", json.as_bytes());
        assert_eq!(counts.rejected, 0, "{counts:?}");
        match records.into_iter().next() {
            Some(Record::Advisory(advisory)) => *advisory,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn errata_fix_and_records_alias() {
        let affected = r#""affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1-1"}]}]}]"#;
        let alma = advisory(&format!(
            r#"{{"id":"ALSA-2022:7288","summary":"Important: a","related":["CVE-2022-1","CVE-2022-2"],{affected}}}"#
        ));
        assert_eq!(alma.fixes, ["CVE-2022-1", "CVE-2022-2"]);
        assert_eq!((alma.aliases.len(), alma.severity), (0, Some(Severity::High)));
        let ubuntu =
            advisory(&format!(r#"{{"id":"UBUNTU-CVE-2022-1","upstream":["CVE-2022-1"],{affected}}}"#));
        assert_eq!((ubuntu.aliases, ubuntu.fixes.len()), (vec!["CVE-2022-1".to_owned()], 0));
    }

    #[test]
    fn errata_name_module_streams_in_their_titles() {
        let module = |title: &str, fixed: &str| {
            let erratum = advisory(&format!(
                r#"{{"id":"ALSA-2022:7288","summary":"{title}","affected":[{{"package":{{"ecosystem":"AlmaLinux:9","name":"a"}},
                "ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"{fixed}"}}]}}]}}]}}"#
            ));
            erratum.affected[0].module.clone()
        };
        let modular = "1:18.2.0-1.module_el8.7.0+3343+ea2b7901";
        for (title, want) in [
            ("Important: nodejs:18 security, bug fix, and enhancement update", Some("nodejs:18")),
            ("Moderate: container-tools:rhel8 security update", Some("container-tools:rhel8")),
            ("ALSA-2022:5468: php:8.0 security update (Important)", Some("php:8.0")),
            ("Important: virt:rhel and virt-devel:rhel security update", None),
            ("Important: 389-ds security update", None),
        ] {
            assert_eq!(module(title, modular).as_deref(), want, "{title}");
        }
        assert_eq!(module("Important: nodejs:18 security update", "18.2.0-1.el9"), None);
    }

    #[test]
    fn listed_versions_are_kept_only_when_they_say_more() {
        let with = |versions: &str| {
            advisory(&format!(
                r#"{{"id":"PYSEC-1","modified":"2020-01-01T00:00:00Z","affected":[{{"package":{{"ecosystem":"PyPI","name":"A_b"}},
                "ranges":[{{"type":"GIT","repo":"x","events":[{{"introduced":"0"}}]}},{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"2.0"}}]}}],"versions":{versions}}}]}}"#
            ))
        };
        assert_eq!(with(r#"["1.0","1.5"]"#).affected[0].versions.len(), 0);
        assert_eq!(with(r#"["1.0","2.5"]"#).affected[0].versions, ["1.0", "2.5"]);
        assert_eq!(with("[]").affected[0].package, "a-b");
    }

    #[test]
    fn what_cannot_be_read_is_counted() {
        for (json, want) in [
            ("{", (0, 1, 0)),
            (r#"{"id":""}"#, (0, 1, 0)),
            (
                r#"{"id":"X-1","affected":[{"package":{"ecosystem":"Plan 9","name":"x"},"versions":["1"]}]}"#,
                (0, 0, 1),
            ),
            (r#"{"id":"X-1","withdrawn":"whenever"}"#, (1, 0, 0)),
        ] {
            let (_, counts) = collect(&Osv, "x.json", json.as_bytes());
            assert_eq!((counts.used, counts.rejected, counts.ignored), want, "{json}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(bytes: Vec<u8>) {
            let _ = collect(&Osv, "x.json", bytes.as_slice());
        }
    }
}
