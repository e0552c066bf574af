//! A fleet of generated images: how long it takes to match it again, to say where something is, and to answer admission.
//!
//! `cargo bench -p assay-server --bench fleet -- --images 100000 [--database postgres://…]` prints one line per figure of the
//! specification's section 9 that is about the server, and how the data was made. Without `--database` it is SQLite in the folder
//! for temporary files. Load is made in the same process, so that it takes its share of the same cores.

#![allow(
    clippy::print_stdout,
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

use assay_server::rematch_all;
use assay_store::{Address, Moment, Store};
use std::time::{Duration, Instant};

/// The day on which the first database was built.
const BUILT: i64 = 1_700_000_000;

fn main() {
    let mut images = 10_000_u32;
    let mut address = None;
    let mut rate = 1000_u32;
    let mut seconds = 20_u32;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--images" => images = arguments.next().unwrap().parse().unwrap(),
            "--database" => address = Some(arguments.next().unwrap().parse::<Address>().unwrap()),
            "--rate" => rate = arguments.next().unwrap().parse().unwrap(),
            "--seconds" => seconds = arguments.next().unwrap().parse().unwrap(),
            // What cargo adds.
            "--bench" => {}
            other => panic!("unknown argument `{other}`"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let address = address.unwrap_or_else(|| Address::File(folder.path().join("fleet.db")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(run(images, &address, rate, seconds, folder.path()));
}

async fn run(images: u32, address: &Address, rate: u32, seconds: u32, folder: &std::path::Path) {
    println!("database: {address}; {images} images of {} packages", generate::PACKAGES);
    let store = Store::open(address).await.unwrap();
    let old = generate::database(None);
    let new = generate::database(Some(generate::CHANGED));
    let begun = Instant::now();
    let digests = generate::fill(&store, images, &old).await;
    let took = begun.elapsed();
    println!("stored: {:.0} images/s ({:.0} s)", f64::from(images) / took.as_secs_f64(), took.as_secs_f64());

    blast_radius(&store).await;

    let server = server::start(store.clone(), &old, folder).await;
    let warm = load::run(&server, &digests, rate, 3).await;
    drop(warm);
    println!("admission, stored verdicts: {}", load::run(&server, &digests, rate, seconds).await);
    println!("admission, images nobody knows: {}", load::cold(&server, rate / 10, 5).await);
    server.stop();

    let begun = Instant::now();
    let done = rematch_all(&store, &old, (&new, false), at(3600)).await.unwrap();
    println!(
        "re-match after {} advisories changed: {:.1} s; {} images hold one of {} packages, {} have other findings, {} only hold on",
        generate::CHANGED,
        begun.elapsed().as_secs_f64(),
        done.affected.len(),
        done.packages,
        done.changed.len(),
        done.advanced
    );
    store.close().await;
}

/// Asks where the most and the least spread of things are; the first page, and the whole.
async fn blast_radius(store: &Store) {
    for (what, name) in
        [("a package that is everywhere", generate::common()), ("a rare package", generate::rare())]
    {
        let times = repeat(async || store.images_containing(None, &name, 0, 1000).await.unwrap().len()).await;
        println!("blast radius of {what}: {times}");
    }
    for (what, name) in [
        ("a vulnerability that is everywhere", generate::common_advisory()),
        ("a rare one", generate::rare_advisory()),
    ] {
        let times = repeat(async || store.images_affected(&name, 0, 1000).await.unwrap().len()).await;
        println!("blast radius of {what}: {times}");
    }
}

async fn repeat(ask: impl AsyncFn() -> usize) -> String {
    let mut times = Vec::new();
    let mut hits = 0;
    for _ in 0..50 {
        let begun = Instant::now();
        hits = ask().await;
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    format!("{} (50 times; {hits} hits)", quantiles(&times))
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
