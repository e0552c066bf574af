//! The fleet, its packages and the advisories about them: the same for the same number of images.
//!
//! 2,000 services have 300 packages each, half of them of the 600 that every base holds. A build of a service bumps some of them. Of
//! the advisories that change a third says something new about versions that are in use, a third about versions that are not,
//! and a third changes its words only: what a publisher's day looks like.

use crate::{BUILT, DAY, at};
use assay_advisories::sink::{Counts, Record};
use assay_advisories::{Compiler, Database};
use assay_model::report::SourceKind;
use assay_model::{
    Advisory, Affected, Digest, FindingKind, Image, Inventory, Package, PackageKind, Range, Report, Timestamp,
};
use assay_server::index_entries;
use assay_store::{Depth, IndexEntry, Place, Scan, ScanDocuments, Store};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::time::Instant;

/// Packages of one image.
pub(crate) const PACKAGES: usize = 300;
/// Advisories that are others from one day to the next.
pub(crate) const CHANGED: usize = 1000;

/// Packages there are.
const NAMES: u64 = 100_000;
/// Advisories about each.
const ADVISORIES: u64 = 3;
/// Packages that all services share.
const BASE: u64 = 600;
const SERVICES: u64 = 2000;
/// Versions go from 1 to this; images have the later half of them.
const VERSIONS: u64 = 40;

/// Images of one transaction. Of a million rows most fall into a page into which others fall as well.
const TOGETHER: usize = 4000;

/// Numbers that look like chance and are always the same (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

fn name(number: u64) -> String {
    format!("package-{number}")
}

fn advisory(number: u64) -> String {
    format!("CVE-2023-{:06}", number + 1)
}

pub(crate) fn common() -> String {
    name(0)
}

pub(crate) fn rare() -> String {
    name(NAMES - 1)
}

pub(crate) fn common_advisory() -> String {
    // The newest about a package of the base: the one with the highest fix of the first hundred.
    let most = (0..100).max_by_key(|number| fixed(*number)).unwrap();
    advisory(most)
}

pub(crate) fn rare_advisory() -> String {
    let last = NAMES * ADVISORIES;
    let most = (last - 100..last).max_by_key(|number| fixed(*number)).unwrap();
    advisory(most)
}

/// The version that fixes an advisory.
fn fixed(number: u64) -> u64 {
    1 + Chance(number).below(VERSIONS)
}

/// Compiles all advisories as they are on a day: every second day [`CHANGED`] of them are others, and on the next they are back.
pub(crate) fn database(day: i64) -> Database {
    let mut others = BTreeSet::new();
    let mut chance = Chance(7);
    while day % 2 == 1 && others.len() < CHANGED {
        others.insert(chance.below(NAMES * ADVISORIES));
    }
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("osv", "CC0-1.0");
    compiler.record(feed, Record::Covers("PyPI".parse().unwrap()));
    for number in 0..NAMES * ADVISORIES {
        let mut until = fixed(number);
        let mut summary = "something is wrong";
        if others.contains(&number) {
            match number % 3 {
                0 => until = VERSIONS / 2 + until / 2,
                1 => until = 1 + until % (VERSIONS / 4),
                _ => summary = "something is wrong with it",
            }
        }
        let mut affected = Affected::new("PyPI".parse().unwrap(), &name(number / ADVISORIES));
        affected.ranges = vec![Range::until_fixed(until.to_string())];
        let advisory = Advisory {
            id: advisory(number),
            affected: vec![affected],
            title: summary.to_owned(),
            severity: Some(assay_model::Severity::High),
            published: Some(Timestamp(BUILT - 86_400)),
            ..Advisory::default()
        };
        compiler.record(feed, Record::Advisory(Box::new(advisory)));
    }
    let built = Timestamp(BUILT + day * DAY);
    let counts = Counts { used: NAMES * ADVISORIES, data_time: Some(built), ..Counts::default() };
    compiler.count(feed, counts);
    Database::from_bytes(compiler.finish(built).unwrap()).unwrap()
}

/// Returns what the nth image holds.
fn inventory(number: u64) -> Inventory {
    let (service, build) = (number % SERVICES, number / SERVICES);
    let mut chosen = BTreeSet::new();
    let mut chance = Chance(service * 1_000_003);
    while chosen.len() < PACKAGES / 2 {
        chosen.insert(chance.below(BASE));
    }
    while chosen.len() < PACKAGES {
        // Few are in many images, and many in few.
        let spread = chance.below(NAMES - BASE);
        chosen.insert(BASE + spread * chance.below(1000) / 1000);
    }
    let mut packages: Vec<Package> = chosen
        .into_iter()
        .map(|package| {
            let first = Chance(package ^ (service << 20)).below(VERSIONS / 2);
            // Every eighth build takes a newer version.
            let version = VERSIONS / 2 + (first + (build + package) / 8) % (VERSIONS / 2);
            Package::new(PackageKind::Python, name(package), version.to_string())
        })
        .collect();
    packages.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
    Inventory { packages, ..Inventory::default() }
}

fn digest(number: u64) -> Digest {
    Digest::Sha256(Sha256::digest(number.to_le_bytes()).into())
}

/// A scan that is to be stored.
struct Made {
    digest: Digest,
    report: Report,
    json: Vec<u8>,
    index: Vec<IndexEntry>,
    documents: ScanDocuments,
}

/// Returns the digests of all images.
pub(crate) fn digests(images: u32) -> Vec<Digest> {
    (0..u64::from(images)).map(digest).collect()
}

/// Stores a scan of each image from a number on, by the statements by which workers do. They write one in each transaction; here very
/// many are in one, and scans are made beside the writing.
pub(crate) async fn fill(store: &Store, numbers: std::ops::Range<u32>, database: &Database, day: i64) {
    let makers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut threads, mut made) = (Vec::new(), Vec::new());
    for first in 0..makers {
        let (send, receive) = tokio::sync::mpsc::channel::<Made>(16);
        let database = Database::from_bytes(database.bytes().to_vec()).unwrap();
        let (store, runtime) = (store.clone(), tokio::runtime::Handle::current());
        let numbers = numbers.clone().skip(first).step_by(makers);
        threads.push(std::thread::spawn(move || {
            for number in numbers {
                let one = runtime.block_on(make(&store, u64::from(number), &database));
                if send.blocking_send(one).is_err() {
                    break;
                }
            }
        }));
        made.push(receive);
    }
    let mut work = store.begin().await.unwrap();
    let begun = Instant::now();
    for (done, number) in numbers.enumerate() {
        let one = made[done % makers].recv().await.unwrap();
        let (service, build) = (u64::from(number) % SERVICES, u64::from(number) / SERVICES);
        let place = Place {
            registry: "registry.example".to_owned(),
            repository: format!("team-{}/service-{service}", service % 50),
            tag: Some(format!("v{build}")),
        };
        let now = at(day * DAY);
        work.see(&one.digest, &place, now).await.unwrap();
        let scan = Scan {
            digest: &one.digest,
            depth: Depth::Fast,
            report: &one.report,
            json: &one.json,
            index: &one.index,
        };
        work.save_scan_with(&scan, &one.documents, now).await.unwrap();
        if (done + 1) % TOGETHER == 0 {
            work.commit().await.unwrap();
            eprintln!("{} images after {:.0} s", number + 1, begun.elapsed().as_secs_f64());
            work = store.begin().await.unwrap();
        }
    }
    work.commit().await.unwrap();
    for thread in threads {
        thread.join().unwrap();
    }
}

async fn make(store: &Store, number: u64, database: &Database) -> Made {
    let digest = digest(number);
    let report = report(&digest, inventory(number), database);
    let mut json = Vec::new();
    let format = assay_report::format::by_name("json").unwrap();
    format.write(&report, &assay_report::Options::default(), &mut json).unwrap();
    let index = index_entries(&report.inventory);
    let scan = Scan { digest: &digest, depth: Depth::Fast, report: &report, json: &json, index: &index };
    let documents = store.scan_documents(&scan).await.unwrap();
    Made { digest, report, json, index, documents }
}

fn report(digest: &Digest, inventory: Inventory, database: &Database) -> Report {
    let image = Image { manifest_digest: Some(*digest), ..Image::default() };
    let options = assay_detect::Options { kinds: vec![FindingKind::Vulnerability], ..Default::default() };
    let statements = assay_model::context::Statements::default();
    assay_engine::assess(SourceKind::Registry, image, inventory, database, false, &statements, &options)
        .unwrap()
}
