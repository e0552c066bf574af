//! The pipeline over an image made in memory: cold, from the cache, and its last two steps alone.
//!
//! `cargo bench -p assay-engine` times all of them. With a bench's name and a number of rounds only that runs, and nothing is
//! timed: that is how `cargo xtask bench --instructions` counts.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark reports, and stops when it cannot"
)]

use assay_analyze::{LayerAnalysis, Limits, Lockfiles, Squashed, analyze_layer, squash};
use assay_engine::{LayerCache, Progress, Settings, image_inventory};
use assay_model::report::SourceKind;
use assay_model::{DiffId, Digest, Image, Layer, Timestamp};
use assay_oci::{Assurance, OpenImage, ReadLayerError};
use assay_test::image::{Tree, digest, gzip};
use serde_json::json;
use std::hint::black_box;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::time::Instant;

/// An image in memory.
struct Memory {
    image: Image,
    blobs: Vec<Vec<u8>>,
}

impl OpenImage for Memory {
    fn kind(&self) -> SourceKind {
        SourceKind::Oci
    }
    fn image(&self) -> &Image {
        &self.image
    }
    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        Ok(Box::new(Cursor::new(self.blobs[layer].clone())))
    }
    fn assurance(&self, _: usize) -> Assurance {
        Assurance::ByDigest
    }
    fn set_reference(&mut self, _: String) {}
}

/// Makes five layers: a distribution with 300 packages, Python with 200 distributions, Node with 600 packages, and two that
/// replace some of it.
fn image() -> (Memory, Vec<Vec<u8>>) {
    let mut status = String::new();
    let mut base =
        Tree::new().file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n").symlink("lib", "usr/lib");
    for number in 0..300 {
        status.push_str(&format!(
            "Package: lib{number}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{number}-1\nDepends: lib{}\n\n",
            number / 2
        ));
        let files: String = (0..40).map(|file| format!("/usr/share/doc/lib{number}/file{file}\n")).collect();
        base = base
            .file(&format!("var/lib/dpkg/info/lib{number}.list"), files)
            .file(&format!("usr/lib/x86_64-linux-gnu/lib{number}.so.1.0"), vec![7; 3000])
            .symlink(&format!("usr/lib/x86_64-linux-gnu/lib{number}.so.1"), &format!("lib{number}.so.1.0"));
    }
    base = base.file("var/lib/dpkg/status", &status);
    let mut python = Tree::new();
    for number in 0..200 {
        let site = "usr/lib/python3/site-packages";
        python = python.file(
            &format!("{site}/dist{number}-1.{number}.dist-info/METADATA"),
            format!(
                "Metadata-Version: 2.1\nName: dist{number}\nVersion: 1.{number}\nRequires-Dist: dist{}\n",
                number / 3
            ),
        );
        for module in 0..20 {
            let text = format!(
                "import os\nfrom dist{} import part{module}\n\ndef f():\n    return {number}\n",
                number / 2
            );
            python = python.file(&format!("{site}/dist{number}/part{module}.py"), text.repeat(8));
        }
    }
    let mut node = Tree::new();
    for number in 0..600 {
        let folder = format!("srv/app/node_modules/pack{number}");
        node = node.file(
            &format!("{folder}/package.json"),
            json!({"name": format!("pack{number}"), "version": "1.0.0", "main": "index.js"}).to_string(),
        );
        for file in ["index.js", "lib/a.js", "lib/b.js"] {
            let text = format!(
                "const other = require('pack{}');\nmodule.exports = other.value + {number};\n",
                number / 2
            );
            node = node.file(&format!("{folder}/{file}"), text.repeat(20));
        }
    }
    let update = Tree::new()
        .file("var/lib/dpkg/status", status.replace("1.7-1", "1.7-2"))
        .whiteout("srv/app/node_modules/pack1");
    let app = Tree::new().file("srv/app/server.js", "require('pack599');\n").opaque("usr/share/doc");
    let tars: Vec<Vec<u8>> = [base, python, node, update, app].into_iter().map(Tree::tar).collect();
    let mut memory = Memory { image: Image::default(), blobs: tars.iter().map(|tar| gzip(tar)).collect() };
    for (tar, blob) in tars.iter().zip(&memory.blobs) {
        memory.image.layers.push(Layer {
            diff_id: Some(digest(tar).parse::<DiffId>().unwrap()),
            digest: Some(digest(blob).parse::<Digest>().unwrap()),
            size: Some(blob.len() as u64),
            media_type: String::new(),
            annotations: std::collections::BTreeMap::new(),
            created_by: None,
        });
    }
    memory.image.config.command = vec!["node".into(), "/srv/app/server.js".into()];
    (memory, tars)
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let only = arguments.next();
    let rounds: Option<u32> = arguments.next().and_then(|text| text.parse().ok());
    let (image, tars) = image();
    let folder = tempfile::tempdir().unwrap();
    let settings = || Settings::new(Limits::new(std::env::temp_dir()), NonZeroUsize::MIN, &[]);
    let cold = settings();
    let mut warm = settings();
    warm.cache = Some(LayerCache::new(folder.path().to_owned(), 1 << 30, Timestamp(0)));
    let scan = |settings: &Settings<'_>| {
        black_box(image_inventory(&image, &mut image.image.clone(), settings, &Progress::default()).unwrap());
    };
    let layers: Vec<LayerAnalysis> = tars
        .iter()
        .map(|tar| analyze_layer(&tar[..], None, &cold.matcher, &cold.limits).unwrap().0)
        .collect();
    let squashed =
        |layers: Vec<LayerAnalysis>| squash(layers, true, Lockfiles::WhenNothingInstalled, &cold.matcher);
    let one: Squashed = squashed(layers.clone());
    scan(&warm);
    let benches: [(&str, &dyn Fn()); 4] = [
        ("cold", &|| scan(&cold)),
        ("rescan", &|| scan(&warm)),
        ("squash", &|| {
            black_box(squashed(layers.clone()));
        }),
        ("judge", &|| {
            let mut one = one.clone();
            assay_usage::judge(&image.image.config, &mut one);
            black_box(one);
        }),
    ];
    for (name, bench) in benches {
        match (&only, rounds) {
            (Some(only), _) if only != name => {}
            (Some(_), Some(rounds)) => (0..rounds).for_each(|_| bench()),
            _ => {
                let best = (0..10)
                    .map(|_| {
                        let start = Instant::now();
                        bench();
                        start.elapsed()
                    })
                    .min()
                    .unwrap();
                println!("{name:10} {best:>10.2?}");
            }
        }
    }
}
