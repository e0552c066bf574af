//! Packages and statements in, findings out, as text.
//!
//! Statements are written as short specifications (`< 1.2 wont-fix`) and compiled into a database in memory; what comes out of
//! a real feed is tested in `assay-advisories`, and one test here goes through the OSV reader as well.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod coverage;
mod delta;
mod error_classes;
mod explain;
mod finding;
mod fingerprint;
mod generic;
mod languages;
mod malware;
mod osv;
mod rules;
mod spot_checks;

use assay_advisories::sink::{Counts, Record};
use assay_advisories::{Compiler, Database};
use assay_match::match_inventory;
use assay_model::advisory::{Advisory, Affected, Cvss, Fix, Range, RangeEnd};
use assay_model::{Ecosystem, Finding, Inventory, Os, Package, PackageKind, Severity, Timestamp, distro};

/// Every database here is built on this day.
const BUILT: Timestamp = Timestamp(1_700_000_000);

/// Describes an advisory.
#[derive(Debug, Clone)]
struct Say(Advisory);

fn say(id: &str) -> Say {
    Say(Advisory { id: id.into(), published: Some(Timestamp(1_600_000_000)), ..Advisory::default() })
}

impl Say {
    fn alias(mut self, id: &str) -> Self {
        self.0.aliases.push(id.into());
        self
    }

    /// Makes it an erratum that fixes `ids`.
    fn fixes(mut self, ids: &[&str]) -> Self {
        self.0.fixes = ids.iter().map(|id| (*id).to_owned()).collect();
        self
    }

    fn severity(mut self, severity: Severity) -> Self {
        self.0.severity = Some(severity);
        self
    }

    fn cvss(mut self, score: f64, source: &str) -> Self {
        self.0.cvss.push(Cvss { vector: format!("CVSS:3.1/of-{score}"), score, source: source.into() });
        self
    }

    fn published(mut self, time: i64) -> Self {
        self.0.published = Some(Timestamp(time));
        self
    }

    fn withdrawn(mut self) -> Self {
        self.0.withdrawn = Some(Timestamp(1_650_000_000));
        self
    }

    /// Adds a statement about a package: ranges such as `>=1 <2`, separated by `|`, and words that narrow it.
    fn affects(mut self, ecosystem: &str, package: &str, specification: &str) -> Self {
        let mut affected = Affected::new(ecosystem.parse().unwrap(), package);
        for part in specification.split('|') {
            let (mut introduced, mut end, mut any) = (None, RangeEnd::Open, false);
            for word in part.split_whitespace() {
                let range = |prefix| word.strip_prefix(prefix).map(str::to_owned);
                if let Some(version) = range(">=") {
                    (introduced, any) = (Some(version), true);
                } else if let Some(version) = range("<=") {
                    (end, any) = (RangeEnd::LastAffected(version), true);
                } else if let Some(version) = range("<") {
                    (end, any) = (RangeEnd::Fixed(version), true);
                } else if let Some(version) = range("limit=") {
                    (end, any) = (RangeEnd::Limit(version), true);
                } else if let Some(version) = range("=") {
                    affected.versions.push(version);
                } else if let Some(name) = range("arch:") {
                    affected.architectures.push(name);
                } else if let Some(name) = range("module:") {
                    affected.module = Some(name);
                } else if let Some(name) = range("severity:") {
                    affected.severity = Some(name.parse().unwrap());
                } else {
                    match word {
                        "all" => any = true,
                        "source" => affected.of_source = true,
                        "not-fixed" => affected.fix = Fix::NotFixed,
                        "wont-fix" => affected.fix = Fix::WontFix,
                        "end-of-life" => affected.fix = Fix::EndOfLife,
                        "not-affected" => affected.fix = Fix::NotAffected,
                        _ => panic!("unknown word `{word}`"),
                    }
                }
            }
            if any {
                affected.ranges.push(Range { introduced, end });
            }
        }
        self.0.affected.push(affected);
        self
    }
}

/// Compiles feeds, each of which covers the ecosystems it speaks about.
fn database(feeds: &[(&str, Vec<Say>)]) -> Database {
    let mut compiler = Compiler::new(false);
    for (name, advisories) in feeds {
        let feed = compiler.feed(name, "CC0-1.0");
        for Say(advisory) in advisories.clone() {
            for affected in &advisory.affected {
                compiler.record(feed, Record::Covers(affected.ecosystem.clone()));
            }
            compiler.record(feed, Record::Advisory(Box::new(advisory)));
        }
        compiler.count(
            feed,
            Counts { used: advisories.len() as u64, data_time: Some(BUILT), ..Counts::default() },
        );
    }
    opened(compiler)
}

fn opened(compiler: Compiler) -> Database {
    Database::from_bytes(compiler.finish(BUILT).unwrap()).unwrap()
}

fn os(id: &str, version: &str) -> Os {
    Os { distro: distro::by_id(id), id: id.into(), version: version.into(), ..Os::default() }
}

/// Describes a package as `type name version`, and `source=name@version`, `arch=…`, `module=…`, `group=…`,
/// `vendor=…` (with `_` for a space).
fn package(text: &str) -> Package {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [kind, name, version, more @ ..] = words.as_slice() else { panic!("`{text}`") };
    let kind = PackageKind::ALL.into_iter().find(|known| known.purl_type() == *kind).unwrap();
    let mut package = Package::new(kind, *name, *version);
    for word in more {
        match word.split_once('=').unwrap() {
            ("source", source) => {
                let (name, version) = source.split_once('@').unwrap();
                package.source =
                    Some(assay_model::SourcePackage { name: name.into(), version: version.into() });
            }
            ("arch", name) => package.architecture = Some(name.into()),
            ("module", name) => package.module = Some(name.into()),
            ("group", name) => package.namespace = Some(name.into()),
            ("vendor", name) => package.vendor = Some(name.replace('_', " ")),
            _ => panic!("unknown word `{word}`"),
        }
    }
    package
}

fn inventory(os: Option<Os>, packages: &[&str]) -> Inventory {
    Inventory { os, packages: packages.iter().map(|text| package(text)).collect(), ..Inventory::default() }
}

/// Returns the release a test is about; languages need none.
fn release(text: &str) -> Option<Os> {
    let (id, version) = text.split_once(' ')?;
    Some(os(id, version))
}

fn findings(os: &str, packages: &[&str], database: &Database) -> Vec<Finding> {
    match_inventory(&inventory(release(os), packages), database).unwrap().findings
}

/// Writes a finding as `CVE-1 of 0: fixed 1.2`, where 0 is the package's place.
fn line(finding: &Finding) -> String {
    let fix = format!("{} {}", finding.fix.name(), finding.fixed_versions.join(" "));
    format!("{} of {}: {}", finding.rule, finding.package.unwrap(), fix.trim_end())
}

/// Checks what is found in packages of a release.
#[track_caller]
fn check(os: &str, packages: &[&str], feeds: &[(&str, Vec<Say>)], want: &[&str]) {
    let lines: Vec<String> = findings(os, packages, &database(feeds)).iter().map(line).collect();
    assert_eq!(lines, want);
}

/// Checks one package against one statement: `want` is empty, or what the finding says about a fix.
#[track_caller]
fn one(os: &str, package: &str, (ecosystem, name, specification): (&str, &str, &str), want: &str) {
    let advisories = vec![say("CVE-2020-1").affects(ecosystem, name, specification)];
    let found = findings(os, &[package], &database(&[("feed", advisories)]));
    let lines: Vec<String> = found.iter().map(line).collect();
    let want: Vec<String> =
        (!want.is_empty()).then(|| format!("CVE-2020-1 of 0: {want}")).into_iter().collect();
    assert_eq!(lines, want, "{package} and {name} {specification}");
}

fn ecosystem(text: &str) -> Ecosystem {
    text.parse().unwrap()
}
