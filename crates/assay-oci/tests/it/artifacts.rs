//! Artifacts of images: found wherever they are, and written so that none is lost.

use crate::{network, options, sample};
use assay_oci::artifact::{EMPTY, EMPTY_TYPE, Found, INDEX_TYPE, LookOutcome, MANIFEST_TYPE, fallback_tag};
use assay_oci::source::Selector;
use assay_oci::{
    Access, ArtifactKind, Descriptor, NewArtifact, NewLayer, Repository, RepositoryError, TagScheme, Transfer,
};
use assay_test::http::Server;
use assay_test::image::{Tree, digest};
use assay_test::pushable::{Behaviour, Pushable};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

fn registry(behaviour: Behaviour) -> (Pushable, Server) {
    let registry = Pushable::new(behaviour);
    registry.image("acme/app", "v1", &sample());
    let server = registry.serve();
    (registry, server)
}

fn open(server: &Server, access: Access) -> Repository {
    let reference = format!("{}/acme/app:v1", server.host()).parse().unwrap();
    Repository::registry(&reference, access, &network()).unwrap()
}

fn subject() -> Descriptor {
    Descriptor::of(MANIFEST_TYPE, &sample().manifest)
}

fn annotations(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn attach(repository: &Repository, artifact_type: &str, bytes: &str, said: &[(&str, &str)]) -> Found {
    let none = BTreeMap::new();
    let layer = NewLayer { media_type: artifact_type, bytes: bytes.as_bytes(), annotations: &none };
    let annotations = annotations(said);
    let new = NewArtifact { artifact_type, layers: &[layer], annotations: &annotations };
    repository.attach(&subject(), &new).unwrap().found
}

/// Attaches three artifacts, looks for them, and reads one.
fn check_round_trip(repository: &Repository, expected: Found) {
    assert_eq!(attach(repository, "application/spdx+json", "{}", &[("a", "b")]), expected);
    let predicate = [("dev.sigstore.bundle.predicateType", "https://slsa.dev/provenance/v1")];
    attach(repository, BUNDLE, "{\"x\":1}", &predicate);
    attach(repository, "application/vnd.example", "anything", &[]);
    // Once more changes nothing.
    attach(repository, "application/spdx+json", "{}", &[("a", "b")]);

    let found = repository.artifacts(subject().digest, &[]).unwrap();
    assert!(found.problems.is_empty(), "{:?}", found.problems);
    let mut kinds: Vec<_> = found.artifacts.iter().map(|artifact| artifact.kind).collect();
    kinds.sort();
    assert_eq!(kinds, [ArtifactKind::Attestation, ArtifactKind::Sbom, ArtifactKind::Other]);
    assert!(found.artifacts.iter().all(|artifact| artifact.found == [expected]), "{:?}", found.artifacts);
    assert!(found.artifacts.iter().all(|artifact| artifact.listed_type.is_none()));

    let only = repository.artifacts(subject().digest, &[ArtifactKind::Sbom]).unwrap();
    let [sbom] = only.artifacts.as_slice() else { panic!("{:?}", only.artifacts) };
    assert_eq!(sbom.annotations, annotations(&[("a", "b")]));
    assert_eq!(repository.blob(&sbom.layers[0], 2).unwrap(), b"{}");
    let error = repository.blob(&sbom.layers[0], 1).unwrap_err().to_string();
    assert!(error.contains("above the limit of 1"), "{error}");
}

#[test]
fn artifacts_are_attached_where_the_registry_lists_them() {
    let (registry, server) = registry(Behaviour { referrers: true, page: 1, ..Behaviour::default() });
    check_round_trip(&open(&server, Access::Write), Found::Referrers);
    assert_eq!(registry.tags("acme/app"), ["v1"], "the fallback tag is not touched");
}

#[test]
fn artifacts_are_attached_under_the_fallback_tag() {
    for conditional in [false, true] {
        let (registry, server) = registry(Behaviour { conditional, ..Behaviour::default() });
        check_round_trip(&open(&server, Access::Write), Found::FallbackTag);
        let list = registry.get("acme/app", &fallback_tag(&subject().digest)).unwrap();
        let list: Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(list["manifests"].as_array().unwrap().len(), 3);
        assert_eq!(list["manifests"][0]["artifactType"], "application/spdx+json");
        assert_eq!(list["manifests"][0]["annotations"], json!({"a": "b"}));
    }
}

#[test]
fn artifacts_are_attached_in_a_layout() {
    let folder = tempfile::tempdir().unwrap();
    sample().write_layout(folder.path(), "v1");
    check_round_trip(&Repository::layout(folder.path(), Access::Write).unwrap(), Found::Referrers);
    // The image is still the only one in it.
    crate::check_sample(&format!("oci:{}", folder.path().display()));
}

#[test]
fn what_is_written_by_many_at_once_is_all_there() {
    const WRITERS: usize = 16;
    for behaviour in [
        Behaviour::default(),
        Behaviour { conditional: true, ..Behaviour::default() },
        Behaviour { referrers: true, ..Behaviour::default() },
    ] {
        let (_registry, server) = registry(behaviour);
        std::thread::scope(|scope| {
            for writer in 0..WRITERS {
                let server = &server;
                scope.spawn(move || {
                    let repository = open(server, Access::Write);
                    let number = writer.to_string();
                    attach(&repository, "application/vnd.example", &number, &[("number", &number)]);
                    let said = annotations(&[("dev.cosignproject.cosign/signature", &number)]);
                    let layer = NewLayer { media_type: "text/plain", bytes: b"payload", annotations: &said };
                    repository.append_tagged(&subject().digest, TagScheme::Signature, &layer).unwrap();
                });
            }
        });
        let found = open(&server, Access::Read).artifacts(subject().digest, &[]).unwrap();
        let attached = found.artifacts.iter().filter(|artifact| artifact.kind == ArtifactKind::Other);
        let mut numbers: Vec<usize> =
            attached.map(|artifact| artifact.annotations["number"].parse().unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..WRITERS).collect::<Vec<_>>(), "{behaviour:?}");
        let tagged = found.artifacts.iter().find(|one| one.kind == ArtifactKind::Signature).unwrap();
        assert_eq!(tagged.layers.len(), WRITERS, "{behaviour:?}");
    }
}

#[test]
fn a_layout_is_written_by_many_at_once() {
    let folder = tempfile::tempdir().unwrap();
    sample().write_layout(folder.path(), "v1");
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let folder = folder.path();
            scope.spawn(move || {
                let repository = Repository::layout(folder, Access::Write).unwrap();
                attach(&repository, "application/vnd.example", &writer.to_string(), &[]);
                let said = annotations(&[("number", &writer.to_string())]);
                let layer = NewLayer { media_type: "text/plain", bytes: b"payload", annotations: &said };
                repository.append_tagged(&subject().digest, TagScheme::Attestation, &layer).unwrap();
            });
        }
    });
    let found =
        Repository::layout(folder.path(), Access::Read).unwrap().artifacts(subject().digest, &[]).unwrap();
    assert_eq!(found.artifacts.iter().filter(|one| one.found == [Found::Referrers]).count(), 8);
    let tagged = found.artifacts.iter().find(|one| one.kind == ArtifactKind::Attestation).unwrap();
    assert_eq!(
        (tagged.layers.len(), tagged.found.as_slice()),
        (8, &[Found::Tag(TagScheme::Attestation)][..])
    );
}

/// The manifest of an artifact with one layer, and its blobs put into the registry.
fn foreign(registry: &Pushable, artifact_type: &str, layer_type: &str, about: &str) -> Vec<u8> {
    registry.blob("acme/app", EMPTY);
    registry.blob("acme/app", layer_type.as_bytes());
    let describe = |media_type: &str, bytes: &[u8]| json!({"mediaType": media_type, "digest": digest(bytes), "size": bytes.len()});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": artifact_type,
        "config": describe(EMPTY_TYPE, EMPTY), "layers": [describe(layer_type, layer_type.as_bytes())],
        "subject": {"mediaType": MANIFEST_TYPE, "digest": about, "size": 1},
        "annotations": {"dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1"},
    });
    serde_json::to_vec(&manifest).unwrap()
}

#[test]
fn lists_that_old_clients_wrote_are_understood() {
    let (registry, server) = registry(Behaviour::default());
    let signature = foreign(&registry, BUNDLE, BUNDLE, &sample().digest());
    let stranger = foreign(&registry, BUNDLE, BUNDLE, &digest(b"another image"));
    for manifest in [&signature, &stranger] {
        registry.manifest("acme/app", &digest(manifest), MANIFEST_TYPE, manifest);
    }
    // As cosign before 3.2 and go-containerregistry before 0.22.1 write it, with an entry of somebody else's that is no descriptor.
    let entry = |manifest: &[u8]| json!({"mediaType": MANIFEST_TYPE, "digest": digest(manifest), "size": manifest.len(), "artifactType": EMPTY_TYPE});
    let gone =
        json!({"mediaType": MANIFEST_TYPE, "digest": digest(b"gone"), "size": 1, "artifactType": BUNDLE});
    let list = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "x": "kept",
        "manifests": [{"digest": 7}, entry(&signature), entry(&signature), entry(&stranger), gone]});
    let tag = fallback_tag(&subject().digest);
    registry.manifest("acme/app", &tag, INDEX_TYPE, list.to_string().as_bytes());

    let repository = open(&server, Access::Write);
    let found = repository.artifacts(subject().digest, &[ArtifactKind::Signature]).unwrap();
    let [artifact] = found.artifacts.as_slice() else { panic!("{found:?}") };
    assert_eq!((artifact.kind, artifact.artifact_type.as_str()), (ArtifactKind::Signature, BUNDLE));
    assert_eq!(artifact.listed_type.as_deref(), Some(EMPTY_TYPE));
    let problems: Vec<_> = found.problems.iter().map(|problem| problem.reason.as_str()).collect();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(problems[0], "1 entries of the list cannot be understood");
    assert!(problems[1].contains("it is about `sha256:") && problems[2] == "its manifest is missing");
    assert_eq!(found.looked[0].outcome, LookOutcome::Absent);

    // Attached again, the entry is put right, its double goes, and so does what the registry will not have in a list any more.
    repository.push_referrer(&signature).unwrap();
    let list: Value = serde_json::from_slice(&registry.get("acme/app", &tag).unwrap()).unwrap();
    assert_eq!((list["manifests"].as_array().unwrap().len(), &list["x"]), (2, &json!("kept")));
    assert_eq!(list["manifests"][0]["artifactType"], BUNDLE);
    assert_eq!(list["manifests"][1]["digest"], digest(&stranger));
    assert_eq!(
        list["manifests"][0]["annotations"]["dev.sigstore.bundle.predicateType"],
        "https://sigstore.dev/cosign/sign/v1"
    );
}

#[test]
fn a_list_that_is_none_is_not_overwritten() {
    let (registry, server) = registry(Behaviour::default());
    let tag = fallback_tag(&subject().digest);
    for text in ["[]", r#"{"manifests":7}"#, "garbage"] {
        registry.manifest("acme/app", &tag, INDEX_TYPE, text.as_bytes());
        let repository = open(&server, Access::Write);
        let none = BTreeMap::new();
        let layer = NewLayer { media_type: "a/b", bytes: b"x", annotations: &none };
        let new = NewArtifact { artifact_type: "a/b", layers: &[layer], annotations: &none };
        repository.attach(&subject(), &new).unwrap_err();
        assert_eq!(registry.get("acme/app", &tag).unwrap(), text.as_bytes());
    }
}

#[test]
fn attestations_of_buildkit_are_found_in_the_index() {
    let (registry, server) = registry(Behaviour::default());
    let statement = br#"{"_type":"https://in-toto.io/Statement/v0.1"}"#;
    registry.blob("acme/app", statement);
    registry.blob("acme/app", EMPTY);
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(EMPTY), "size": 2},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": digest(statement), "size": statement.len(),
            "annotations": {"in-toto.io/predicate-type": "https://spdx.dev/Document"}}],
    })
    .to_string();
    registry.manifest("acme/app", "unused", MANIFEST_TYPE, manifest.as_bytes());
    let index = json!({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [
        {"mediaType": MANIFEST_TYPE, "digest": sample().digest(), "size": sample().manifest.len(),
            "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": MANIFEST_TYPE, "digest": digest(manifest.as_bytes()), "size": manifest.len(),
            "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": sample().digest()}},
    ]})
    .to_string();
    registry.manifest("acme/app", "multi", INDEX_TYPE, index.as_bytes());
    let repository = open(&server, Access::Read);
    let index = repository.resolve(Some(&Selector::Name("multi".into()))).unwrap();
    let found = repository.artifacts_of_index(&index).unwrap();
    let [artifact] = found.artifacts.as_slice() else { panic!("{found:?}") };
    assert_eq!((artifact.subject, artifact.kind), (subject().digest, ArtifactKind::Attestation));
    assert_eq!(artifact.predicate_type.as_deref(), Some("https://spdx.dev/Document"));
    assert_eq!(repository.blob(&artifact.layers[0], 1000).unwrap(), statement);
}

#[test]
fn blobs_are_mounted_or_sent_and_verified() {
    for no_mount in [false, true] {
        let (registry, server) = registry(Behaviour { no_mount, ..Behaviour::default() });
        let source = open(&server, Access::Read);
        let reference = format!("{}/acme/other:v1", server.host()).parse().unwrap();
        let target = Repository::registry(&reference, Access::Write, &network()).unwrap();
        let bytes = crate::noise(3_000_000);
        registry.blob("acme/app", &bytes);
        let blob = Descriptor::of("application/octet-stream", &bytes);
        let open = || -> std::io::Result<Box<dyn Read + Send>> {
            source.open_blob(&blob).map_err(std::io::Error::other)
        };
        let push = || target.push_blob_from(&blob, &open, Some(&source)).unwrap();
        assert_eq!(push(), if no_mount { Transfer::Sent } else { Transfer::Mounted });
        assert_eq!(push(), Transfer::Present);
        assert_eq!(target.blob(&blob, 3_000_000).unwrap(), bytes);

        let wrong = Descriptor::of("application/octet-stream", b"other bytes");
        let open = || -> std::io::Result<Box<dyn Read + Send>> { Ok(Box::new(Cursor::new("wrong bytes"))) };
        let error = target.push_blob_from(&wrong, &open, None).unwrap_err();
        assert!(matches!(error, RepositoryError::Blob { .. }), "{error}");
        assert!(!target.has_blob(&wrong.digest).unwrap());
    }
}

#[test]
fn what_is_opened_to_be_read_is_not_written() {
    let (_registry, server) = registry(Behaviour::default());
    let repository = open(&server, Access::Read);
    assert!(matches!(repository.push_blob("a/b", b"x"), Err(RepositoryError::ReadOnly { .. })));
    assert!(server.requests().iter().all(|request| matches!(request.method.as_str(), "GET" | "HEAD")));

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let error = Repository::layout(folder.path(), Access::Write).unwrap_err().to_string();
    assert!(error.contains("other things"), "{error}");
    let archive = folder.path().join("a.tar");
    std::fs::write(&archive, sample().oci_archive("v1")).unwrap();
    let repository = Repository::archive(&archive, &options().spool).unwrap();
    assert!(matches!(repository.push_blob("a/b", b"x"), Err(RepositoryError::ReadOnly { .. })));
    assert_eq!(repository.resolve(None).unwrap().descriptor.digest, subject().digest);
    let offline = assay_oci::Network::new(assay_oci::NetworkOptions { offline: true, ..Default::default() });
    let reference = format!("{}/acme/app:v1", server.host()).parse().unwrap();
    Repository::registry(&reference, Access::Write, &offline).unwrap_err();
}

#[test]
fn an_upload_goes_where_the_registry_says_without_its_credentials() {
    use assay_test::http::Reply;
    let storage = Server::start(|request| {
        assert_eq!(request.method, "PUT");
        Reply::new(201, "")
    });
    let host = storage.host();
    let server = Server::start(move |request| match request.method.as_str() {
        _ if request.header("authorization").is_none() && request.target != "/v2/" => {
            Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"x\"")
        }
        "HEAD" => Reply::new(404, ""),
        "POST" => Reply::new(202, "").header("Location", &format!("http://{host}/put?sig=a%2Bb")),
        _ => Reply::new(200, "{}"),
    });
    let password =
        assay_oci::Credentials::Password { user: "u".into(), password: assay_oci::Secret::new("p") };
    let given = vec![(server.host(), password)];
    let credentials = assay_oci::CredentialSources { given, ..Default::default() };
    let options = assay_oci::NetworkOptions { credentials, ..(**network().options()).clone() };
    let reference = format!("{}/acme/app:v1", server.host()).parse().unwrap();
    let repository =
        Repository::registry(&reference, Access::Write, &assay_oci::Network::new(options)).unwrap();
    repository.push_blob("a/b", b"bytes").unwrap();
    let [put] = <[_; 1]>::try_from(storage.requests()).unwrap();
    assert_eq!((put.body.as_slice(), put.header("authorization")), (&b"bytes"[..], None));
    assert!(put.target.starts_with("/put?sig=a%2Bb&digest=sha256%3A"), "{}", put.target);
}

#[test]
fn an_upload_that_breaks_off_is_begun_anew() {
    use assay_test::http::Reply;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (registry, tries) = (Pushable::new(Behaviour::default()), AtomicUsize::new(0));
    let seen = registry.clone();
    let server = Server::start(move |request| {
        if request.method == "PUT" && tries.fetch_add(1, Ordering::SeqCst) < 2 {
            return Reply::new(502, "");
        }
        registry.answer(request)
    });
    let repository = open(&server, Access::Write);
    let bytes = crate::noise(200_000);
    repository.push_blob("a/b", &bytes).unwrap();
    let manifest = json!({"config": {"digest": digest(&bytes)}, "layers": []}).to_string();
    repository.push_manifest(MANIFEST_TYPE, manifest.as_bytes(), Some("t")).unwrap();
    assert_eq!(seen.get("acme/app", "t").unwrap(), manifest.as_bytes());
}

#[test]
fn the_next_page_is_not_asked_for_elsewhere() {
    use assay_test::http::Reply;
    for link in
        ["<http://127.0.0.1:1/v2/acme/app/referrers/x>; rel=next", "</v2/other/manifests/a>; rel=next"]
    {
        let server = Server::start(move |_| {
            Reply::new(200, json!({"schemaVersion": 2, "manifests": []}).to_string()).header("Link", link)
        });
        let error = open(&server, Access::Read).artifacts(subject().digest, &[]).unwrap_err();
        assert!(error.to_string().contains("elsewhere"), "{error}");
    }
}

#[test]
fn a_registry_that_does_not_answer_is_not_called_empty() {
    use assay_test::http::Reply;
    for status in [401, 403, 429, 500] {
        let server = Server::start(move |request| {
            Reply::new(if request.target.contains("referrers") { status } else { 404 }, "")
        });
        open(&server, Access::Read).artifacts(subject().digest, &[]).unwrap_err();
    }
    for status in [400, 404, 405, 501] {
        let server = Server::start(move |request| {
            Reply::new(if request.target.contains("referrers") { status } else { 404 }, "")
        });
        let found = open(&server, Access::Read).artifacts(subject().digest, &[]).unwrap();
        assert!(found.artifacts.is_empty());
    }
}

#[test]
fn a_layout_in_an_archive_gives_its_artifacts() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("layout");
    sample().write_layout(&at, "v1");
    attach(&Repository::layout(&at, Access::Write).unwrap(), "application/spdx+json", "{}", &[]);
    let mut tree = Tree::new();
    let mut add = |name: &Path| {
        let bytes = std::fs::read(at.join(name)).unwrap();
        tree = std::mem::take(&mut tree).file(&name.display().to_string(), bytes);
    };
    for name in ["oci-layout", "index.json"] {
        add(Path::new(name));
    }
    for entry in std::fs::read_dir(at.join("blobs/sha256")).unwrap() {
        add(&Path::new("blobs/sha256").join(entry.unwrap().file_name()));
    }
    let archive = folder.path().join("a.tar");
    std::fs::write(&archive, tree.tar()).unwrap();
    let repository = Repository::archive(&archive, &options().spool).unwrap();
    let found = repository.artifacts(subject().digest, &[]).unwrap();
    assert_eq!(found.artifacts.len(), 1);
    assert_eq!(repository.blob(&found.artifacts[0].layers[0], 10).unwrap(), b"{}");
    crate::check_sample(&format!("oci-archive:{}", archive.display()));
}

#[test]
fn a_writer_asks_for_the_right_to_push_at_once() {
    use assay_test::http::Reply;
    let registry = Pushable::new(Behaviour::default());
    let server = Server::start(move |request| {
        if let Some((_, query)) = request.target.split_once("/token?") {
            let may_push = query.contains("scope=repository%3Aacme%2Fapp%3Apull%2Cpush");
            let token = if may_push { "both" } else { "pull" };
            return Reply::new(200, json!({"token": token}).to_string());
        }
        let reads = matches!(request.method.as_str(), "GET" | "HEAD");
        match request.header("authorization") {
            Some("Bearer both") => registry.answer(request),
            Some("Bearer pull") if reads => registry.answer(request),
            // Some registries refuse what a token does not allow with no word of another token.
            Some(_) => Reply::new(403, ""),
            None => {
                let host = request.header("host").unwrap();
                let challenge = format!(
                    "Bearer realm=\"http://{host}/token\",service=\"s\",scope=\"repository:acme/app:pull\""
                );
                Reply::new(401, "").header("WWW-Authenticate", &challenge)
            }
        }
    });
    open(&server, Access::Write).push_blob("a/b", b"bytes").unwrap();
    let reader = open(&server, Access::Read);
    assert!(reader.has_blob(&Descriptor::of("a/b", b"bytes").digest).unwrap());
    let tokens: Vec<_> =
        server.requests().into_iter().filter(|request| request.target.starts_with("/token")).collect();
    assert_eq!(tokens.len(), 2, "one for each");
    assert!(!tokens[1].target.contains("push"), "a reader does not ask for more than it needs");
}

#[test]
fn a_registry_that_takes_a_right_digest_for_wrong_while_others_push_is_asked_again() {
    use assay_test::http::Reply;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let body = r#"{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match uploaded content"}]}"#;
    for (refusals, is_taken) in [(1, true), (usize::MAX, false)] {
        let (registry, refused) = (Pushable::new(Behaviour::default()), AtomicUsize::new(0));
        let server = Server::start(move |request| {
            let is_manifest = request.method == "PUT" && request.target.contains("/manifests/");
            if is_manifest && refused.fetch_add(1, Ordering::Relaxed) < refusals {
                return Reply::new(400, body);
            }
            registry.answer(request)
        });
        let pushed = open(&server, Access::Write).push_manifest("a/b", b"{}", Some("v1"));
        assert_eq!(pushed.is_ok(), is_taken, "{pushed:?}");
    }
}
