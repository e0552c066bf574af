//! Red Hat's CSAF documents (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>): one VEX document per CVE, and one
//! advisory per erratum (<https://security.access.redhat.com/data/csaf/v2/>), as files or in the daily archive.
//!
//! Surprising things:
//! - A product is a relationship: a package (`curl-0:7.76.1-26.el9_3.2.x86_64`) as a component of a stream
//!   (`BaseOS-9.3.0.Z.MAIN`), whose CPE tells the release. Products that are not RHEL itself are left out.
//! - One CVE is fixed once per minor release: `7.76.1-23.el9_2.4` has the fix although it is older than
//!   `7.76.1-26.el9_3.2`, and `7.76.1-26.el9_3` has not. See [`intervals`].
//! - Fixes in extended streams (EUS, AUS, E4S, TUS) count as fixed builds of that minor release, and make no release affected.
//! - `debuginfo` and `debugsource` packages hold no code that runs and are left out.
//! - An RPM module stands in the package URL's `rpmmod`, or before the name (`nodejs:18/nodejs`).

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range, RangeEnd};
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use assay_model::scheme::Scheme;
use assay_model::severity::Severity;
use assay_model::timestamp::Timestamp;
use assay_version::{compare, sort};
use document::{Branch, Csaf, Note, ProductTree, Score, Vulnerability};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{BufReader, Read};

mod document;

/// Bytes of one document; the kernel's largest have about 40 MB.
const MAX_DOCUMENT: u64 = 256 * 1024 * 1024;
/// How deep branches are followed; real trees are four deep.
const MAX_DEPTH: usize = 16;

/// The feed.
#[derive(Debug)]
pub struct RedHatCsafVex;

impl Feed for RedHatCsafVex {
    fn id(&self) -> &'static str {
        "redhat-csaf-vex"
    }

    fn license(&self) -> &'static str {
        "CC-BY-4.0 (https://access.redhat.com/security/data)"
    }

    fn files(&self) -> &'static [FeedFile] {
        const ORIGIN: &str = "https://security.access.redhat.com";
        &[
            // Named by `archive_latest.txt`, which is why it is not in `values`.
            FeedFile {
                origin: ORIGIN,
                path: "data/csaf/v2/vex/csaf_vex_{date}.tar.zst",
                folder: "redhat",
                values: &[],
            },
            FeedFile { origin: "", path: "csaf_{kind}_{date}.tar.zst", folder: "", values: &[] },
            FeedFile {
                origin: "",
                path: "data/csaf/v2/vex/{year}/cve-{id}.json",
                folder: "redhat",
                values: &[],
            },
            FeedFile {
                origin: "",
                path: "data/csaf/v2/advisories/{year}/rhsa-{id}.json",
                folder: "redhat",
                values: &[],
            },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let ours = start.contains("Red Hat Product Security") || start.contains("Red Hat, Inc.");
        name.ends_with(".json")
            && start.contains("\"document\"")
            && (ours || start.contains("\"status\":\"deleted\""))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if !name.ends_with(".json") {
            return out.ignore();
        }
        match serde_json::from_reader(BufReader::new(file.take(MAX_DOCUMENT))) {
            Ok(document) => read_csaf(name, document, out),
            Err(error) => out.reject(name, error),
        }
    }
}

fn read_csaf(name: &str, csaf: Csaf, out: &mut AdvisorySink<'_>) {
    let Csaf { document, product_tree, vulnerabilities } = csaf;
    if document.tracking.status == "deleted" {
        return out.ignore();
    }
    let id = document.tracking.id.trim();
    if id.is_empty() || vulnerabilities.is_empty() {
        return out.reject(name, "it has no identifier or no vulnerability");
    }
    let tree = Tree::new(&product_tree);
    let mut statements = Statements::default();
    for vulnerability in &vulnerabilities {
        statements.add(&tree, vulnerability);
    }
    let time = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
    let mut advisory = Advisory {
        id: id.to_owned(),
        title: document.title,
        severity: document
            .aggregate_severity
            .as_ref()
            .and_then(|severity| Severity::from_vendor(&severity.text)),
        published: time(&document.tracking.initial_release_date),
        modified: time(&document.tracking.current_release_date),
        references: document.references.into_iter().map(|reference| reference.url).collect(),
        affected: statements.finish(),
        ..Advisory::default()
    };
    let erratum = document.category != "csaf_vex";
    for vulnerability in vulnerabilities {
        if erratum {
            advisory.fixes.extend(vulnerability.cve);
        } else {
            advisory.aliases.extend(vulnerability.cve.filter(|cve| cve != id));
            describe(&mut advisory, &vulnerability.notes, &vulnerability.scores);
            advisory.title = vulnerability.title.unwrap_or(std::mem::take(&mut advisory.title));
            advisory.weaknesses.extend(vulnerability.cwe.map(|cwe| cwe.id));
            advisory.references.extend(vulnerability.references.into_iter().map(|reference| reference.url));
            advisory.published = time(&vulnerability.release_date).or(advisory.published);
        }
    }
    advisory.references.retain(|url| !url.is_empty());
    if advisory.affected.is_empty() {
        // About other products only.
        return out.ignore();
    }
    out.advisory(advisory);
}

fn describe(advisory: &mut Advisory, notes: &[Note], scores: &[Score]) {
    if let Some(note) = notes.iter().find(|note| note.category == "description") {
        advisory.details.clone_from(&note.text);
    }
    for vector in scores.iter().flat_map(|score| [&score.cvss_v4, &score.cvss_v3, &score.cvss_v2]).flatten() {
        if let Some(cvss) = crate::cvss::read(&vector.vector, "redhat")
            && !advisory.cvss.contains(&cvss)
        {
            advisory.cvss.push(cvss);
        }
    }
}

/// A stream of RHEL.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stream {
    major: String,
    /// Whether every system of the release gets it, rather than those with an extended subscription.
    main: bool,
}

/// A package as the product tree names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Component {
    name: String,
    version: Option<String>,
    architecture: Option<String>,
    module: Option<String>,
}

struct Tree<'t> {
    streams: HashMap<&'t str, Stream>,
    components: HashMap<&'t str, Component>,
    products: HashMap<&'t str, (&'t str, &'t str)>,
}

impl<'t> Tree<'t> {
    fn new(tree: &'t ProductTree) -> Self {
        let mut this = Self { streams: HashMap::new(), components: HashMap::new(), products: HashMap::new() };
        this.branches(&tree.branches, 0);
        for relationship in &tree.relationships {
            let parts =
                (relationship.product_reference.as_str(), relationship.relates_to_product_reference.as_str());
            this.products.insert(&relationship.full_product_name.product_id, parts);
        }
        this
    }

    fn branches(&mut self, branches: &'t [Branch], depth: usize) {
        for branch in branches {
            if let Some(product) = &branch.product {
                let helper = product.product_identification_helper.as_ref();
                if let Some(stream) = helper.and_then(|helper| read_cpe(helper.cpe.as_deref()?)) {
                    self.streams.insert(&product.product_id, stream);
                } else if let Some(component) =
                    read_component(&product.product_id, helper.and_then(|helper| helper.purl.as_deref()))
                {
                    self.components.insert(&product.product_id, component);
                }
            }
            if depth < MAX_DEPTH {
                self.branches(&branch.branches, depth + 1);
            }
        }
    }

    fn product(&self, id: &str) -> Option<(&Stream, &Component)> {
        let (component, stream) = self.products.get(id)?;
        Some((self.streams.get(stream)?, self.components.get(component)?))
    }
}

/// Reads `cpe:/o:redhat:enterprise_linux:8::baseos` and its extended relatives (`rhel_eus:9.0`).
fn read_cpe(cpe: &str) -> Option<Stream> {
    let mut parts = cpe.strip_prefix("cpe:/")?.split(':').skip(1);
    if parts.next()? != "redhat" {
        return None;
    }
    let main = match parts.next()? {
        // ELS continues the numbering of a release that has ended.
        "enterprise_linux" | "rhel_els" => true,
        "rhel_eus"
        | "rhel_aus"
        | "rhel_e4s"
        | "rhel_tus"
        | "rhel_eus_long_life"
        | "rhel_mission_critical" => false,
        _ => return None,
    };
    let major: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
    (!major.is_empty()).then_some(Stream { major, main })
}

/// Reads a component: the package URL says most, the identifier the rest.
fn read_component(id: &str, purl: Option<&str>) -> Option<Component> {
    let in_id = id
        .split_once('/')
        .map(|(module, name)| (module.to_owned(), name))
        .filter(|(module, _)| module.contains(':'));
    let Some(purl) = purl else {
        // Older documents name source packages by a bare word: `kernel-alt` builds packages named `kernel`.
        let (module, name) = in_id.map_or((None, id), |(module, name)| (Some(module), name));
        let plain = !name.is_empty() && !name.contains([':', '/', '@', ' ']);
        let architecture = Some("src".to_owned());
        return plain.then(|| Component { name: name.to_owned(), version: None, architecture, module });
    };
    let rest = purl.strip_prefix("pkg:rpm/")?;
    let (path, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
    let path = path.rsplit('/').next()?;
    let (name, version) =
        path.split_once('@').map_or((path, None), |(name, version)| (name, Some(decode(version))));
    let mut component = Component {
        name: decode(name),
        version,
        architecture: None,
        module: in_id.map(|(module, _)| module),
    };
    let mut epoch = None;
    for (key, value) in qualifiers.split('&').filter_map(|pair| pair.split_once('=')) {
        match key {
            "arch" => component.architecture = Some(value.to_owned()),
            "epoch" if value != "0" => epoch = Some(value.to_owned()),
            "rpmmod" => {
                // `nodejs:18:8090020230627084142:b46abd14`; what has no stream is no module, and the package no plain one.
                let module = decode(value);
                let mut parts = module.split(':');
                component.module = Some(format!("{}:{}", parts.next()?, parts.next()?));
            }
            _ => {}
        }
    }
    if let (Some(epoch), Some(version)) = (epoch, &mut component.version) {
        *version = format!("{epoch}:{version}");
    }
    (!component.name.is_empty()).then_some(component)
}

/// Undoes percent encoding; bytes that are no UTF-8 are kept encoded.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = (first == b'%').then(|| after.split_at_checked(2)).flatten().and_then(|(hex, after)| {
            Some((u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?, after))
        });
        let (byte, after) = hex.unwrap_or((first, after));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

/// Release, package name, whether a source package, module.
type Key = (String, String, bool, Option<String>);

/// What a document says about one package of one release.
#[derive(Default)]
struct Statement {
    /// Fixed builds: version, and whether in the main stream.
    fixed: BTreeSet<(String, bool)>,
    architectures: BTreeSet<String>,
    /// Fix state and its rank: the more hopeful one wins.
    unfixed: Option<Fix>,
    not_affected: bool,
    severity: Option<Severity>,
}

#[derive(Default)]
struct Statements(BTreeMap<Key, Statement>);

impl Statements {
    fn add(&mut self, tree: &Tree<'_>, vulnerability: &Vulnerability) {
        let mut states: HashMap<&str, Fix> = HashMap::new();
        for remediation in &vulnerability.remediations {
            let Some(state) = fix_state(&remediation.category, &remediation.details) else { continue };
            states.extend(remediation.product_ids.iter().map(|id| (id.as_str(), state)));
        }
        let mut severities: HashMap<&str, Severity> = HashMap::new();
        for threat in vulnerability.threats.iter().filter(|threat| threat.category == "impact") {
            let Some(severity) = Severity::from_vendor(&threat.details) else { continue };
            severities.extend(threat.product_ids.iter().map(|id| (id.as_str(), severity)));
        }
        let status = &vulnerability.product_status;
        for id in &status.fixed {
            let Some((stream, component, statement)) = self.statement(tree, id, &severities) else {
                continue;
            };
            if let Some(version) = &component.version {
                statement.fixed.insert((version.clone(), stream.main));
                statement.architectures.extend(component.architecture.clone().filter(|name| name != "src"));
            }
        }
        for (id, affected) in status
            .known_affected
            .iter()
            .map(|id| (id, true))
            .chain(status.under_investigation.iter().map(|id| (id, false)))
        {
            let Some((stream, _, statement)) = self.statement(tree, id, &severities) else { continue };
            if stream.main {
                let state = states.get(id.as_str()).copied().unwrap_or(if affected {
                    Fix::NotFixed
                } else {
                    Fix::Unknown
                });
                let better = statement.unfixed.is_none_or(|known| rank(state) > rank(known));
                statement.unfixed = if better { Some(state) } else { statement.unfixed };
            }
        }
        for id in &status.known_not_affected {
            if let Some((stream, _, statement)) = self.statement(tree, id, &severities) {
                statement.not_affected |= stream.main;
            }
        }
    }

    fn statement<'a, 't>(
        &'a mut self,
        tree: &'t Tree<'_>,
        id: &str,
        severities: &HashMap<&str, Severity>,
    ) -> Option<(&'t Stream, &'t Component, &'a mut Statement)> {
        let (stream, component) = tree.product(id)?;
        if component.name.ends_with("-debuginfo") || component.name.ends_with("-debugsource") {
            return None;
        }
        let source = component.architecture.as_deref() == Some("src");
        let key = (stream.major.clone(), component.name.clone(), source, component.module.clone());
        let statement = self.0.entry(key).or_default();
        statement.severity = statement.severity.max(severities.get(id).copied());
        Some((stream, component, statement))
    }

    fn finish(self) -> Vec<Affected> {
        let Some(rhel) = distro::by_id("rhel") else { return Vec::new() };
        self.0
            .into_iter()
            .filter_map(|((major, package, source, module), statement)| {
                let mut affected = Affected::new(rhel.ecosystem_of_release(&major), &package);
                affected.of_source = source;
                affected.module = module;
                affected.severity = statement.severity;
                if statement.fixed.iter().any(|(_, main)| *main) {
                    affected.ranges = intervals(&affected.ecosystem, statement.fixed);
                    affected.architectures = statement.architectures.into_iter().collect();
                } else if let Some(state) = statement.unfixed {
                    affected.ranges = vec![Range::all()];
                    affected.fix = state;
                } else if statement.not_affected {
                    affected.fix = Fix::NotAffected;
                } else {
                    return None;
                }
                Some(affected)
            })
            .collect()
    }
}

fn fix_state(category: &str, details: &str) -> Option<Fix> {
    Some(match (category, details.trim()) {
        ("no_fix_planned", details) if details.eq_ignore_ascii_case("Out of support scope") => Fix::EndOfLife,
        ("no_fix_planned", _) => Fix::WontFix,
        // "Affected" and "Fix deferred".
        ("none_available", _) => Fix::NotFixed,
        _ => return None,
    })
}

fn rank(fix: Fix) -> u8 {
    match fix {
        Fix::NotFixed => 4,
        Fix::Unknown => 3,
        Fix::WontFix => 2,
        Fix::EndOfLife => 1,
        Fix::NotAffected => 0,
    }
}

/// Returns the affected versions, given the fixed builds of all minor releases.
///
/// Everything before the oldest fixed build is affected; and everything from the *next* minor release's builds of that version on,
/// up to the next fixed build. Fixes of extended streams newer than the last one of the main stream say nothing more.
fn intervals(ecosystem: &Ecosystem, fixed: BTreeSet<(String, bool)>) -> Vec<Range> {
    let scheme: Scheme = ecosystem.scheme();
    let order = |a: &str, b: &str| compare(scheme, a, b).unwrap_or(Ordering::Equal);
    let mut fixed: Vec<_> = fixed.into_iter().collect();
    sort(scheme, &mut fixed, |(version, _)| version);
    let last = fixed.iter().rposition(|(_, main)| *main).map_or(0, |last| last + 1);
    let mut ranges: Vec<Range> = Vec::new();
    for (version, _) in fixed.into_iter().take(last) {
        match ranges.last().and_then(|range| match &range.end {
            RangeEnd::Fixed(before) => Some((before.clone(), next_minor(before))),
            _ => None,
        }) {
            None => ranges.push(Range::until_fixed(version)),
            Some((before, _)) if order(&before, &version).is_eq() => {}
            // Two fixes of one minor release: the newer one is the whole fix.
            Some((before, next)) => match next
                .filter(|next| order(next, &version).is_lt() && order(next, &before).is_gt())
            {
                Some(next) => ranges.push(Range { introduced: Some(next), end: RangeEnd::Fixed(version) }),
                None => {
                    if let Some(range) = ranges.last_mut() {
                        range.end = RangeEnd::Fixed(version);
                    }
                }
            },
        }
    }
    ranges
}

/// Returns the smallest version that a build of the next minor release can have: `5.el8_9.1` → `5.el8_10`,
/// `111.module+el8.9.0+19193` → `111.module+el8.10`.
fn next_minor(version: &str) -> Option<String> {
    let (at, separator) = match version.rfind("module+el") {
        Some(at) => (at + "module+el".len(), '.'),
        None => (version.rfind(".el")? + ".el".len(), '_'),
    };
    let (head, tail) = version.split_at_checked(at)?;
    let (major, tail) = tail.split_once(separator)?;
    let digits: String = tail.chars().take_while(char::is_ascii_digit).collect();
    let number = major.chars().all(|char| char.is_ascii_digit()) && !major.is_empty();
    let minor: u32 = digits.parse().ok()?;
    number.then(|| format!("{head}{major}{separator}{}", minor.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};
    use proptest::prelude::*;

    const FEED: &dyn Feed = &RedHatCsafVex;

    #[test]
    fn real_documents_are_read() {
        let Some((records, counts)) = samples::read(FEED, "redhat", ".json") else { return };
        // 19 documents: one deleted, two about other products (Satellite, OpenShift), one about an extended stream only (E4S).
        assert_eq!((counts.used, counts.rejected, counts.ignored), (15, 0, 4), "{:?}", counts.first_rejected);
        let check = |id: &str, package: &str, version: &str, want: State| {
            samples::check(&records, id, "Red Hat", package, version, want);
        };
        // CVE-2023-38545: fixed in RHEL 9.0 (EUS), 9.2 and 9.3.
        check("CVE-2023-38545", "9/curl", "7.76.1-14.el9_0.8", State::Affected);
        check("CVE-2023-38545", "9/curl", "7.76.1-14.el9_0.9", State::Outside);
        check("CVE-2023-38545", "9/curl", "7.76.1-23.el9_2.3", State::Affected);
        check("CVE-2023-38545", "9/curl", "7.76.1-23.el9_2.4", State::Outside);
        check("CVE-2023-38545", "9/curl", "7.76.1-23.el9_2.5", State::Outside);
        check("CVE-2023-38545", "9/libcurl", "7.76.1-26.el9_3", State::Affected);
        check("CVE-2023-38545", "9/libcurl", "7.76.1-26.el9_3.2", State::Outside);
        check("CVE-2023-38545", "9/libcurl", "7.76.1-29.el9_4", State::Outside);
        check("CVE-2023-38545", "8/curl", "7.61.1-30.el8", State::NotAffected);
        check("CVE-2023-38545", "9/curl-debuginfo", "7.76.1-14.el9", State::Silent);
        check("CVE-2022-38752", "7/snakeyaml", "1.11-1.el7", State::EndOfLife);
        check("CVE-2023-4154", "9/samba", "4.17.5-102.el9", State::NotAffected);
        check("CVE-2021-0084", "7/kernel-alt", "4.14.0-115.el7a", State::NotAffected);
        check("CVE-2024-24786", "8/go-toolset", "1.20-1.module+el8.9.0+1", State::NotFixed);
        // An erratum of a module stream, and one of many minor releases.
        check("RHSA-2023:7025", "8/rubygem-json", "2.1.0-110.module+el8.8.0+18745+f1bef313", State::Affected);
        check("RHSA-2023:7025", "8/rubygem-json", "2.1.0-111.module+el8.9.0+19193+435404ae", State::Outside);
        check("RHSA-2024:0811", "9/sudo", "1.9.5p2-9.el9", State::Affected);
        check("RHSA-2024:0811", "9/sudo", "1.9.5p2-10.el9_3", State::Outside);
        let ruby = samples::affected(&records, "RHSA-2023:7025", "Red Hat:8", "ruby");
        assert_eq!(ruby[0].module.as_deref(), Some("ruby:2.5"));
        let kernel = samples::affected(&records, "CVE-2021-0084", "Red Hat:7", "kernel-alt");
        assert!(kernel.iter().all(|kernel| kernel.of_source));
        let erratum = samples::advisory(&records, "RHSA-2023:7025");
        assert_eq!(
            (erratum.fixes.len(), erratum.aliases.len(), erratum.severity),
            (4, 0, Some(Severity::Medium))
        );
        let curl = samples::advisory(&records, "CVE-2023-38545");
        assert_eq!((curl.cvss.len(), &curl.weaknesses[..]), (1, &["CWE-119".to_owned()][..]));
        assert!(
            samples::affected(&records, "CVE-2023-38545", "Red Hat:9", "curl")
                .iter()
                .all(|curl| curl.severity == Some(Severity::High))
        );
    }

    #[test]
    fn the_daily_archive_is_read() {
        let Some(feeds) = samples::feeds() else { return };
        let mut tar = Vec::new();
        for (name, file) in [
            ("2023/cve-2023-38545.json", "redhat/csaf-vex/cve-2023-38545.json"),
            ("2022/cve-2022-38752.json", "redhat/csaf-vex/cve-2022-38752.json"),
            ("changes.csv", "redhat/csaf/server/changes.csv"),
        ] {
            let content = std::fs::read(feeds.join("samples").join(file)).unwrap();
            let mut header = [0u8; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[100..108].copy_from_slice(b"0000644\0");
            header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
            header[156] = b'0';
            header[257..265].copy_from_slice(b"ustar\x0000");
            header[148..156].copy_from_slice(b"        ");
            let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            tar.extend(header);
            tar.extend(&content);
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
        tar.extend([0; 1024]);
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("csaf_vex_2025-02-15.tar.zst");
        std::fs::write(&archive, zstd::encode_all(tar.as_slice(), 1).unwrap()).unwrap();
        let (_, summary) =
            crate::build::build_bytes(&[archive], &crate::build::BuildOptions::default()).unwrap();
        let [(feed, files, counts)] = &summary.feeds[..] else { panic!("{:#?}", summary.log()) };
        assert_eq!((feed.as_str(), *files), ("redhat-csaf-vex", 1));
        assert_eq!((counts.used, counts.rejected, counts.ignored), (2, 0, 1), "{:?}", counts.first_rejected);
    }

    #[test]
    fn minor_releases_follow_each_other() {
        for (version, want) in [
            ("7.76.1-23.el9_2.4", Some("7.76.1-23.el9_3")),
            ("1-5.el8_9.1", Some("1-5.el8_10")),
            ("2.5.9-111.module+el8.9.0+19193+435404ae", Some("2.5.9-111.module+el8.10")),
            ("1-5.el8", None),
            ("1-5", None),
            ("1-5.el_9", None),
        ] {
            assert_eq!(next_minor(version).as_deref(), want, "{version}");
        }
    }

    #[test]
    fn components_are_read() {
        let component = |id, purl| {
            read_component(id, purl)
                .map(|it| format!("{} {:?} {:?} {:?}", it.name, it.version, it.architecture, it.module))
        };
        for (id, purl, want) in [
            (
                "x",
                Some("pkg:rpm/redhat/bind@9.8.2-0.68.rc1.el6_10.17?arch=src&epoch=32"),
                r#"bind Some("32:9.8.2-0.68.rc1.el6_10.17") Some("src") None"#,
            ),
            (
                "x",
                Some("pkg:rpm/redhat/ruby@2.5-1.module%2Bel8?arch=i686&rpmmod=ruby:2.5:80:b4"),
                r#"ruby Some("2.5-1.module+el8") Some("i686") Some("ruby:2.5")"#,
            ),
            ("nodejs:18/nodejs", None, r#"nodejs None Some("src") Some("nodejs:18")"#),
            ("libcurl", Some("pkg:rpm/redhat/libcurl"), "libcurl None None None"),
        ] {
            assert_eq!(component(id, purl).as_deref(), Some(want));
        }
        // A flatpak is no plain package; a container is no package at all.
        assert_eq!(
            component("x", Some("pkg:rpm/redhat/firefox-flatpak@128.0-1.el10?arch=src&rpmmod=rhel10")),
            None
        );
        assert_eq!(component("a/b", Some("pkg:oci/a/b")), None);
        assert_eq!(component("openshift4/ose-cli", None), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(bytes: Vec<u8>, text in ".{0,40}") {
            let _ = crate::sink::collect(FEED, "x.json", bytes.as_slice());
            let _ = (next_minor(&text), read_component(&text, Some(&format!("pkg:rpm/{text}"))), read_cpe(&format!("cpe:/{text}")));
        }
    }
}
