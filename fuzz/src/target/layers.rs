//! The whole pass: a layer, compressed or not, laid over one that is in order, and what all analyzers make of it.

use super::{choice, chosen};
use crate::{Target, seed};
use assay_analyze::{
    LayerAnalysis, Limits, Lockfiles, Matcher, Squashed, analyze_layer, resolve_links, squash,
};
use std::sync::OnceLock;

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new("layer", seeds, layer)]
}

fn matcher() -> &'static Matcher<'static> {
    static MATCHER: OnceLock<Matcher<'static>> = OnceLock::new();
    MATCHER.get_or_init(|| Matcher::new(assay_engine::analyzers(&assay_model::FindingKind::ALL)))
}

fn limits() -> Limits {
    Limits { bytes_per_layer: 16 << 20, entries_per_layer: 50_000, ..Limits::new(std::env::temp_dir()) }
}

/// Returns the analysis of a layer with every sample in it.
fn base() -> &'static LayerAnalysis {
    static BASE: OnceLock<LayerAnalysis> = OnceLock::new();
    BASE.get_or_init(|| {
        let tar = seed::layer(&seed::package_files());
        analyze_layer(tar.as_slice(), None, matcher(), &limits()).expect("it is in memory").0
    })
}

fn layer(data: &[u8]) -> Squashed {
    let (flags, data) = choice(data);
    let fixed = if flags & 1 == 1 { seed::with_checksums(data) } else { data.to_vec() };
    let Ok((mut analysis, links)) = analyze_layer(fixed.as_slice(), None, matcher(), &limits()) else {
        return Squashed::default();
    };
    let _ = resolve_links(fixed.as_slice(), &links, &mut analysis, matcher(), &limits());
    let layers = match flags & 6 {
        0 => vec![analysis],
        2 => vec![base().clone(), analysis],
        4 => vec![analysis, base().clone()],
        _ => vec![analysis.clone(), base().clone(), analysis],
    };
    let squashed = squash(layers, true, Lockfiles::WhenNothingInstalled, matcher());
    let inventory = &squashed.inventory;
    for package in &inventory.packages {
        for depended in &package.depends_on {
            assert!((*depended as usize) < inventory.packages.len(), "a dependency on no package");
        }
    }
    for warning in &inventory.warnings {
        // The pass turns a panic of an analyzer into a warning; here it is what is looked for.
        assert_ne!(warning.code, "analyzer-failed", "{warning:?}");
    }
    squashed
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = seed::tars().iter().map(|tar| chosen(3, tar)).collect();
    for file in seed::package_files() {
        let tar = seed::layer(&[file]);
        if tar.len() < 20_000 {
            seeds.push(chosen(1, &tar));
        }
    }
    let small = seed::layer(&[("etc/os-release".to_owned(), b"ID=alpine\nVERSION_ID=3.20.1\n".to_vec())]);
    seeds.push(chosen(2, &seed::gzip(&small)));
    seeds.push(chosen(4, &seed::zstd(&small)));
    seeds
}
