//! Layouts and registries that were made to harm: circles, lists without end, damage; and copies that must not be half done.

use crate::{network, sample};
use assay_oci::artifact::{EMPTY, EMPTY_TYPE, INDEX_TYPE, LookOutcome, MANIFEST_TYPE, fallback_tag};
use assay_oci::copy::{Copied, CopyOptions, copy};
use assay_oci::source::Selector;
use assay_oci::{Access, Descriptor, Repository, RepositoryError, TagScheme, image_for};
use assay_test::http::{Reply, Server};
use assay_test::image::{BuiltImage, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn repository(server: &Server, name: &str, access: Access) -> Repository {
    let reference = format!("{}/{name}", server.host()).parse().unwrap();
    Repository::registry(&reference, access, &network()).unwrap()
}

fn tagged(name: &str) -> Selector {
    Selector::Name(name.to_owned())
}

const ALL: CopyOptions =
    CopyOptions { platform: None, artifacts: true, expected: None, keep_tag: false, whole: false };

fn carry(
    from: &Repository,
    name: &str,
    to: &Repository,
    options: &CopyOptions,
) -> Result<Copied, RepositoryError> {
    copy(from, Some(&tagged(name)), to, Some(name), options, &|_, _| {})
}

fn describe(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()})
}

/// The manifest of an artifact about `subject`, or of one under a tag if there is none, with one layer.
fn artifact(subject: Option<&str>, layer: &[u8]) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": "application/spdx+json",
        "config": describe(EMPTY_TYPE, EMPTY), "layers": [describe("application/spdx+json", layer)],
    });
    if let Some(subject) = subject {
        manifest["subject"] = json!({"mediaType": MANIFEST_TYPE, "digest": subject, "size": 1});
    }
    serde_json::to_vec(&manifest).unwrap()
}

fn second() -> BuiltImage {
    let mut second = sample();
    second.architecture = "arm64".into();
    second.manifest.push(b'\n');
    second
}

/// Writes a layout of these blobs, with that `index.json`.
fn layout(folder: &Path, entries: &[Value], blobs: &[&[u8]]) {
    fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let list = json!({"schemaVersion": 2, "manifests": entries});
    fs::write(folder.join("index.json"), list.to_string()).unwrap();
    for blob in blobs {
        fs::write(folder.join("blobs/sha256").join(&digest(blob)[7..]), blob).unwrap();
    }
}

#[test]
fn a_copy_with_another_digest_writes_nothing() {
    let source = Pushable::new(Behaviour::default());
    source.image("acme/app", "v1", &sample());
    let target = Pushable::new(Behaviour::default());
    target.image("mirror/app", "v1", &second());
    let (from, to) = (source.serve(), target.serve());
    let expected = digest(b"another").parse().unwrap();
    let options = CopyOptions { expected: Some(expected), ..ALL };
    let to_repository = repository(&to, "mirror/app", Access::Write);
    let error =
        carry(&repository(&from, "acme/app", Access::Read), "v1", &to_repository, &options).unwrap_err();
    assert!(matches!(error, RepositoryError::OtherDigest { .. }), "{error}");
    assert_eq!(digest(&target.get("mirror/app", "v1").unwrap()), second().digest());
    let written =
        to.requests().into_iter().filter(|request| !matches!(request.method.as_str(), "GET" | "HEAD"));
    assert_eq!(written.count(), 0);
}

#[test]
fn the_tag_stays_when_the_image_cannot_be_copied_whole() {
    let source = Pushable::new(Behaviour::default());
    source.image("acme/app", "one", &sample());
    source.image("acme/app", "two", &second());
    let both = index(&[&sample(), &second()]);
    source.manifest("acme/app", "v1", INDEX_TYPE, &both);
    source.remove("acme/app", &second().digest());
    let target = Pushable::new(Behaviour::default());
    target.image("mirror/app", "v1", &sample());
    let (from, to) = (source.serve(), target.serve());
    let to = repository(&to, "mirror/app", Access::Write);
    carry(&repository(&from, "acme/app", Access::Read), "v1", &to, &ALL).unwrap_err();
    assert_eq!(digest(&target.get("mirror/app", "v1").unwrap()), sample().digest());
}

#[test]
fn one_artifact_under_the_tags_of_two_images_is_copied_to_both() {
    let source = Pushable::new(Behaviour::default());
    source.image("acme/app", "one", &sample());
    source.image("acme/app", "two", &second());
    source.manifest("acme/app", "v1", INDEX_TYPE, &index(&[&sample(), &second()]));
    source.blob("acme/app", EMPTY);
    source.blob("acme/app", b"same");
    let same = artifact(None, b"same");
    let subjects = [sample().digest(), second().digest()];
    let tags: Vec<String> = subjects
        .iter()
        .flat_map(|subject| TagScheme::ALL.map(|scheme| scheme.tag(&subject.parse().unwrap())))
        .collect();
    tags.iter().for_each(|tag| source.manifest("acme/app", tag, MANIFEST_TYPE, &same));
    let target = Pushable::new(Behaviour::default());
    let (from, to) = (source.serve(), target.serve());
    let to = repository(&to, "mirror/app", Access::Write);
    let copied = carry(&repository(&from, "acme/app", Access::Read), "v1", &to, &ALL).unwrap();
    assert_eq!((copied.problems.as_slice(), copied.artifacts), (&[][..], 1));
    for tag in &tags {
        assert_eq!(target.get("mirror/app", tag).as_deref(), Some(same.as_slice()), "{tag}");
    }
}

#[test]
fn a_broken_artifact_costs_itself_only() {
    for referrers in [false, true] {
        let source = Pushable::new(Behaviour { referrers, ..Behaviour::default() });
        source.image("acme/app", "v1", &sample());
        let subject = sample().digest();
        for blob in [EMPTY, b"good", b"last"] {
            source.blob("acme/app", blob);
        }
        // One without its layer, between two that are whole.
        let all = [b"good", b"gone", b"last"].map(|layer| artifact(Some(&subject), layer));
        let mut entries = Vec::new();
        for manifest in &all {
            source.manifest("acme/app", &digest(manifest), MANIFEST_TYPE, manifest);
            entries.push(describe(MANIFEST_TYPE, manifest));
        }
        if !referrers {
            let list = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}).to_string();
            source.manifest(
                "acme/app",
                &fallback_tag(&subject.parse().unwrap()),
                INDEX_TYPE,
                list.as_bytes(),
            );
        }
        // Under a tag of cosign there is something that is no manifest.
        let tag = TagScheme::Signature.tag(&subject.parse().unwrap());
        source.manifest("acme/app", &tag, MANIFEST_TYPE, b"7");
        let target = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let (from, to) = (source.serve(), target.serve());
        let to = repository(&to, "mirror/app", Access::Write);
        let copied = carry(&repository(&from, "acme/app", Access::Read), "v1", &to, &ALL).unwrap();
        assert_eq!(copied.artifacts, 2, "{:?}", copied.problems);
        assert_eq!(copied.problems.len(), 2, "{:?}", copied.problems);
        assert!(copied.problems.iter().any(|text| text.contains(&digest(&all[1]))), "{:?}", copied.problems);
        assert!(copied.problems.iter().any(|text| text.contains("tag .sig")), "{:?}", copied.problems);
        assert_eq!(digest(&target.get("mirror/app", "v1").unwrap()), subject);
        for (manifest, is_there) in all.iter().zip([true, false, true]) {
            assert_eq!(target.get("mirror/app", &digest(manifest)).is_some(), is_there);
        }
    }
}

#[test]
fn no_image_is_named_while_its_artifacts_are_on_the_other_side_of_a_broken_way() {
    let source = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    source.image("acme/app", "v1", &sample());
    let signed = artifact(Some(&sample().digest()), b"signature");
    for blob in [EMPTY, b"signature"] {
        source.blob("acme/app", blob);
    }
    source.manifest("acme/app", &digest(&signed), MANIFEST_TYPE, &signed);
    for (status, is_named) in [(401, false), (429, false), (503, false), (403, true), (404, true)] {
        let (whole, blob) = (source.clone(), digest(b"signature"));
        let from = Server::start(move |request| match request.target.ends_with(&blob) {
            true => Reply::new(status, "{}"),
            false => whole.answer(request),
        });
        let target = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
        let to = target.serve();
        let to = repository(&to, "mirror/app", Access::Write);
        let copied = carry(&repository(&from, "acme/app", Access::Read), "v1", &to, &ALL);
        assert_eq!(target.get("mirror/app", "v1").is_some(), is_named, "{status}: {copied:?}");
        assert_eq!(copied.ok().map(|copied| copied.problems.len()), is_named.then_some(1), "{status}");
    }
}

#[test]
fn an_index_that_is_not_wholly_understood_is_not_copied() {
    let source = Pushable::new(Behaviour::default());
    source.image("acme/app", "one", &sample());
    let list = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE,
        "manifests": [describe(MANIFEST_TYPE, &sample().manifest), {"mediaType": MANIFEST_TYPE, "digest": "md5:0"}]});
    source.manifest("acme/app", "v1", INDEX_TYPE, list.to_string().as_bytes());
    let target = Pushable::new(Behaviour::default());
    let (from, to) = (source.serve(), target.serve());
    let to = repository(&to, "mirror/app", Access::Write);
    let error = carry(&repository(&from, "acme/app", Access::Read), "v1", &to, &ALL).unwrap_err();
    assert!(error.told().contains("1 entries of the index cannot be understood"), "{}", error.told());
    assert!(target.get("mirror/app", "v1").is_none());
}

#[test]
fn what_a_layouts_entries_refer_to_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (digest(b"one"), digest(b"two"));
    let manifests = [artifact(Some(&one), b"x"), artifact(Some(&two), b"x")];
    let entries = [&manifests[0], &manifests[1]].map(|manifest| describe(MANIFEST_TYPE, manifest));
    layout(folder.path(), &entries, &[&manifests[0], &manifests[1]]);
    let repository = Repository::layout(folder.path(), Access::Write).unwrap();
    assert_eq!(repository.artifacts(one.parse().unwrap(), &[]).unwrap().artifacts.len(), 1);
    // It is known to be listed, though it is gone: nothing is read again to find that out.
    fs::remove_file(folder.path().join("blobs/sha256").join(&digest(&manifests[1])[7..])).unwrap();
    let found = repository.artifacts(two.parse().unwrap(), &[]).unwrap();
    assert_eq!(found.problems.len(), 1, "{found:?}");
    // What is written is known at once.
    let third = artifact(Some(&two), b"y");
    repository.push_referrer(&third).unwrap();
    let found = repository.artifacts(two.parse().unwrap(), &[]).unwrap();
    let digests: Vec<String> = found.artifacts.iter().map(|one| one.descriptor.digest.to_string()).collect();
    assert_eq!(digests, [digest(&third)]);
    // And what others wrote.
    let fourth = artifact(Some(&two), b"z");
    Repository::layout(folder.path(), Access::Write).unwrap().push_referrer(&fourth).unwrap();
    assert_eq!(repository.artifacts(two.parse().unwrap(), &[]).unwrap().artifacts.len(), 2);
}

#[test]
fn a_layout_of_large_manifests_is_read_up_to_a_limit() {
    let folder = tempfile::tempdir().unwrap();
    let subject = sample().digest();
    let mut manifests: Vec<Vec<u8>> = Vec::new();
    for number in 0..20_u32 {
        let mut manifest = artifact(Some(&subject), &number.to_le_bytes());
        manifest.resize(4 << 20, b' ');
        manifests.push(manifest);
    }
    let mut entries: Vec<Value> =
        manifests.iter().map(|manifest| describe(MANIFEST_TYPE, manifest)).collect();
    let blobs: Vec<&[u8]> = manifests.iter().map(Vec::as_slice).collect();
    layout(folder.path(), &entries, &blobs);
    let repository = Repository::layout(folder.path(), Access::Read).unwrap();
    let found = repository.artifacts(subject.parse().unwrap(), &[]).unwrap();
    assert_eq!(found.looked[0].outcome, LookOutcome::Truncated(16));
    assert_eq!(found.artifacts.len(), 16);

    // The same beside an image in an index, with one that is not what its digest names in front.
    for entry in &mut entries {
        entry["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject});
        entry["platform"] = json!({"os": "unknown", "architecture": "unknown"});
    }
    let path = folder.path().join("blobs/sha256").join(&digest(&manifests[0])[7..]);
    fs::write(path, artifact(Some(&subject), b"another")).unwrap();
    let list = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": entries}).to_string();
    layout(folder.path(), &[describe(INDEX_TYPE, list.as_bytes())], &[list.as_bytes()]);
    let repository = Repository::layout(folder.path(), Access::Read).unwrap();
    let stored = repository.resolve(None).unwrap();
    let found = repository.artifacts_of_index(&stored).unwrap();
    assert!(found.problems[0].reason.contains("wrong digest"), "{:?}", found.problems);
    assert_eq!((found.artifacts.len(), found.problems.len()), (17, 3), "{:?}", found.problems);
    assert!(found.problems[1].reason.contains("more than"), "{:?}", found.problems);
}

#[test]
fn circles_end() {
    // The signature of each is the other, and that of a third is itself.
    let source = Pushable::new(Behaviour::default());
    let (one, two) = (sample(), second());
    source.image("acme/app", "v1", &one);
    source.image("acme/app", "v2", &two);
    for scheme in TagScheme::ALL {
        let tag = |image: &BuiltImage| scheme.tag(&image.digest().parse().unwrap());
        source.manifest("acme/app", &tag(&one), MANIFEST_TYPE, &two.manifest);
        source.manifest("acme/app", &tag(&two), MANIFEST_TYPE, &one.manifest);
    }
    let target = Pushable::new(Behaviour::default());
    let (from, to) = (source.serve(), target.serve());
    let to = repository(&to, "mirror/app", Access::Write);
    let copied = carry(&repository(&from, "acme/app", Access::Read), "v1", &to, &ALL).unwrap();
    assert_eq!(copied.problems, Vec::<String>::new());
    let tag = TagScheme::Signature.tag(&two.digest().parse().unwrap());
    assert_eq!(target.get("mirror/app", &tag).as_deref(), Some(one.manifest.as_slice()));
}

#[test]
fn an_index_that_contains_itself_or_goes_too_deep_is_refused() {
    // A registry that answers every request for a manifest with an index of what was asked for.
    let server = Server::start(|request| {
        let Some((_, name)) = request.target.split_once("/manifests/") else { return Reply::new(404, "") };
        let named = if name.contains(':') { name.to_owned() } else { digest(b"x") };
        let body = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE,
            "manifests": [{"mediaType": INDEX_TYPE, "digest": named, "size": 1}]});
        Reply::new(200, body.to_string()).header("Content-Type", INDEX_TYPE)
    });
    let folder = tempfile::tempdir().unwrap();
    let to = Repository::layout(&folder.path().join("to"), Access::Write).unwrap();
    let error = carry(&repository(&server, "acme/app", Access::Read), "v1", &to, &ALL).unwrap_err();
    assert!(error.to_string().contains("wrong digest"), "{error}");

    let source = Pushable::new(Behaviour::default());
    source.image("acme/app", "v1", &sample());
    let mut inner = sample().manifest;
    for _ in 0..2000 {
        let outer =
            json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [describe(INDEX_TYPE, &inner)]});
        inner = outer.to_string().into_bytes();
        source.manifest("acme/app", "deep", INDEX_TYPE, &inner);
    }
    let from = source.serve();
    let error = carry(&repository(&from, "acme/app", Access::Read), "deep", &to, &ALL).unwrap_err();
    assert!(error.to_string().contains("nesting"), "{error}");
    assert!(to.find(Some(&tagged("deep"))).unwrap().is_none());
}

#[test]
fn damaged_layouts_are_errors_and_nothing_worse() {
    let whole = tempfile::tempdir().unwrap();
    sample().write_layout(whole.path(), "v1");
    let list = fs::read(whole.path().join("index.json")).unwrap();
    // Into an empty place each time: what is there already is not fetched, and so not missed.
    let try_it = |folder: &Path| -> Result<Copied, RepositoryError> {
        let target = tempfile::tempdir().unwrap();
        let to = Repository::layout(&target.path().join("to"), Access::Write).unwrap();
        let copied = carry(&Repository::layout(folder, Access::Read)?, "v1", &to, &ALL);
        let named = to.find(Some(&tagged("v1"))).unwrap().is_some();
        assert_eq!(named, copied.is_ok(), "what cannot be copied whole has no name");
        copied
    };
    for end in 0..list.len() {
        fs::write(whole.path().join("index.json"), &list[..end]).unwrap();
        try_it(whole.path()).unwrap_err();
    }
    for text in ["null", "[]", "7", r#"{"manifests":[7,null,{"digest":"x"}]}"#, r#"{"manifests":{}}"#] {
        fs::write(whole.path().join("index.json"), text).unwrap();
        assert!(try_it(whole.path()).is_err(), "{text}");
    }
    fs::write(whole.path().join("index.json"), &list).unwrap();
    for blob in sample().blobs().map(<[u8]>::to_vec).chain([sample().manifest]) {
        let path = whole.path().join("blobs/sha256").join(&digest(&blob)[7..]);
        for part in [&blob[..blob.len() / 2], b""] {
            fs::write(&path, part).unwrap();
            assert!(try_it(whole.path()).is_err(), "{}", path.display());
        }
        fs::remove_file(&path).unwrap();
        try_it(whole.path()).unwrap_err();
        fs::create_dir(&path).unwrap();
        try_it(whole.path()).unwrap_err();
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &blob).unwrap();
    }
    try_it(whole.path()).unwrap();
    fs::remove_file(whole.path().join("index.json")).unwrap();
    try_it(whole.path()).unwrap_err();
}

#[test]
fn a_place_that_cannot_be_written_is_an_error_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    Repository::layout(&file, Access::Write).unwrap_err();
    Repository::layout(&file.join("below"), Access::Write).unwrap_err();
    // A folder in which nobody may make anything.
    Repository::layout(Path::new("/proc/self/layout"), Access::Write).unwrap_err();
    // The place of blobs is taken by a file: the copy ends, and no name is given.
    let at = folder.path().join("layout");
    layout(&at, &[], &[]);
    fs::remove_dir(at.join("blobs/sha256")).unwrap();
    fs::write(at.join("blobs/sha256"), "").unwrap();
    let source = tempfile::tempdir().unwrap();
    sample().write_layout(source.path(), "v1");
    let to = Repository::layout(&at, Access::Write).unwrap();
    let from = Repository::layout(source.path(), Access::Read).unwrap();
    let error = carry(&from, "v1", &to, &ALL).unwrap_err();
    assert!(matches!(error, RepositoryError::Write { .. }), "{error}");
    assert!(!fs::read_to_string(at.join("index.json")).unwrap().contains("v1"));
}

#[test]
fn the_platform_decides_and_not_what_an_entry_calls_itself() {
    let entry = |os: &str, said: Value| -> Descriptor {
        let mut entry = describe(MANIFEST_TYPE, os.as_bytes());
        entry["platform"] = json!({"os": os, "architecture": "amd64"});
        entry["annotations"] = said;
        serde_json::from_value(entry).unwrap()
    };
    let disguised = entry("linux", json!({"vnd.docker.reference.type": "attestation-manifest"}));
    let images = [entry("windows", json!({})), disguised.clone()];
    assert_eq!(image_for(&images, &"linux/amd64".parse().unwrap()), Some(&disguised));
}
