//! Layouts and archives, good and bad.

use crate::{check_sample, layer, open, refused, sample};
use assay_oci::{BlobMismatch, ReadLayerError, SourceKind};
use assay_test::image::{
    Builder, BuiltImage, MANIFEST, Stored, Tree, archive, descriptor, digest, gzip, index, layout,
    write_files,
};
use serde_json::json;
use std::fs;
use std::io::Read;
use tempfile::TempDir;

/// Writes `bytes` as a file and returns its path.
fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> String {
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn one_image_is_the_same_from_everywhere() {
    let (folder, image) = (folder(), sample());
    let layout = folder.path().join("layout");
    image.write_layout(&layout, "v1");
    let layout = layout.to_str().unwrap();
    let oci = file(&folder, "oci.tar", &image.oci_archive("v1"));
    let classic = file(&folder, "classic.tar", &image.docker_archive("acme/app:v1"));
    let shaped = file(&folder, "shaped.tar", &image.docker_oci_archive("acme/app:v1"));
    let packed = file(&folder, "packed.tar.gz", &gzip(&image.docker_archive("acme/app:v1")));
    let zstd = file(&folder, "packed.zst", &zstd::encode_all(&image.oci_archive("v1")[..], 1).unwrap());
    for (text, kind, has_manifest) in [
        (layout.to_owned(), SourceKind::Oci, true),
        (format!("oci:{layout}"), SourceKind::Oci, true),
        (format!("oci:{layout}:v1"), SourceKind::Oci, true),
        (format!("oci:{layout}@{}", image.digest()), SourceKind::Oci, true),
        (oci.clone(), SourceKind::OciArchive, true),
        (format!("oci-archive:{oci}:v1"), SourceKind::OciArchive, true),
        (zstd, SourceKind::OciArchive, true),
        (classic.clone(), SourceKind::DockerArchive, false),
        (format!("docker-archive:{classic}:acme/app:v1"), SourceKind::DockerArchive, false),
        (format!("docker-archive:{classic}:docker.io/acme/app:v1"), SourceKind::DockerArchive, false),
        (format!("docker-archive:{classic}:v1"), SourceKind::DockerArchive, false),
        (shaped.clone(), SourceKind::DockerArchive, true),
        (format!("oci-archive:{shaped}"), SourceKind::OciArchive, true),
        (packed.clone(), SourceKind::DockerArchive, false),
        (format!("docker-archive:{packed}"), SourceKind::DockerArchive, false),
    ] {
        let opened = check_sample(&text);
        assert_eq!(opened.kind(), kind, "{text}");
        assert_eq!(opened.image().manifest_digest.is_some(), has_manifest, "{text}");
        assert!(opened.image().manifest_digest.is_none_or(|have| have.to_string() == image.digest()));
        assert!(opened.image().reference.ends_with(&text), "{}", opened.image().reference);
        assert!(opened.image().index_digest.is_none());
    }
}

#[test]
fn all_compressions_of_layers_are_given_as_stored() {
    let folder = folder();
    for stored in [Stored::Plain, Stored::Gzip, Stored::Zstd] {
        let tree = || Tree::new().file("a", "b");
        let image = Builder::new().stored(stored).layer(tree(), "x").build();
        let path = file(&folder, "x.tar", &image.oci_archive("v1"));
        let opened = open(&path).unwrap();
        let mut bytes = Vec::new();
        opened.read(0).unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, image.layers[0].blob);
        assert_eq!(layer(&*opened, 0), tree().tar());
    }
}

/// Writes the files of a layout after `change` has been at them, and returns the path.
fn changed(folder: &TempDir, image: &BuiltImage, change: impl Fn(&str, &mut Vec<u8>)) -> String {
    let mut files = image.layout("v1");
    for (name, bytes) in &mut files {
        change(name, bytes);
    }
    let path = folder.path().join("changed");
    write_files(&path, &files);
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_changed_blob_is_noticed() {
    let image = sample();
    let blob = &image.layers[2].blob;
    let name = digest(blob).split_off(7);
    let changes: [(&str, fn(&mut Vec<u8>)); 3] = [
        ("digest", |bytes| bytes[300] ^= 1),
        ("shorter", |bytes| bytes.truncate(300)),
        ("longer", |bytes| bytes.push(0)),
    ];
    for (what, change) in changes {
        let folder = folder();
        let path = changed(&folder, &image, |member, bytes| {
            if member.ends_with(&name) {
                change(bytes);
            }
        });
        let opened = open(&path).unwrap();
        let mut out = Vec::new();
        let error = opened.read(2).unwrap().read_to_end(&mut out).unwrap_err();
        let mismatch = BlobMismatch::find(&error).unwrap();
        assert_eq!(matches!(mismatch, BlobMismatch::Digest { .. }), what == "digest", "{what}: {mismatch}");
        assert!(layer(&*opened, 0) == image.layers[0].tar, "other layers stay readable");
    }
    for document in [&image.manifest, &image.config] {
        let folder = folder();
        let path = changed(&folder, &image, |member, bytes| {
            if member.ends_with(&digest(document)[7..]) {
                bytes.push(b' ');
            }
        });
        assert!(refused(&path).contains("has the wrong digest: expected `sha256:"));
    }
}

#[test]
fn what_is_no_image_is_refused_with_its_reason() {
    let (folder, image) = (folder(), sample());
    let check = |text: &str, expected: &str| {
        let found = refused(text);
        assert!(found.contains(expected), "{text}: {found}");
    };
    check("docker-archive:/does/not/exist.tar", "there is no file or folder `/does/not/exist.tar`");
    check("oci:/does/not/exist", "there is no file or folder `/does/not/exist`");
    check(&format!("docker-archive:{}", file(&folder, "empty", b"")), "an empty file");
    check(&format!("docker-archive:{}", file(&folder, "text", &[b'x'; 5000])), "neither a tar archive");
    check(&format!("docker-archive:{}", folder.path().display()), "a folder, where an archive is expected");
    check(&format!("oci:{}", folder.path().display()), "it has no `index.json`");
    check(&format!("dir:{}", folder.path().display()), "a folder");
    check(
        &file(&folder, "other.tar", &Tree::new().file("a", "b").tar()),
        "neither `manifest.json` nor `index.json`",
    );
    check(&file(&folder, "x.tar.xz", b"\xfd7zXZ\0\0\0"), "a file");
    check(
        &format!("oci-archive:{}", file(&folder, "y.xz", b"\xfd7zXZ\0\0\0")),
        "`xz`, which is not supported",
    );
    let whole = image.docker_archive("a:1");
    for len in [600, whole.len() / 2, whole.len() - 1024 * 3] {
        let found = refused(&file(&folder, "cut.tar", &whole[..len]));
        assert!(found.contains("truncated") || found.contains("neither"), "{len}: {found}");
    }
    let packed = gzip(&whole);
    check(&file(&folder, "cut.tar.gz", &packed[..packed.len() / 2]), "is truncated or damaged");
    let missing = archive(vec![(
        "manifest.json".into(),
        br#"[{"Config":"c.json","RepoTags":null,"Layers":["l.tar"]}]"#.to_vec(),
    )]);
    check(&file(&folder, "missing.tar", &missing), "lacks `c.json`");
    check(
        &file(&folder, "bad.tar", &archive(vec![("manifest.json".into(), b"{".to_vec())])),
        "`manifest.json` is malformed",
    );
    check(
        &file(&folder, "none.tar", &archive(vec![("manifest.json".into(), b"[]".to_vec())])),
        "has no images",
    );
    check(
        &file(&folder, "nothing.tar", &Builder::new().build().oci_archive("v1")),
        "is empty: it has no layers",
    );
    check(
        &file(&folder, "nothing2.tar", &Builder::new().build().docker_archive("x")),
        "is empty: it has no layers",
    );
    let chart = json!({"mediaType": MANIFEST, "config": descriptor("application/vnd.cncf.helm.config.v1+json", b"{}"), "layers": []});
    let chart = chart.to_string().into_bytes();
    let files = layout(&[descriptor(MANIFEST, &chart)], [chart.as_slice()].into_iter());
    check(
        &file(&folder, "chart.tar", &archive(files)),
        "an artifact of type `application/vnd.cncf.helm.config.v1+json`",
    );
    let odd = layout(&[descriptor("application/vnd.odd", b"{}")], [&b"{}"[..]].into_iter());
    check(&file(&folder, "odd.tar", &archive(odd)), "unsupported media type `application/vnd.odd`");
}

#[test]
fn names_choose_between_images() {
    let folder = folder();
    let (one, two) = (sample(), Builder::new().layer(Tree::new().file("a", "b"), "x").build());
    let named = |image: &BuiltImage, name: &str| {
        let mut entry = descriptor(MANIFEST, &image.manifest);
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        entry
    };
    let blobs = || one.blobs().chain(two.blobs()).chain([one.manifest.as_slice(), two.manifest.as_slice()]);
    let path = folder.path().join("two");
    write_files(&path, &layout(&[named(&one, "v1"), named(&two, "v2")], blobs()));
    let path = path.to_str().unwrap();
    assert!(refused(path).contains("holds several images: v1, v2"));
    assert!(refused(&format!("oci:{path}:v3")).contains("has no image `v3`; it holds `v1`, `v2`"));
    assert_eq!(open(&format!("oci:{path}:v2")).unwrap().image().layers.len(), 1);
    check_sample(&format!("oci:{path}:v1"));
}

#[test]
fn platforms_choose_within_an_index() {
    let folder = folder();
    let make = |architecture: &str| {
        Builder::new().architecture(architecture).layer(Tree::new().file("arch", architecture), "x").build()
    };
    let (amd64, arm64) = (make("amd64"), make("arm64"));
    let index = index(&[&arm64, &amd64]);
    let mut attestation = descriptor(MANIFEST, b"x");
    attestation["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    let entry = descriptor("application/vnd.oci.image.index.v1+json", &index);
    let blobs = amd64.blobs().chain(arm64.blobs());
    let blobs = blobs.chain([&amd64.manifest[..], &arm64.manifest, &index]);
    let path = folder.path().join("multi");
    write_files(&path, &layout(&[entry, attestation], blobs));
    let text = format!("oci:{}", path.display());
    let with = |platform: &str| {
        let mut options = crate::options();
        options.platform = Some(platform.parse().unwrap());
        let source =
            assay_oci::Source::parse(&text, &|path: &std::path::Path| assay_oci::recognise(path)).unwrap();
        source.open(&options, &crate::network())
    };
    let image = open(&text).unwrap();
    assert_eq!(image.image().platform.as_ref().unwrap().architecture, "amd64");
    assert_eq!(image.image().index_digest.unwrap().to_string(), digest(&index));
    assert_eq!(with("linux/arm64").unwrap().image().manifest_digest.unwrap().to_string(), arm64.digest());
    let error = with("linux/s390x").err().unwrap().to_string();
    assert!(
        error.contains("no image for `linux/s390x`; it is made for `linux/amd64`, `linux/arm64`"),
        "{error}"
    );
}

#[test]
fn layers_outside_the_image_are_named() {
    let folder = folder();
    let image = sample();
    let manifest = String::from_utf8(image.manifest.clone()).unwrap();
    let foreign = manifest.replace(".layer.v1.tar+gzip", ".layer.nondistributable.v1.tar+gzip").into_bytes();
    let files = layout(&[descriptor(MANIFEST, &foreign)], [&image.config[..], &foreign].into_iter());
    write_files(&folder.path().join("foreign"), &files);
    let opened = open(folder.path().join("foreign").to_str().unwrap()).unwrap();
    assert!(matches!(opened.read(0).err().unwrap(), ReadLayerError::NotDistributed(_)));
    assert!(matches!(opened.read(9).err().unwrap(), ReadLayerError::NoSuchLayer(9)));
    let files =
        layout(&[descriptor(MANIFEST, &image.manifest)], [&image.config[..], &image.manifest].into_iter());
    write_files(&folder.path().join("missing"), &files);
    let opened = open(folder.path().join("missing").to_str().unwrap()).unwrap();
    assert!(matches!(opened.read(0).err().unwrap(), ReadLayerError::Missing(_)));
}

#[test]
fn a_compressed_archive_is_bounded() {
    let folder = folder();
    let bomb = gzip(&Tree::new().file("zeros", vec![0; 4_000_000]).tar());
    let path = file(&folder, "bomb.tar.gz", &bomb);
    let mut options = crate::options();
    options.spool.limit = 1_000_000;
    let source =
        assay_oci::Source::parse(&path, &|path: &std::path::Path| assay_oci::recognise(path)).unwrap();
    let error = source.open(&options, &crate::network()).err().unwrap().to_string();
    assert!(error.contains("is above the limit of 1000000"), "{error}");
}

#[test]
fn parts_of_layers_are_read_from_layouts_and_archives() {
    let (folder, image) = (folder(), sample());
    let layout = folder.path().join("layout");
    image.write_layout(&layout, "v1");
    let stored = |at: usize| image.layers[at].blob.clone();
    let classic = |at: usize| image.layers[at].tar.clone();
    let places = [
        (layout.to_str().unwrap().to_owned(), [stored(0), stored(2)]),
        (file(&folder, "oci.tar", &image.oci_archive("v1")), [stored(0), stored(2)]),
        (file(&folder, "shaped.tar", &image.docker_oci_archive("a:v1")), [stored(0), stored(2)]),
        (file(&folder, "classic.tar", &image.docker_archive("a:v1")), [classic(0), classic(2)]),
    ];
    for (text, [small, large]) in places {
        let opened = open(&text).unwrap();
        assert_eq!(opened.read_part(2, 1000, 5000).unwrap(), large[1000..6000], "{text}");
        let len = small.len() as u64;
        assert_eq!(opened.read_part(0, 0, len).unwrap(), small, "{text}");
        assert_eq!(opened.read_part(0, len - 1, 1).unwrap(), small[small.len() - 1..], "{text}");
        for (layer, offset, wanted) in
            [(0, 0, len + 1), (0, len, 1), (0, u64::MAX, 1), (0, 1, u64::MAX), (9, 0, 1)]
        {
            assert!(opened.read_part(layer, offset, wanted).is_err(), "{text}: {layer} {offset} {wanted}");
        }
    }
}

#[test]
fn a_signature_beside_an_image_is_no_second_image() {
    let folder = folder();
    let image = sample();
    let signature = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": "application/vnd.cncf.notary.signature",
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"), "layers": [],
        "subject": { "mediaType": MANIFEST, "digest": image.digest(), "size": image.manifest.len() },
    });
    let signature = signature.to_string().into_bytes();
    let hex = digest(&signature).trim_start_matches("sha256:").to_owned();
    let mut files = image.layout("v1");
    for (name, bytes) in &mut files {
        if name == "index.json" {
            let mut index: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            index["manifests"].as_array_mut().unwrap().push(descriptor(MANIFEST, &signature));
            *bytes = index.to_string().into_bytes();
        }
    }
    files.push((format!("blobs/sha256/{hex}"), signature));
    let path = folder.path().join("signed");
    write_files(&path, &files);
    let opened = open(&format!("oci:{}", path.display())).unwrap();
    assert_eq!(opened.image().manifest_digest.map(|digest| digest.to_string()), Some(image.digest()));
}
