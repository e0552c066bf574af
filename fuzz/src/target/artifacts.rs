//! What is attached to images: the lists and manifests that registries and layouts give, statements around documents, files that
//! name images, and layers of two builds.

use super::oci::in_folder;
use super::{choice, chosen};
use crate::{Target, seed};
use assay_analyze::Limits;
use assay_engine::reproduce::{Build, compare_builds};
use assay_model::report::SourceKind;
use assay_model::{Digest, Image, Layer};
use assay_oci::artifact::{EMPTY, EMPTY_TYPE, INDEX_TYPE, MANIFEST_TYPE, fallback_tag};
use assay_oci::pin::{FileKind, Spot, State, find, rewrite};
use assay_oci::registry::next_page;
use assay_oci::{
    Access, Assurance, Descriptor, NewArtifact, NewLayer, OpenImage, ReadLayerError, Repository, TagScheme,
};
use assay_sbom::wrapped::unwrap;
use assay_test::image;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("artifacts", artifact_seeds, artifacts),
        Target::new("next-page", next_page_seeds, |data| next_page(&String::from_utf8_lossy(data))),
        Target::new("wrapped-document", wrapped_seeds, unwrap),
        Target::new("pin", pin_seeds, pin),
        Target::new("reproducible", reproducible_seeds, reproducible),
    ]
}

fn subject() -> Descriptor {
    Descriptor::of(MANIFEST_TYPE, b"{}")
}

/// The manifest of an artifact, as cosign writes it.
fn manifest() -> Value {
    json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "config": image::descriptor(EMPTY_TYPE, EMPTY), "layers": [image::descriptor("application/json", EMPTY)],
        "subject": subject(), "annotations": {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"},
    })
}

/// Puts the input into a layout as `index.json`, as the manifest of an artifact, as a list or under cosign's tag; looks, and attaches.
fn artifacts(data: &[u8]) -> String {
    let (number, content) = choice(data);
    in_folder(|place| {
        put(place, b"{}");
        let described = |media_type: &str, content: &[u8]| image::descriptor(media_type, content);
        let named = |mut entry: Value, name: &str| {
            entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
            entry
        };
        let tag = fallback_tag(&subject().digest);
        let index = match number % 4 {
            0 => content.to_vec(),
            kind => {
                put(place, content);
                let entry = match kind {
                    1 => described(MANIFEST_TYPE, content),
                    2 => named(described(INDEX_TYPE, content), &tag),
                    _ => named(described(MANIFEST_TYPE, content), &format!("{tag}.sig")),
                };
                json!({"schemaVersion": 2, "manifests": [entry]}).to_string().into_bytes()
            }
        };
        fs::write(place.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("the folder is ours");
        fs::write(place.join("index.json"), index).expect("the folder is ours");
        let repository = match Repository::layout(place, Access::Write) {
            Ok(repository) => repository,
            Err(error) => return error.to_string(),
        };
        let before = repository.artifacts(subject().digest, &[]);
        let none = BTreeMap::new();
        let layer = NewLayer { media_type: "text/plain", bytes: b"new", annotations: &none };
        let new = NewArtifact { artifact_type: "text/plain", layers: &[layer], annotations: &none };
        let attached = repository.attach(&subject(), &new).map_err(|error| error.to_string());
        let tagged = repository
            .append_tagged(&subject().digest, TagScheme::Signature, &layer)
            .map_err(|error| error.to_string());
        if let (Ok(before), Ok(attached)) = (&before, &attached) {
            let after = repository.artifacts(subject().digest, &[]).expect("it was looked at before");
            let has = |digest| after.artifacts.iter().any(|one| one.descriptor.digest == digest);
            assert!(has(attached.descriptor.digest), "what was attached is found");
            for artifact in
                before.artifacts.iter().filter(|one| one.kind != assay_oci::ArtifactKind::Signature)
            {
                assert!(has(artifact.descriptor.digest), "what was there stays");
            }
        }
        format!("{:?} {attached:?} {tagged:?}", before.map_err(|error| error.to_string()))
    })
}

fn put(place: &Path, bytes: &[u8]) {
    let folder = place.join("blobs/sha256");
    fs::create_dir_all(&folder).expect("the folder is ours");
    fs::write(folder.join(&image::digest(bytes)["sha256:".len()..]), bytes).expect("the folder is ours");
}

fn artifact_seeds() -> Vec<Vec<u8>> {
    let manifest = manifest().to_string();
    let entry = image::descriptor(MANIFEST_TYPE, manifest.as_bytes());
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry, {"digest": 1}]}).to_string();
    let old = json!({"config": null, "blobs": [image::descriptor("text/spdx", EMPTY)], "subject": subject()})
        .to_string();
    vec![
        chosen(0, index.as_bytes()),
        chosen(1, manifest.as_bytes()),
        chosen(1, old.as_bytes()),
        chosen(2, index.as_bytes()),
        chosen(3, manifest.as_bytes()),
    ]
}

fn next_page_seeds() -> Vec<Vec<u8>> {
    [r#"</v2/a/referrers/sha256:0?n=2>; rel="next""#, r#"<a>; rel="prev", <b>; title=x; rel="last next""#]
        .map(|text| text.as_bytes().to_vec())
        .into()
}

fn wrapped_seeds() -> Vec<Vec<u8>> {
    let statement = |predicate: Value| {
        json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://cyclonedx.org/bom",
            "subject": [{"digest": {"sha256": "00"}}], "predicate": predicate})
    };
    let envelope = json!({"payloadType": "application/vnd.in-toto+json", "payload": "eyJfdHlwZSI6Imh0dHBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEifQ=="});
    let all = [
        statement(json!({"bomFormat": "CycloneDX"})),
        statement(json!("SPDXVersion: SPDX-2.3")),
        statement(json!({"Data": "x"})),
        json!({"dsseEnvelope": envelope}),
        envelope,
    ];
    all.iter().map(|one| one.to_string().into_bytes()).collect()
}

/// Pins all that is open: nothing is open then, no line is added, and nothing changes without a digest.
fn pin(data: &[u8]) -> String {
    let (number, content) = choice(data);
    let kind = if number & 1 == 0 { FileKind::Dockerfile } else { FileKind::Yaml };
    let text = String::from_utf8_lossy(content);
    let spots = find(kind, &text);
    assert_eq!(rewrite(&text, &spots, |_| None), text);
    let digest: Digest = format!("sha256:{}", "ab".repeat(32)).parse().expect("it is a digest");
    let pinned = rewrite(&text, &spots, |spot: &Spot| (spot.state == State::Open).then_some(digest));
    assert!(find(kind, &pinned).iter().all(|spot| spot.state != State::Open), "{pinned}");
    assert_eq!(pinned.lines().count(), text.lines().count());
    format!("{spots:?}")
}

fn pin_seeds() -> Vec<Vec<u8>> {
    let dockerfile = "# syntax=docker/dockerfile:1\n# escape=`\nARG B=\"debian:12\"\nFROM --platform=linux/arm64 ${B} AS a\n\
        RUN --mount=type=bind,from=x:1,target=/ <<-E\nFROM y\n\tE\nONBUILD COPY --from=z/y:1 `\n # c\n /a /b\n";
    let yaml = "a:\n  - image: \"x/y:1\" # c\n    tag: 1\n    digest:\n  - {\"image\": 'z:1'}\nb: |-\n  image: no\n\
        image:\n  registry: &r quay.io\n  repository: a/b\n  tag: !!str \"1\"\n  digest: \"\"\n---\nimage:\n  reference: w:2\n";
    vec![chosen(0, dockerfile.as_bytes()), chosen(1, yaml.as_bytes())]
}

/// An image of one layer.
struct OneLayer {
    image: Image,
    tar: Vec<u8>,
}

impl OneLayer {
    fn new(tar: Vec<u8>) -> Self {
        Self { image: Image { layers: vec![Layer::default()], ..Image::default() }, tar }
    }
}

impl OpenImage for OneLayer {
    fn kind(&self) -> SourceKind {
        SourceKind::Oci
    }
    fn image(&self) -> &Image {
        &self.image
    }
    fn read(&self, _: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        Ok(Box::new(Cursor::new(self.tar.clone())))
    }
    fn assurance(&self, _: usize) -> Assurance {
        Assurance::Nothing
    }
    fn set_reference(&mut self, reference: String) {
        self.image.reference = reference;
    }
}

/// Compares a layer with itself, which is always equal, and with the sample.
fn reproducible(data: &[u8]) -> String {
    let (fix, content) = choice(data);
    let tar = if fix & 1 == 1 { seed::with_checksums(content) } else { content.to_vec() };
    let limits = Limits { bytes_per_layer: 4 << 20, ..Limits::new(std::env::temp_dir()) };
    let (one, other) = (OneLayer::new(tar), OneLayer::new(sample()));
    let config = Some(content.to_vec());
    let build = |image| Build { image, manifest: config.clone(), config: None };
    let compared = compare_builds(&build(&one), &build(&other), &limits);
    format!("{compared:?}")
}

fn sample() -> Vec<u8> {
    seed::layer(&[("a".to_owned(), b"2024-01-01 10:00\n".to_vec()), ("b.gz".to_owned(), seed::gzip(b"x"))])
}

fn reproducible_seeds() -> Vec<Vec<u8>> {
    let other = [("b.gz".to_owned(), seed::gzip(b"y")), ("a".to_owned(), b"2025-01-01 10:00\n".to_vec())];
    vec![chosen(1, &sample()), chosen(1, &seed::layer(&other)), chosen(0, b"{\"config\":{\"digest\":1}}")]
}
