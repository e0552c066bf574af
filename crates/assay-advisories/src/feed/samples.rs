//! Test helpers: reads the real samples of the shared feeds, and asks what their records say about a package.
//!
//! The samples are not part of the repository. Without them the tests print a skip; with `CI` set they must be there.

use crate::feed::Feed;
use crate::sink::{Counts, Record, collect};
use assay_model::advisory::{Advisory, Affected, Fix, RangeEnd};
use assay_version::{End, Interval, compare, contains};
use std::fs::File;
use std::path::{Path, PathBuf};

/// What the records say about a version of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Affected, with a fix or without word of one.
    Affected,
    /// Affected, no fix yet.
    NotFixed,
    /// Affected, no fix will come.
    WontFix,
    /// Affected, out of support.
    EndOfLife,
    /// The vendor says it is not affected.
    NotAffected,
    /// Spoken about, but this version lies outside of the affected ones.
    Outside,
    /// Not spoken about.
    Silent,
}

/// Returns the folder of feeds, or prints that the test is skipped.
pub(crate) fn feeds() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/feeds");
    #[expect(clippy::disallowed_methods, reason = "tests may be pointed at another copy of the feeds")]
    let folder = std::env::var_os("ASSAY_FEEDS").map_or(shared, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    #[expect(clippy::disallowed_methods, reason = "on the build machine the feeds must be there")]
    let required = std::env::var_os("CI").is_some();
    assert!(!required, "no feeds at {}", folder.display());
    eprintln!("skipped: no feeds at {}", folder.display());
    None
}

/// Reads every file under `samples/<folder>` (or under the feeds' `/<folder>` when it starts with a slash) whose name ends with `suffix`
/// and which the feed recognises, as `assay db build` does.
pub(crate) fn read(feed: &dyn Feed, folder: &str, suffix: &str) -> Option<(Vec<Record>, Counts)> {
    let feeds = feeds()?;
    let root = match folder.strip_prefix('/') {
        Some(folder) => feeds.join(folder),
        None => feeds.join("samples").join(folder),
    };
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    let mut all = (Vec::new(), Counts::default());
    for path in files {
        let name = path.file_name()?.to_string_lossy().into_owned();
        if !name.ends_with(suffix) {
            continue;
        }
        let open = || -> Box<dyn std::io::Read + Send> {
            match assay_decode::decompress(File::open(&path).unwrap()) {
                Ok((_, plain)) => plain,
                Err(_) => Box::new(File::open(&path).unwrap()),
            }
        };
        let mut start = Vec::new();
        std::io::Read::read_to_end(&mut std::io::Read::take(open(), 4096), &mut start).unwrap();
        if !feed.recognise(&name, &start) {
            continue;
        }
        let (records, counts) = collect(feed, &path.to_string_lossy(), open());
        all.0.extend(records);
        all.1.add(counts);
    }
    assert!(!all.0.is_empty() || all.1.records() > 0, "nothing of {} in {}", feed.id(), root.display());
    Some(all)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, files) } else { files.push(path) }
    }
}

fn advisories(records: &[Record]) -> impl Iterator<Item = &Advisory> {
    records.iter().filter_map(|record| match record {
        Record::Advisory(advisory) => Some(&**advisory),
        _ => None,
    })
}

/// Returns the first advisory with this identifier.
#[track_caller]
pub(crate) fn advisory<'r>(records: &'r [Record], id: &str) -> &'r Advisory {
    advisories(records).find(|advisory| advisory.id == id).unwrap_or_else(|| panic!("no {id}"))
}

/// Returns what advisories with this identifier, or fixing it, say about a package.
pub(crate) fn affected<'r>(
    records: &'r [Record],
    id: &str,
    ecosystem: &str,
    package: &str,
) -> Vec<&'r Affected> {
    advisories(records)
        .filter(|advisory| {
            advisory.id == id || advisory.fixes.iter().chain(&advisory.aliases).any(|fix| fix == id)
        })
        .flat_map(|advisory| &advisory.affected)
        .filter(|affected| affected.ecosystem.to_string() == ecosystem && affected.package == package)
        .collect()
}

/// Asserts what the records say about `release/package` (or `package` of a rolling distribution) in a version.
#[track_caller]
pub(crate) fn check(records: &[Record], id: &str, distro: &str, package: &str, version: &str, want: State) {
    let (ecosystem, package) = match package.split_once('/') {
        Some((release, package)) => (format!("{distro}:{release}"), package),
        None => (distro.to_owned(), package),
    };
    let statements = affected(records, id, &ecosystem, package);
    assert_eq!(state(&statements, version), want, "{id} {ecosystem} {package} {version}: {statements:#?}");
}

fn state(statements: &[&Affected], version: &str) -> State {
    if statements.is_empty() {
        return State::Silent;
    }
    let hit = statements.iter().find(|statement| {
        let scheme = statement.ecosystem.scheme();
        statement.fix != Fix::NotAffected
            && (statement
                .versions
                .iter()
                .any(|listed| compare(scheme, listed, version).is_ok_and(std::cmp::Ordering::is_eq))
                || statement.ranges.iter().any(|range| {
                    let end = match &range.end {
                        RangeEnd::Open => End::Open,
                        RangeEnd::Fixed(end) | RangeEnd::Limit(end) => End::Fixed(end),
                        RangeEnd::LastAffected(end) => End::LastAffected(end),
                    };
                    contains(scheme, &Interval { introduced: range.introduced.as_deref(), end }, version)
                        .unwrap()
                }))
    });
    match hit.map(|statement| statement.fix) {
        Some(Fix::Unknown) => State::Affected,
        Some(Fix::NotFixed) => State::NotFixed,
        Some(Fix::WontFix) => State::WontFix,
        Some(Fix::EndOfLife) => State::EndOfLife,
        _ if statements.iter().any(|statement| statement.fix == Fix::NotAffected) => State::NotAffected,
        _ => State::Outside,
    }
}

#[test]
fn a_build_finds_each_vendors_samples() {
    let Some(feeds) = feeds() else { return };
    for (vendor, wanted) in [
        ("redhat", &["redhat-csaf-vex"][..]),
        ("ubuntu", &["ubuntu-vex", "ubuntu-tracker"]),
        ("amazon", &["amazon"]),
        ("rocky", &["rocky"]),
        ("oracle", &["oracle"]),
        ("suse", &["suse-oval", "suse-cvrf"]),
        ("photon", &["photon"]),
        ("azure-linux", &["azure-linux"]),
        ("arch", &["arch"]),
        ("bottlerocket", &["bottlerocket"]),
        ("fedora", &["fedora"]),
        ("nvd", &["nvd"]),
        ("cve5", &["cve-records"]),
        ("exploitdb", &["exploitdb"]),
    ] {
        let (_, summary) =
            crate::build::build_bytes(&[feeds.join("samples").join(vendor)], &Default::default()).unwrap();
        for id in wanted {
            let found = summary.feeds.iter().any(|(feed, _, counts)| feed == id && counts.used > 0);
            assert!(found, "{vendor}: {id} in {:#?}", summary.log());
        }
    }
}

#[test]
fn damaged_samples_do_no_harm() {
    let Some(feeds) = feeds() else { return };
    let mut files = Vec::new();
    walk(&feeds.join("samples"), &mut files);
    files.sort();
    let mut read = 0;
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        // Small files have every kind of field; the large ones only more of them.
        let Ok((_, mut plain)) = assay_decode::decompress(bytes.as_slice()) else { continue };
        let mut plain_bytes = Vec::new();
        if bytes.len() > 60_000 || std::io::Read::read_to_end(&mut plain, &mut plain_bytes).is_err() {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let start = &plain_bytes[..plain_bytes.len().min(4096)];
        let Some(&feed) = crate::feed::FEEDS.iter().find(|feed| feed.recognise(&name, start)) else {
            continue;
        };
        for part in 0..16 {
            let cut = &plain_bytes[..plain_bytes.len() * part / 16];
            collect(feed, &name, cut);
            let mut flipped = plain_bytes.clone();
            let at = plain_bytes.len() * part / 16;
            flipped[at] ^= 0x20 + u8::try_from(part).unwrap();
            collect(feed, &name, flipped.as_slice());
        }
        read += 1;
    }
    assert!(read > 50, "only {read} samples were recognised");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn every_feed_is_total(bytes: Vec<u8>, text in "(\\{|\\[|\"[a-z_]{0,9}\":?|,|\\]|\\}|<[a-z]{1,9}>|</[a-z]{1,9}>|BZh9|[0-9.:-]{0,6}){0,24}") {
            for feed in crate::feed::FEEDS {
                for name in ["a.json", "a.xml", "a.csv", "a", "cve_data_photon3.0.json", "azurelinux-3.0-oval.xml", "jsrepository-v5.json"] {
                    for input in [bytes.as_slice(), text.as_bytes()] {
                        let _ = feed.recognise(name, input);
                        let (_, counts) = collect(*feed, name, input);
                        prop_assert!(counts.first_rejected.len() <= crate::sink::NAMED_REJECTIONS);
                    }
                }
            }
        }
    }
}
