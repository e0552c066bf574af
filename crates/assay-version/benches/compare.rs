//! Comparing versions: each scheme over the same texts, all pairs.
//!
//! `cargo bench -p assay-version` times all of them; with a scheme's name and a number of rounds only that runs, untimed, for
//! `cargo xtask bench --instructions`.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark reports, and stops when it cannot")]

use assay_model::Scheme;
use std::hint::black_box;
use std::time::Instant;

const VERSIONS: &[&str] = &[
    "0",
    "1",
    "1.0",
    "1.0.0",
    "1.0.1",
    "1.2.3-rc.1",
    "1.2.3",
    "1.2.3.4",
    "2:1.18.3-6+deb11u2",
    "3.0.15-1~deb12u1",
    "5.10.0-0.bpo.9",
    "1.36.1-r29",
    "20240101",
    "2.15.0-beta9",
    "1.0.0.Final",
    "v1.4.0",
    "0.0.0-20230102150405-abcdef123456",
    "4.18.0-513.el8",
    "1.1.1k-9.el8_7",
    "10.0.0+build.5",
    "1!2.0.post1",
    "1.0a1.dev3",
    "9e",
    "6.4+20221231-1",
];

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let only = arguments.next();
    let rounds: Option<u32> = arguments.next().and_then(|text| text.parse().ok());
    let schemes = [
        ("deb", Scheme::Deb),
        ("rpm", Scheme::Rpm),
        ("apk", Scheme::Apk),
        ("npm", Scheme::Npm),
        ("pep440", Scheme::Pep440),
        ("maven", Scheme::Maven),
    ];
    for (name, scheme) in schemes {
        let all = || {
            for a in VERSIONS {
                for b in VERSIONS {
                    black_box(assay_version::compare(scheme, black_box(a), black_box(b)).ok());
                }
            }
        };
        match (&only, rounds) {
            (Some(only), _) if only != name => {}
            (Some(_), Some(rounds)) => (0..rounds * 50).for_each(|_| all()),
            _ => {
                let start = Instant::now();
                (0..200).for_each(|_| all());
                let each = start.elapsed() / 200 / u32::try_from(VERSIONS.len().pow(2)).unwrap();
                println!("{name:8} {each:?} for one comparison");
            }
        }
    }
}
