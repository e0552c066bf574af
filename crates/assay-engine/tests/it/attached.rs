//! What is attached to an image: read, and believed by nobody.

use assay_engine::{attached_sboms, attached_statements};
use assay_match::Trust;
use assay_model::Digest;
use assay_oci::artifact::MANIFEST_TYPE;
use assay_oci::{Access, Descriptor, NewArtifact, NewLayer, Repository, TagScheme};
use assay_test::image::{Builder, BuiltImage, Tree};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const DSSE: &str = "application/vnd.dsse.envelope.v1+json";

fn image() -> BuiltImage {
    Builder::new().layer(Tree::new().file("a", "b"), "COPY a /").build()
}

fn vex(author: &str) -> Value {
    json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": author, "timestamp": "2024-01-01T00:00:00Z",
        "version": 1, "statements": [{"vulnerability": {"name": "CVE-2024-1"}, "products": [{"@id": "pkg:npm/x@1"}],
        "status": "not_affected", "impact_statement": "never called"}]})
}

/// A statement about `subject` in the bare form; envelopes are tested where they are read.
fn statement(kind: &str, subject: &str, predicate: &Value) -> Vec<u8> {
    json!({"_type": "https://in-toto.io/Statement/v1", "predicateType": kind, "predicate": predicate,
        "subject": [{"name": "", "digest": {"sha256": subject.strip_prefix("sha256:").unwrap()}}]})
    .to_string()
    .into_bytes()
}

/// A layout with the image, and what `attach` attaches to it.
fn layout(attach: impl FnOnce(&Repository, &Descriptor)) -> (tempfile::TempDir, Repository, Digest) {
    let folder = tempfile::tempdir().unwrap();
    image().write_layout(folder.path(), "v1");
    let repository = Repository::layout(folder.path(), Access::Write).unwrap();
    let subject = Descriptor::of(MANIFEST_TYPE, &image().manifest);
    attach(&repository, &subject);
    (folder, repository, subject.digest)
}

fn attach(repository: &Repository, subject: &Descriptor, media_type: &str, bytes: &[u8]) {
    let none = BTreeMap::new();
    let layer = NewLayer { media_type, bytes, annotations: &none };
    let new = NewArtifact { artifact_type: media_type, layers: &[layer], annotations: &none };
    repository.attach(subject, &new).unwrap();
}

fn append(repository: &Repository, subject: &Descriptor, kind: &str, bytes: &[u8]) {
    let said = BTreeMap::from([("predicateType".to_owned(), kind.to_owned())]);
    let layer = NewLayer { media_type: DSSE, bytes, annotations: &said };
    repository.append_tagged(&subject.digest, TagScheme::Attestation, &layer).unwrap();
}

#[test]
fn statements_are_read_and_never_trusted() {
    let (_folder, repository, subject) = layout(|repository, subject| {
        let plain = vex("Somebody").to_string();
        attach(repository, subject, "application/vnd.openvex+json", plain.as_bytes());
        let digest = image().digest();
        append(
            repository,
            subject,
            "https://openvex.dev/ns",
            &statement("https://openvex.dev/ns", &digest, &vex("App team")),
        );
        // About another image, and about something else than vulnerabilities.
        let other = format!("sha256:{}", "ab".repeat(32));
        append(
            repository,
            subject,
            "https://openvex.dev/ns",
            &statement("https://openvex.dev/ns", &other, &vex("Other")),
        );
        append(repository, subject, "https://slsa.dev/provenance/v1", b"never read");
    });
    let read = attached_statements(&repository, &[subject]).unwrap();
    assert!(read.documents.iter().all(|document| document.trust == Trust::Subject));
    let mut authors: Vec<_> =
        read.documents.iter().map(|document| document.statements[0].author.as_str()).collect();
    authors.sort_unstable();
    assert_eq!(authors, ["App team", "Somebody"]);
    let notices: Vec<_> = read.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert!(notices.len() == 1 && notices[0].contains("about something else"), "{notices:?}");
}

#[test]
fn bills_of_materials_are_read_plain_and_wrapped() {
    let bom = |name: &str| json!({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": [{"type": "library", "name": name}]});
    let (_folder, repository, subject) = layout(|repository, subject| {
        attach(repository, subject, "application/vnd.cyclonedx+json", bom("plain").to_string().as_bytes());
        attach(repository, subject, "application/spdx+json", b"damaged");
        let wrapped = statement("https://cyclonedx.org/bom", &image().digest(), &bom("signed"));
        append(repository, subject, "https://cyclonedx.org/bom", &wrapped);
    });
    let mut notices = Vec::new();
    let sboms = attached_sboms(&repository, &[subject], &mut notices).unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    let mut texts: Vec<bool> =
        sboms.iter().map(|sbom| String::from_utf8_lossy(&sbom.bytes).contains("signed")).collect();
    texts.sort_unstable();
    assert_eq!(texts, [false, true]);
}
