//! Layers built in code go through the pass and are laid over each other; what comes out is compared as text.
//!
//! The analyzers are the tests' own, so that nothing here depends on a real package format: files ending in `.list` hold
//! lines such as `deb openssl 3.0`, and any file that starts with `MAGIC ` is a package named after the rest.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod attribution;
mod layers;
mod links;
mod pass;

use assay_analyze::pass::UnresolvedLinks;
use assay_analyze::{
    AnalyzeLayerError, Analyzer, AnalyzerId, Fact, File, LayerAnalysis, Limits, Lockfiles, Matcher, Select,
    Sink, analyze_layer, resolve_links, squash,
};
use assay_model::{DiffId, Inventory, Origin, Os, Package, PackageKind};
use assay_test::image::Tree;

/// Reads files of lines, each of which is one fact.
struct Lines;

impl Analyzer for Lines {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "lines", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".list")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        for line in text.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["owns", name, paths @ ..] => out.owned_files("dpkg", *name, paths.iter().copied().collect()),
                ["os", id, rank] => out.fact(Fact::Os {
                    os: Box::new(Os { id: (*id).to_owned(), ..Os::default() }),
                    rank: rank.parse().unwrap(),
                }),
                ["licence", name, licence] => out.fact(Fact::Licenses {
                    manager: "dpkg".into(),
                    package: (*name).to_owned(),
                    licenses: vec![(*licence).to_owned()],
                }),
                ["damaged"] => out.warn("damaged-list", "a line is damaged"),
                ["odd"] => out.notice("odd-list", "a line is odd"),
                ["panic"] => panic!("a bug of the analyzer"),
                [kind, name, version, more @ ..] => out.package(package(kind, name, version, more)),
                _ => {}
            }
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::Python,
            |package| vec![package.name.clone()],
            // The folder in which a package lies is what it can see.
            |package| assay_model::path::parent(&package.locations[0].path).to_owned(),
            str::to_owned,
        );
    }
}

fn package(kind: &str, name: &str, version: &str, more: &[&str]) -> Package {
    let kind = PackageKind::ALL.into_iter().find(|known| known.purl_type() == kind).unwrap();
    let mut package = Package::new(kind, name, version);
    for word in more {
        match word.split_once('=') {
            Some(("needs", names)) => package.requires = names.split(',').map(str::to_owned).collect(),
            Some(("arch", name)) => package.architecture = Some(name.to_owned()),
            _ if *word == "declared" => package.origin = Origin::Declared,
            _ => panic!("unknown word `{word}`"),
        }
    }
    package
}

/// Sees any file by its first bytes.
struct Magic;

impl Analyzer for Magic {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "magic", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Magic(b"MAGIC ")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        out.package(Package::new(PackageKind::Generic, text.trim_start_matches("MAGIC ").trim(), "1"));
    }
}

fn matcher() -> Matcher<'static> {
    Matcher::new([&Lines as &dyn Analyzer, &Magic])
}

fn limits() -> Limits {
    Limits::new(std::env::temp_dir())
}

/// Analyses a layer's stored bytes.
fn analyze(blob: &[u8], limits: &Limits) -> Result<(LayerAnalysis, UnresolvedLinks), AnalyzeLayerError> {
    analyze_layer(blob, None, &matcher(), limits)
}

/// Analyses a layer whole, the second reading for hard links included.
fn layer(tar: &[u8]) -> LayerAnalysis {
    let (mut analysis, links) = analyze(tar, &limits()).unwrap();
    if !links.is_empty() {
        resolve_links(tar, &links, &mut analysis, &matcher(), &limits()).unwrap();
    }
    analysis
}

fn inventory(layers: impl IntoIterator<Item = Tree>) -> Inventory {
    let layers = layers.into_iter().map(|tree| layer(&tree.tar())).collect();
    squash(layers, true, Lockfiles::WhenNothingInstalled, &matcher()).inventory
}

/// Writes an inventory as one line for each package and warning.
fn lines(inventory: &Inventory) -> Vec<String> {
    let mut lines = Vec::new();
    for package in &inventory.packages {
        let places: Vec<String> = package
            .locations
            .iter()
            .map(|location| match location.layer {
                Some(layer) => format!("{layer}:{}", location.path),
                None => location.path.clone(),
            })
            .collect();
        let mut line = format!(
            "{} {} {} @ {}",
            package.kind.purl_type(),
            package.name,
            package.version,
            places.join(" ")
        );
        for dependency in &package.depends_on {
            let dependency = &inventory.packages[*dependency as usize];
            line.push_str(&format!(" -> {} {}", dependency.name, dependency.version));
        }
        for purl in &package.contains {
            line.push_str(&format!(" contains {purl}"));
        }
        lines.push(line);
    }
    lines.extend(inventory.warnings.iter().map(|warning| format!("{}: {warning}", warning.code)));
    lines
}

/// Checks what is visible of an image, whose layers come base first.
#[track_caller]
fn check(layers: impl IntoIterator<Item = Tree>, want: &[&str]) {
    assert_eq!(lines(&inventory(layers)), want);
}

fn diff_id(tar: &[u8]) -> DiffId {
    assay_test::image::digest(tar).parse().map(DiffId).unwrap()
}
