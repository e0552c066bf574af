//! Travel in time: after the database changed, judging again what changed gives what judging everything gives, and says why.

use crate::{BUILT, Say, database, inventory, line, release, say};
use assay_advisories::database::{Changes, changed_between};
use assay_advisories::{BuildOptions, Database, build_bytes};
use assay_decode::zip::Zip;
use assay_match::{FindingChange, Matched, Rematched, match_inventory, rematch};
use assay_model::{Inventory, Package, PackageKind, Severity};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

/// Goes from one database to another in both ways and returns the delta, which must be the whole.
#[track_caller]
fn travel(inventory: &Inventory, old: &Database, new: &Database) -> Rematched {
    let changes = changed_between(old, new).unwrap();
    let before = match_inventory(inventory, old).unwrap();
    let full = match_inventory(inventory, new).unwrap();
    let delta = rematch(inventory, &before.findings, &changes, new).unwrap();
    assert_eq!(delta.matched, full, "{changes:#?}");
    assert_eq!(
        replayed(&before, &delta.changes),
        full.findings,
        "the changes do not lead from one to the other"
    );
    delta
}

/// Applies the changes to the findings before: what is said to have changed is all that did.
fn replayed(before: &Matched, changes: &[FindingChange]) -> Vec<assay_model::Finding> {
    let same = |finding: &assay_model::Finding, change: &FindingChange| {
        (finding.package, &finding.id) == (change.finding.package, &change.finding.id)
    };
    let mut findings: Vec<_> = before
        .findings
        .iter()
        .filter(|finding| !changes.iter().any(|change| same(finding, change)))
        .cloned()
        .collect();
    findings.extend(
        changes
            .iter()
            .filter(|change| change.outcome != assay_match::Outcome::Gone)
            .map(|change| change.finding.clone()),
    );
    findings.sort_by(|a, b| {
        let key = |finding: &assay_model::Finding| {
            (
                std::cmp::Reverse(finding.severity),
                finding.kev.is_none(),
                finding.fix,
                finding.rule.clone(),
                finding.package,
            )
        };
        key(a).cmp(&key(b))
    });
    findings
}

/// Writes changes as `Appeared CVE-1 of 0: fixed 2 (advisory added)`.
fn told(delta: &Rematched) -> Vec<String> {
    let one = |change: &FindingChange| {
        let reasons: Vec<String> = change.reasons.iter().map(|reason| reason.what.to_string()).collect();
        format!("{:?} {} ({})", change.outcome, line(&change.finding), reasons.join("; "))
    };
    delta.changes.iter().map(one).collect()
}

/// Checks what is told of one package when one advisory becomes another.
#[track_caller]
fn check(before: &[(&str, Vec<Say>)], after: &[(&str, Vec<Say>)], want: &[&str]) {
    let inventory = inventory(release("debian 12"), &["pypi x 1.5", "deb y 1 source=s@1", "pypi other 1"]);
    let delta = travel(&inventory, &database(before), &database(after));
    assert_eq!(told(&delta), want);
    assert!(delta.judged <= 1, "{} packages were judged for one that changed", delta.judged);
}

fn x(range: &str) -> Vec<(&'static str, Vec<Say>)> {
    vec![(
        "osv",
        vec![say("CVE-2020-1").affects("PyPI", "x", range), say("CVE-2020-9").affects("PyPI", "other", "<2")],
    )]
}

#[test]
fn each_change_names_its_reason() {
    let nothing: Vec<(&str, Vec<Say>)> =
        vec![("osv", vec![say("CVE-2020-9").affects("PyPI", "other", "<2")])];
    check(&nothing, &x("<2"), &["Appeared CVE-2020-1 of 0: fixed 2 (advisory added)"]);
    check(&x("<2"), &nothing, &["Gone CVE-2020-1 of 0: fixed 2 (advisory removed)"]);
    check(&x("<2"), &x("<1.1"), &["Gone CVE-2020-1 of 0: fixed 2 (range edited: < 2 became < 1.1)"]);
    check(&x("<1.1"), &x("<2"), &["Appeared CVE-2020-1 of 0: fixed 2 (range edited: < 1.1 became < 2)"]);
    check(
        &x("all"),
        &x("<2"),
        &["Changed CVE-2020-1 of 0: fixed 2 (range edited: all versions became < 2; fix added: 2)"],
    );
    check(
        &x("all not-fixed"),
        &x("all wont-fix"),
        &["Changed CVE-2020-1 of 0: wont-fix (state of the fix: not fixed became will not be fixed)"],
    );
    check(
        &x("<2 severity:medium"),
        &x("<2 severity:high"),
        &[
            "Changed CVE-2020-1 of 0: fixed 2 (severity raised: medium became high; identifiers, scores or texts changed)",
        ],
    );
    check(&x("<2"), &x("<2"), &[]);
    let mut withdrawn = x("<2");
    withdrawn[0].1[0] = withdrawn[0].1[0].clone().withdrawn();
    check(&x("<2"), &withdrawn, &["Gone CVE-2020-1 of 0: fixed 2 (advisory withdrawn)"]);
}

#[test]
fn a_source_packages_advisory_reaches_its_binaries() {
    let tracker = |range: &str| vec![("tracker", vec![say("CVE-2020-1").affects("Debian:12", "s", range)])];
    check(
        &tracker("all not-fixed source"),
        &tracker("<2 source"),
        &[
            "Changed CVE-2020-1 of 1: fixed 2 (range edited: all versions became < 2; fix added: 2; state of the fix: not fixed became unknown)",
        ],
    );
    check(
        &tracker("all source"),
        &tracker("not-affected source"),
        &[
            "Gone CVE-2020-1 of 1: not-fixed (range edited: all versions became no version; state of the fix: unknown became not affected)",
        ],
    );
}

#[test]
fn a_better_identifier_is_a_change_and_no_new_finding() {
    let before = [("osv", vec![say("GHSA-aaaa").affects("PyPI", "x", "<2")])];
    let after = [("osv", vec![say("GHSA-aaaa").alias("CVE-2020-1").affects("PyPI", "x", "<2")])];
    check(&before, &after, &["Changed CVE-2020-1 of 0: fixed 2 (identity: GHSA-aaaa became CVE-2020-1)"]);
}

#[test]
fn scores_from_elsewhere_reach_the_packages() {
    let with = |score: f64| {
        let mut feeds = x("<2");
        feeds.push(("nvd", vec![say("CVE-2020-1").cvss(score, "nvd")]));
        feeds
    };
    check(
        &with(5.0),
        &with(9.8),
        &[
            "Changed CVE-2020-1 of 0: fixed 2 (severity raised: medium became critical; identifiers, scores or texts changed)",
        ],
    );
}

/// A small world in which everything meets everything: two ecosystems, sources and binaries, several versions of one package.
const PACKAGES: &[&str] = &[
    "pypi a 1",
    "pypi a 2",
    "pypi a 3",
    "pypi b 1",
    "npm a 1.0.0",
    "deb p 1 source=s@1 arch=amd64",
    "deb p 2 source=t@2 arch=amd64",
    "deb q 1 source=s@1",
    "deb s 1",
];
const TARGETS: &[(&str, &str)] =
    &[("PyPI", "a"), ("PyPI", "b"), ("npm", "a"), ("Debian:12", "p"), ("Debian:12", "s"), ("Debian:12", "t")];
const RANGES: &[&str] = &[
    "<2",
    "<3",
    "all",
    ">=2 <4",
    "not-affected",
    "all wont-fix",
    "<2 severity:high",
    "<2 severity:low",
    "=1 =3",
    "<2 | >=3 <4",
];

fn world() -> impl Strategy<Value = Vec<Say>> {
    let statement = (0..TARGETS.len(), 0..RANGES.len());
    let advisory = (0..6_u8, 0..3_u8, any::<bool>(), 0..4_u8, prop::collection::vec(statement, 1..3));
    prop::collection::vec(advisory, 0..8).prop_map(|advisories| {
        advisories
            .into_iter()
            .map(|(number, kind, withdrawn, time, statements)| {
                let mut advisory = match kind {
                    0 => say(&format!("CVE-2020-{number}")),
                    1 => say(&format!("GHSA-{number}")).alias(&format!("CVE-2020-{}", number / 2)),
                    _ => say(&format!("DSA-{number}")).fixes(&[&format!("CVE-2020-{number}"), "CVE-2020-0"]),
                };
                advisory = advisory.published(1_600_000_000 + i64::from(time));
                if withdrawn && number == 0 {
                    advisory = advisory.withdrawn();
                }
                for (target, range) in statements {
                    let (ecosystem, name) = TARGETS[target];
                    // Ranges of the npm world have three numbers.
                    let range = RANGES[range];
                    let range =
                        if ecosystem == "npm" && range.contains(char::is_numeric) { "<2.0.0" } else { range };
                    advisory = advisory.affects(ecosystem, name, range);
                }
                advisory
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn delta_equals_full(before in world(), after in world(), shared in world(), split in 0..3_usize) {
        let feeds = |one: &[Say]| {
            let at = split.min(one.len());
            database(&[("one", [&shared, &one[..at]].concat()), ("two", one[at..].to_vec())])
        };
        let inventory = inventory(release("debian 12"), PACKAGES);
        let (before, after) = (feeds(&before), feeds(&after));
        travel(&inventory, &before, &after);
        travel(&inventory, &after, &before);
        prop_assert_eq!(changed_between(&after, &after).unwrap(), Changes::default());
    }
}

/// Returns real records, every `step`th of an ecosystem's; without the feeds the test says so and stops.
fn records(ecosystem: &str, step: usize) -> Option<Vec<serde_json::Value>> {
    let feeds = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/feeds"));
    if !feeds.is_dir() {
        assert!(option_env!("CI").is_none(), "`{}` is missing", feeds.display());
        println!("skipped: there are no feeds at `{}`", feeds.display());
        return None;
    }
    let bytes = std::fs::read(feeds.join("osv").join(ecosystem).join("all.zip")).unwrap();
    read_zip(&bytes, step)
}

/// Builds a database as a team would from a folder of OSV files.
fn built(folder: &Path, records: &[serde_json::Value]) -> Database {
    let folder = folder.join("advisories");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    for record in records {
        std::fs::write(folder.join(format!("{}.json", record["id"].as_str().unwrap())), record.to_string())
            .unwrap();
    }
    let options = BuildOptions { built_at: BUILT, ..BuildOptions::default() };
    Database::from_bytes(build_bytes(&[folder], &options).unwrap().0).unwrap()
}

fn read_zip(bytes: &[u8], step: usize) -> Option<Vec<serde_json::Value>> {
    let source = bytes.to_vec();
    let zip = Zip::open(&source).unwrap();
    let mut entries = zip.entries(|name| name.ends_with(b".json")).unwrap();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let chosen = entries.iter().step_by(step);
    Some(chosen.map(|entry| serde_json::from_slice(&zip.read(entry, 1 << 24).unwrap()).unwrap()).collect())
}

/// Returns a package for each that the records name, at a version that one of them is about.
fn inventory_of(records: &[serde_json::Value], kind: PackageKind, os: &str) -> Inventory {
    let affected = records.iter().flat_map(|record| record["affected"].as_array().into_iter().flatten());
    let mut packages: Vec<Package> = affected
        .filter_map(|affected| {
            let events = affected["ranges"].as_array()?.last()?["events"].as_array()?;
            let introduced = events.iter().rev().find_map(|event| event["introduced"].as_str())?;
            let version = if introduced == "0" { "0.1-1" } else { introduced };
            Some(Package::new(kind, affected["package"]["name"].as_str()?, version))
        })
        .collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    packages.dedup_by(|a, b| (&a.name, &a.version) == (&b.name, &b.version));
    Inventory { os: release(os), packages, ..Inventory::default() }
}

/// Takes some records away and edits others, as an earlier day would have had them.
fn earlier(records: &[serde_json::Value]) -> Vec<serde_json::Value> {
    let mut earlier = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let mut record = record.clone();
        match number % 40 {
            0 => continue,
            10 => record["withdrawn"] = "2023-01-01T00:00:00Z".into(),
            20 => {
                // No fix was known yet.
                let ranges = record["affected"].as_array_mut().into_iter().flatten();
                for range in
                    ranges.flat_map(|affected| affected["ranges"].as_array_mut().into_iter().flatten())
                {
                    if let Some(events) = range["events"].as_array_mut() {
                        events.retain(|event| event.get("fixed").is_none());
                    }
                }
            }
            30 => record["aliases"] = serde_json::json!([]),
            _ => {}
        }
        earlier.push(record);
    }
    earlier
}

#[test]
fn real_feeds_of_two_days() {
    for (ecosystem, step, kind, os) in
        [("PyPI", 10, PackageKind::Python, ""), ("AlmaLinux:9", 10, PackageKind::Rpm, "almalinux 9.3")]
    {
        let Some(records) = records(ecosystem, step) else { return };
        let folder = tempfile::tempdir().unwrap();
        let new = built(folder.path(), &records);
        let old = built(folder.path(), &earlier(&records));
        let inventory = inventory_of(&records, kind, os);
        let delta = travel(&inventory, &old, &new);
        travel(&inventory, &new, &old);
        let (all, judged, changes) = (inventory.packages.len(), delta.judged, delta.changes.len());
        println!("{ecosystem}: {judged} of {all} packages judged anew, {changes} findings changed");
        assert!(changes > 10, "{ecosystem}: only {changes} changes");
        assert!(judged * 2 < all, "{ecosystem}: {judged} of {all} packages were judged for a few edits");
        for change in &delta.changes {
            assert!(!change.reasons.is_empty(), "{} changed for no reason", line(&change.finding));
        }
        let severities: Vec<Severity> = delta.changes.iter().map(|change| change.finding.severity).collect();
        assert!(severities.is_sorted_by(|a, b| a >= b));
    }
}
