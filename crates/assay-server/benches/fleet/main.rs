//! A fleet of generated images: how long it takes to store it, to say where something is, to answer admission, and to match it again.
//!
//! `cargo bench -p assay-server --bench fleet -- --images 100000 [--database postgres://…]` prints one line per figure of the
//! specification's section 9 that is about the server, and how the data was made. Without `--database` it is SQLite in the folder
//! for temporary files, or in that of `--keep FOLDER`. Load is made in the same process, so that it takes its share of the same cores.
//!
//! What is stored already is used again, and continued where it ended: so a fleet can be stored once, and measured when nothing else runs
//! (`--only blast-radius`, `admission`, `re-match` or `store`, several times if need be). A re-match goes from one day's advisories to the
//! next day's; the day stands in the reports.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::disallowed_methods,
    reason = "a benchmark reports, and stops when it cannot"
)]

mod generate;
mod load;
mod server;

use crate::server::Running;
use assay_server::rematch_all;
use assay_store::{Address, Moment, Store};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The day on which the first database was built, and the time to the next.
const BUILT: i64 = 1_700_000_000;
const DAY: i64 = 86_400;
/// Mebibytes of the file that are kept in memory while the fleet is stored.
const CACHE: u32 = 1024;
/// What can be asked for.
const PARTS: [&str; 4] = ["store", "blast-radius", "admission", "re-match"];

/// What is to be measured.
struct Wanted {
    images: u32,
    address: Address,
    rate: u32,
    seconds: u32,
    parts: Vec<String>,
}

fn main() {
    let mut images = 10_000_u32;
    let (mut address, mut keep) = (None, None);
    let (mut rate, mut seconds) = (1000_u32, 20_u32);
    let mut parts = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--images" => images = arguments.next().unwrap().parse().unwrap(),
            "--database" => address = Some(arguments.next().unwrap().parse::<Address>().unwrap()),
            "--keep" => keep = Some(PathBuf::from(arguments.next().unwrap())),
            "--rate" => rate = arguments.next().unwrap().parse().unwrap(),
            "--seconds" => seconds = arguments.next().unwrap().parse().unwrap(),
            "--only" => parts.push(arguments.next().unwrap()),
            // What cargo adds.
            "--bench" => {}
            other => panic!("unknown argument `{other}`"),
        }
    }
    if let Some(other) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        panic!("`{other}` is none of {}", PARTS.join(", "));
    }
    if parts.is_empty() {
        parts.extend(PARTS.map(str::to_owned));
    }
    let folder = tempfile::tempdir().unwrap();
    let kept =
        keep.as_deref().map_or_else(|| folder.path().to_owned(), |keep| std::path::absolute(keep).unwrap());
    std::fs::create_dir_all(&kept).unwrap();
    let address = address.unwrap_or_else(|| Address::File(kept.join("fleet.db")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(&Wanted { images, address, rate, seconds, parts }, folder.path()));
}

async fn run(wanted: &Wanted, folder: &Path) {
    let Wanted { images, address, rate, seconds, parts } = wanted;
    let is_wanted = |part: &str| parts.iter().any(|one| one == part);
    println!("database: {address}; {images} images of {} packages", generate::PACKAGES);
    let digests = generate::digests(*images);
    let day = stored(wanted, &digests).await;
    let store = Store::open(address).await.unwrap();
    let needed = parts.iter().any(|part| part != "store");
    let Some(old) = needed.then(|| generate::database(day)) else { return store.close().await };
    if is_wanted("blast-radius") || is_wanted("admission") {
        // Those of an earlier run.
        store.forget_expired_verdicts(Moment(i64::MAX)).await.unwrap();
        let server = server::start(store.clone(), &old, day, folder).await;
        if is_wanted("blast-radius") {
            blast_radius(&store, &server).await;
        }
        if is_wanted("admission") {
            println!("admission, stored verdicts: {}", load::warm(&server, &digests, *rate, *seconds).await);
            println!("admission, one in five new: {}", load::mixed(&server, &digests, *rate, *seconds).await);
            println!("admission, images nobody knows: {}", load::cold(&server, *rate / 10, 5).await);
        }
        server.stop();
    }
    if is_wanted("re-match") {
        let new = generate::database(day + 1);
        let begun = Instant::now();
        let done = rematch_all(&store, &old, (&new, false), at((day + 1) * DAY)).await.unwrap();
        println!(
            "re-match after {} advisories changed: {:.1} s; {} images hold one of {} packages, {} have other findings, {} only hold on",
            generate::CHANGED,
            begun.elapsed().as_secs_f64(),
            done.affected.len(),
            done.packages,
            done.changed.len(),
            done.advanced
        );
    }
    store.close().await;
}

/// Stores what is not stored yet; returns the day by whose advisories all of it was judged.
async fn stored(wanted: &Wanted, digests: &[assay_model::Digest]) -> i64 {
    let store = Store::open_to_load(&wanted.address, CACHE).await.unwrap();
    let newest = match digests.first() {
        Some(first) => store.report_status(first).await.unwrap(),
        None => None,
    };
    let day = newest.map_or(0, |status| (status.database.0 / 1000 - BUILT) / DAY);
    let there = store.reports_of(at(day * DAY)).await.unwrap().len();
    let known = usize::try_from(store.image_count().await.unwrap()).unwrap();
    assert!(
        there == known && there <= digests.len(),
        "{known} images are there, {there} of them judged by one database: store them anew"
    );
    let there = u32::try_from(there).unwrap();
    if there < wanted.images {
        let database = generate::database(day);
        let begun = Instant::now();
        generate::fill(&store, there..wanted.images, &database, day).await;
        let (count, took) = (wanted.images - there, begun.elapsed().as_secs_f64());
        println!("stored: {:.0} images/s ({count} in {took:.0} s)", f64::from(count) / took);
    }
    store.close().await;
    day
}

/// Asks where the most and the least spread of things are: for the most images that a page may have, the store alone and over TLS with all
/// that the API says of them, and for as many as the API says if nobody asks for more.
async fn blast_radius(store: &Store, server: &Running) {
    let token = server.token().await;
    let rare = generate::rare();
    for (what, asked, name) in [
        ("a package that is everywhere", "package", generate::common()),
        ("a rare package", "package", rare),
        ("a vulnerability that is everywhere", "advisory", generate::common_advisory()),
        ("a rare one", "advisory", generate::rare_advisory()),
    ] {
        let times = repeat(async || {
            let hits = match asked {
                "package" => store.images_containing(None, &name, 0, 1000).await,
                _ => store.images_affected(&name, 0, 1000).await,
            };
            hits.unwrap().len()
        });
        println!("blast radius of {what}, 1000 images, store alone: {}", times.await);
        let connection = tokio::sync::Mutex::new(load::connect(server).await.unwrap());
        for limit in [1000, 100] {
            let path = format!("/api/v1/blast-radius?{asked}={name}&limit={limit}");
            let times = repeat(async || {
                let answer = load::get(&mut *connection.lock().await, &path, &token).await.unwrap();
                answer.matches("\"fixedIn\"").count()
            });
            println!("blast radius of {what}, {limit} images, API: {}", times.await);
        }
    }
}

async fn repeat(ask: impl AsyncFn() -> usize) -> String {
    let mut times = Vec::new();
    let mut hits = 0;
    for _ in 0..30 {
        let begun = Instant::now();
        hits = ask().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    format!("{} (30 times; {hits} hits)", quantiles(&times))
}

/// Puts sorted durations into words.
fn quantiles(times: &[Duration]) -> String {
    let at = |hundredths: usize| times[(times.len() - 1) * hundredths / 100].as_secs_f64() * 1000.0;
    format!("median {:.2} ms, p99 {:.2} ms, most {:.2} ms", at(50), at(99), at(100))
}

/// Returns a moment so many seconds after the first database.
fn at(seconds: i64) -> Moment {
    Moment((BUILT + seconds) * 1000)
}
