//! Layouts and archives whose documents lie about each other.

use super::raw::{Header, Hostile};
use super::{BELOW, Case, Subject, Weight, heavy, refused};
use crate::image::{CONFIG, INDEX, MANIFEST};
use serde_json::json;
use std::fs;
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    refused("layout-indexes-within-indexes", nested_indexes, "the nesting of indexes"),
    refused("layout-index-as-manifest", index_as_manifest, "neither a manifest nor an index"),
    heavy("layout-10-thousand-layers", ten_thousand_layers, BELOW, &["too-many-layers"]),
    heavy("layout-900-layers", many_layers, BELOW, &[]),
    heavy("layout-one-layer-900-times", one_layer_many_times, BELOW, &["too-many-facts"]),
    refused("layout-layer-size-that-lies", size_lies, "expected 7 bytes"),
    refused("layout-layer-digest-that-lies", digest_lies, "expected `sha256:"),
    refused("layout-manifest-of-100-megabytes", large_manifest, "above the limit"),
    refused("layout-index-of-100-megabytes", large_index, "above the limit"),
    refused("layout-deep-json", deep_json, "is malformed"),
    refused("layout-digest-as-a-path", digest_path, "is malformed"),
    refused("docker-archive-cyclic-links", cyclic_links, "without `manifest.json`"),
    Case {
        weight: Weight::Heavy,
        ..refused("docker-archive-gzip-bomb", zeros_bomb, "without `manifest.json`")
    },
    Case {
        weight: Weight::Heavy,
        ..refused("docker-archive-gzip-bomb-of-ones", ones_bomb, "the uncompressed size")
    },
    Case {
        weight: Weight::Heavy,
        ..refused("docker-archive-million-members", million_members, "number of members")
    },
];

fn nested_indexes(folder: &Path) -> Subject {
    // A blob cannot name its own digest; this is as near as one gets to an index that contains itself.
    let image = Hostile::new(folder);
    let mut inner = image.document(&json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}), INDEX);
    for _ in 0..50 {
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": vec![inner; 20]});
        inner = image.document(&index, INDEX);
        inner["platform"] = json!({"os": "linux", "architecture": "amd64"});
    }
    image.index(&[inner])
}

fn index_as_manifest(folder: &Path) -> Subject {
    let image = Hostile::new(folder);
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [], "layers": [], "config": null});
    let mut descriptor = image.document(&index, MANIFEST);
    descriptor["mediaType"] = json!(MANIFEST);
    image.index(&[descriptor])
}

/// Writes an image of `count` equal small layers.
fn layers(folder: &Path, count: usize) -> Subject {
    let mut image = Hostile::new(folder);
    for number in 1..count {
        image.layer(|layer| {
            layer.file(&format!("srv/{number}"), "x").end();
        });
    }
    image.finish()
}

fn ten_thousand_layers(folder: &Path) -> Subject {
    layers(folder, 10_000)
}

fn many_layers(folder: &Path) -> Subject {
    layers(folder, 900)
}

/// Names one layer of many packages and marks again and again: stored once, it would be in memory as often.
fn one_layer_many_times(folder: &Path) -> Subject {
    let mut image = Hostile::new(folder);
    image.layer(|layer| {
        for number in 0..20_000 {
            layer.file(
                &format!("srv/node_modules/p{number}/package.json"),
                format!(r#"{{"name":"p{number}","version":"1.0.0"}}"#),
            );
        }
        layer.end();
    });
    image.repeat(899);
    image.finish()
}

fn lying(folder: &Path, change: impl Fn(&mut serde_json::Value)) -> Subject {
    let subject = Hostile::new(folder).finish();
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("index.json")).unwrap()).unwrap();
    let digest = index["manifests"][0]["digest"].as_str().unwrap().replace(':', "/");
    let mut manifest = serde_json::from_slice(&fs::read(folder.join("blobs").join(digest)).unwrap()).unwrap();
    change(&mut manifest);
    let image = Hostile::new(folder);
    let descriptor = image.document(&manifest, MANIFEST);
    image.index(&[descriptor]);
    subject
}

fn size_lies(folder: &Path) -> Subject {
    lying(folder, |manifest| manifest["layers"][0]["size"] = json!(7))
}

fn digest_lies(folder: &Path) -> Subject {
    let name = format!("sha256:{}", "ab".repeat(32));
    let subject = lying(folder, |manifest| {
        manifest["layers"][0]["digest"] = json!(name);
        manifest["layers"][0]["size"] = json!(4);
    });
    fs::write(folder.join("blobs").join(name.replace(':', "/")), "lies").unwrap();
    subject
}

fn large_manifest(folder: &Path) -> Subject {
    let image = Hostile::new(folder);
    let mut descriptor = image.document(&json!({}), MANIFEST);
    let path = folder.join("blobs").join(descriptor["digest"].as_str().unwrap().replace(':', "/"));
    fs::File::create(path).unwrap().set_len(100 << 20).unwrap();
    descriptor["size"] = json!(100 << 20);
    image.index(&[descriptor])
}

fn large_index(folder: &Path) -> Subject {
    let subject = Hostile::new(folder).finish();
    fs::File::create(folder.join("index.json")).unwrap().set_len(100 << 20).unwrap();
    subject
}

fn deep_json(folder: &Path) -> Subject {
    let subject = Hostile::new(folder).finish();
    fs::write(folder.join("index.json"), format!("{{\"manifests\":{}", "[".repeat(1 << 20))).unwrap();
    subject
}

fn digest_path(folder: &Path) -> Subject {
    let image = Hostile::new(folder);
    let mut descriptor = image.document(&json!({}), CONFIG);
    descriptor["digest"] = json!("sha256:../../../../../../../../etc/passwd");
    image.index(&[descriptor])
}

fn archive(folder: &Path, bytes: &[u8]) -> Subject {
    let path = folder.join("image.tar");
    fs::write(&path, bytes).unwrap();
    Subject { source: format!("docker-archive:{}", path.display()), server: None }
}

fn cyclic_links(folder: &Path) -> Subject {
    let mut tar = Vec::new();
    for (name, target) in [("manifest.json", "a"), ("a", "b"), ("b", "c"), ("c", "a")] {
        tar.extend(Header::link(name, b'2', target).block());
    }
    tar.extend([0; 1024]);
    archive(folder, &tar)
}

fn zeros_bomb(folder: &Path) -> Subject {
    archive_bomb(folder, 0)
}

fn ones_bomb(folder: &Path) -> Subject {
    archive_bomb(folder, 1)
}

fn archive_bomb(folder: &Path, byte: u8) -> Subject {
    let mut bytes = crate::image::gzip(&Header::new("large", b'0', 0o77_777_777_777).block());
    let member = crate::image::gzip(&vec![byte; 64 << 20]);
    for _ in 0..128 {
        bytes.extend(&member);
    }
    archive(folder, &bytes)
}

fn million_members(folder: &Path) -> Subject {
    let mut tar = Vec::new();
    for number in 0..1_000_000 {
        tar.extend(Header::new(format!("{number}"), b'0', 0).block());
    }
    archive(folder, &tar)
}
