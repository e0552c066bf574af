//! Admission by what is attached to images: against `assay gate` on the same registry, and while signatures come and go.

use crate::serve::Serving;
use crate::sign::{CHAIN, CHAIN_KEY};
use crate::{Place, image};
use assay_sign::bundle::Bundle;
use assay_test::image::{INDEX, MANIFEST, descriptor, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use mint::{ISSUER, SUBJECT, Sigstore};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "one signature of it is enough here")]
#[path = "../../../assay-sign/tests/it/mint.rs"]
mod mint;

const PASSWORD: [(&str, &str); 1] = [("ASSAY_KEY_PASSWORD", "secret")];
const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#;
const CVE: &str = "CVE-2019-14234";

const HEAD: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: test}
tiers:
  - name: production
    match: {namespaces: [prod]}
";

/// A registry in this process, keys, and what a cluster would ask.
struct World {
    place: Place,
    registry: Pushable,
    host: String,
    _server: assay_test::http::Server,
}

impl World {
    fn new(policy: &str) -> Self {
        Self::on(policy, true)
    }

    /// On a registry with or without the list of referrers.
    fn on(policy: &str, referrers: bool) -> Self {
        let place = Place::new();
        for key in ["release", "audit", "other"] {
            done(&place, &["key", "generate", "--out", key]);
        }
        place.write("policy.yaml", policy);
        let registry = Pushable::new(Behaviour { referrers, ..Behaviour::default() });
        let server = registry.serve();
        Self { place, registry, host: server.host(), _server: server }
    }

    fn name(&self, repository: &str) -> String {
        format!("{}/{repository}:1", self.host)
    }

    fn serve(&self, more: &[&str]) -> Serving {
        let policy = ["--policy", "policy.yaml", "--anonymous-admission"];
        Serving::start_with(&self.place, &self.host, &[&policy, more].concat())
    }

    /// Tells of a push as the registry would.
    fn push(&self, server: &Serving, repository: &str, tag: &str, digest: &str) {
        let event = json!({ "events": [{ "action": "push",
            "target": { "mediaType": MANIFEST, "digest": digest, "repository": repository, "tag": tag },
            "request": { "host": self.host } }] });
        let answer = server.ask(&self.place, "POST", "/webhooks/distribution", &event.to_string());
        assert_eq!(answer["taken"], 1);
    }

    /// Asks whether a pod may run, and why not.
    fn admit(&self, server: &Serving, image: &str) -> (bool, String) {
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "u", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "CREATE",
                "namespace": "prod", "userInfo": { "username": "anna" },
                "object": { "spec": { "containers": [{ "name": "c", "image": image }] } },
            },
        });
        let answer = server.ask(&self.place, "POST", "/admission/validate", &review.to_string());
        let message = answer["response"]["status"]["message"].as_str().unwrap_or_default();
        (answer["response"]["allowed"] == true, message.to_owned())
    }

    /// Asks until what is answered is what is waited for.
    #[track_caller]
    fn until(&self, what: &str, mut is_so: impl FnMut() -> Result<(), String>) {
        let begun = Instant::now();
        while let Err(now) = is_so() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{what}: {now}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn until_admitted(&self, server: &Serving, image: &str) {
        self.until("it is not admitted", || {
            let (admitted, why) = self.admit(server, image);
            if admitted { Ok(()) } else { Err(why) }
        });
    }

    #[track_caller]
    fn until_denied(&self, server: &Serving, image: &str, why: &str) {
        self.until("it is not denied so", || {
            let (admitted, said) = self.admit(server, image);
            if !admitted && said.contains(why) { Ok(()) } else { Err(format!("{admitted} {said}")) }
        });
    }

    /// Returns the digests of what refers to an image.
    fn referrers(&self, repository: &str, subject: &str) -> Vec<String> {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let path = format!("/v2/{repository}/referrers/{subject}");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.host).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let list: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
        let entries = list["manifests"].as_array().unwrap().iter();
        entries.map(|entry| entry["digest"].as_str().unwrap().to_owned()).collect()
    }

    fn evidence(&self, server: &Serving, subject: &str) -> Value {
        server.ask(&self.place, "GET", &format!("/api/v1/images/{subject}/evidence"), "")
    }

    fn events(&self, server: &Serving, subject: &str) -> Vec<String> {
        let events = server.ask(&self.place, "GET", &format!("/api/v1/events?digest={subject}"), "");
        let kinds = events["items"].as_array().unwrap().iter();
        kinds
            .map(|event| event["kind"].as_str().unwrap().to_owned())
            .filter(|kind| kind.starts_with("evidence-"))
            .collect()
    }
}

fn done(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run_with(&[&["--quiet"], arguments].concat(), &PASSWORD);
    assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[test]
fn an_unsigned_image_runs_once_it_is_signed_and_no_more_when_the_signature_is_gone() {
    let policy = format!(
        "{HEAD}rules:\n  - signed: {{of: [release]}}\ntrust: {{release: {{keys: [{{file: release.pub}}]}}}}\n"
    );
    let world = World::new(&policy);
    let image = image();
    world.registry.image("acme/app", "1", &image);
    let (name, subject) = (world.name("acme/app"), image.digest());
    let pinned = format!("{name}@{subject}");

    // Nothing is asked again by itself: what changes is known from events.
    let server = world.serve(&["--refresh-evidence", "0"]);
    world.push(&server, "acme/app", "1", &subject);
    world.until_denied(&server, &pinned, "no evidence: the image has no signature (wanted by `release`)");
    done(&world.place, &["sign", "--key", "other.key", &name]);
    let other = world.referrers("acme/app", &subject).pop().unwrap();
    world.push(&server, "acme/app", "", &other);
    world.until_denied(&server, &pinned, "no signature that counts (wanted by `release`)");
    done(&world.place, &["sign", "--key", "release.key", &name]);
    let mut all = world.referrers("acme/app", &subject);
    all.retain(|digest| *digest != other);
    let release = all.pop().unwrap();
    world.push(&server, "acme/app", "", &release);
    world.until_admitted(&server, &pinned);

    let list = world.evidence(&server, &subject);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{list}");
    assert_eq!(
        (&items[0]["carrier"], &items[1]["carrier"]),
        (&other.clone().into(), &release.clone().into())
    );
    assert!(items[0]["refused"][0]["why"].as_str().unwrap().contains("not with `"), "{list}");
    assert!(items[1]["verified"][0]["by"].as_str().unwrap().starts_with("key "), "{list}");
    let page = server.ask(&world.place, "GET", &format!("/api/v1/images/{subject}/evidence?limit=1"), "");
    let next = page["next"].as_i64().unwrap();
    let rest = format!("/api/v1/images/{subject}/evidence?limit=1&after={next}");
    assert_eq!(server.ask(&world.place, "GET", &rest, "")["items"][0], items[1]);
    drop(server);

    // Registries do not tell of what is taken away.
    let server = world.serve(&["--refresh-evidence", "1"]);
    world.until_admitted(&server, &pinned);
    world.registry.remove("acme/app", &release);
    world.until_denied(&server, &pinned, "no signature that counts (wanted by `release`)");
    let list = world.evidence(&server, &subject);
    assert!(list["items"][0]["goneAt"].is_null() && !list["items"][1]["goneAt"].is_null(), "{list}");
    assert_eq!(world.events(&server, &subject), ["evidence-added", "evidence-added", "evidence-gone"]);
    drop(server);

    // It is put back, and then its key counts no more: the policy is another.
    done(&world.place, &["sign", "--key", "release.key", &name]);
    let server = world.serve(&["--refresh-evidence", "1"]);
    world.until_admitted(&server, &pinned);
    drop(server);
    world.place.write("policy.yaml", policy.replace("release.pub}", "release.pub, revoked: true}"));
    let server = world.serve(&["--refresh-evidence", "1"]);
    let (admitted, why) = world.admit(&server, &pinned);
    assert!(!admitted && why.contains("no signature that counts"), "{why}");
    drop(server);

    // The policy's text says the same as at first, and the file that it names is another key.
    world.place.write("policy.yaml", policy);
    let server = world.serve(&["--refresh-evidence", "1"]);
    world.until_admitted(&server, &pinned);
    drop(server);
    std::fs::copy(world.place.path("audit.pub"), world.place.path("release.pub")).unwrap();
    let server = world.serve(&["--refresh-evidence", "1"]);
    let (admitted, why) = world.admit(&server, &pinned);
    assert!(!admitted && why.contains("no signature that counts"), "{why}");
}

#[test]
fn tags_that_stand_for_what_is_attached_are_looked_at_when_they_are_pushed_and_are_no_images() {
    let policy = format!(
        "{HEAD}rules:\n  - signed: {{of: [release]}}\ntrust: {{release: {{keys: [{{file: release.pub}}]}}}}\n"
    );
    for (flags, suffix) in [(&["--legacy"][..], ".sig"), (&[], "")] {
        let world = World::on(&policy, false);
        let image = image();
        world.registry.image("acme/app", "1", &image);
        let (name, subject) = (world.name("acme/app"), image.digest());
        let pinned = format!("{name}@{subject}");
        let server = world.serve(&["--refresh-evidence", "0"]);
        world.push(&server, "acme/app", "1", &subject);
        world.until_denied(&server, &pinned, "no evidence: the image has no signature");
        done(&world.place, &[&["sign", "--key", "release.key"], flags, &[&name]].concat());
        // The signature, or the list of all that refers to the image.
        let tag = format!("{}{suffix}", subject.replace(':', "-"));
        let tagged = digest(&world.registry.get("acme/app", &tag).unwrap());
        world.push(&server, "acme/app", &tag, &tagged);
        world.until_admitted(&server, &pinned);
        let images = server.ask(&world.place, "GET", "/api/v1/images", "");
        assert_eq!(images["items"].as_array().unwrap().len(), 1, "{images}");
    }
}

/// Attaches a bundle as cosign does.
fn attach(world: &World, repository: &str, subject: &str, size: usize, bundle: &Bundle) {
    let bytes = bundle.to_json();
    world.registry.blob(repository, b"{}");
    world.registry.blob(repository, &bytes);
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind,
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [descriptor(kind, &bytes)],
        "subject": { "mediaType": MANIFEST, "digest": subject, "size": size },
    })
    .to_string();
    world.registry.manifest(repository, &digest(manifest.as_bytes()), MANIFEST, manifest.as_bytes());
}

/// What the verdict is to be about.
fn rules(root: &str) -> String {
    format!(
        "{HEAD}rules:
  - signed: {{of: [release]}}
  - {{id: two-of-three, signed: {{of: [release, audit, other], atLeast: 2}}}}
  - {{id: keyless, signed: {{of: [workflow]}}}}
  - {{id: notary, signed: {{of: [partner]}}}}
  - {{id: bill, attested: {{type: cyclonedx, of: [release]}}}}
  - {{id: judged, attested: {{type: verdict, of: [audit], conditions: [\"predicate.verificationResult == 'PASSED'\"]}}}}
  - vulnerabilities: {{max: {{critical: 0}}, fix: fixed}}
vex: {{honour: [release]}}
trust:
  release: {{keys: [{{file: release.pub}}]}}
  audit: {{keys: [{{file: audit.pub}}]}}
  other: {{keys: [{{file: other.pub}}]}}
  workflow: {{keyless: {{issuer: {ISSUER}, subject: {SUBJECT}, trustedRoot: {root}}}}}
  partner: {{notation: {{ca: [chain.pem]}}}}
"
    )
}

#[test]
fn admission_says_of_the_same_registry_what_the_gate_says() {
    let world = World::new(&rules("trusted.json"));
    let sigstore = Sigstore::new();
    let place = &world.place;
    place.write("trusted.json", sigstore.trusted_root().to_string());
    place.write("sbom.json", SBOM);
    place.write(
        "lax.yaml",
        format!("{HEAD}rules:\n  - vulnerabilities: {{max: {{critical: 9}}, fix: fixed}}\n"),
    );
    let image = image();
    let subject = image.digest();
    let vex = ["vex", "create", "--author", "Team", "--vulnerability", CVE, "--product", &subject];
    let status = ["--status", "not_affected", "--justification", "vulnerable_code_not_in_execute_path"];
    done(place, &[&vex[..], &status, &["--output", "vex.json"]].concat());

    // Of each repository: what is attached in it, and which rules it does not satisfy.
    type Attach<'a> = &'a dyn Fn(&str);
    let sign = |key: &str, name: &str| drop(done(place, &["sign", "--key", key, name]));
    let attest = |key: &str, kind: &str, file: &str, name: &str| {
        done(place, &["attest", "--key", key, "--type", kind, "--predicate", file, name]);
    };
    let all = ["signed", "two-of-three", "keyless", "notary", "bill", "judged", "vulnerabilities"];
    let but = |left_out: &[&str]| -> BTreeSet<String> {
        all.iter().filter(|id| !left_out.contains(id)).map(|id| (*id).to_owned()).collect()
    };
    let keyless = |name: &str| {
        let repository = name.split_once('/').unwrap().1.trim_end_matches(":1").to_owned();
        let (kind, hex) = ("https://sigstore.dev/cosign/sign/v1", subject.trim_start_matches("sha256:"));
        let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": kind,
            "subject": [{ "digest": { "sha256": hex } }], "predicate": {} });
        let bundle = sigstore.sign_envelope(statement.to_string().as_bytes());
        attach(&world, &repository, &subject, image.manifest.len(), &bundle);
    };
    place.write("chain.pem", CHAIN);
    place.write("leaf.key", CHAIN_KEY);
    let notary = |name: &str| {
        let sign = ["sign", "--format", "notation", "--certificate-chain", "chain.pem", "--key", "leaf.key"];
        done(place, &[&sign[..], &[name]].concat());
    };
    let verdict = |key: &str, policy: &str, name: &str| {
        let gate = ["gate", name, "--policy", policy, "--output", "json=verdict.json"];
        place.run(&gate);
        let attest = ["attest", "--key", key, "--type", "verdict", "--predicate", "verdict.json"];
        done(place, &[&attest[..], &["--policy", policy, name]].concat());
    };
    let cases: [(&str, Attach<'_>, BTreeSet<String>); 13] = [
        ("bare", &|_| {}, but(&[])),
        ("signed", &|name| sign("release.key", name), but(&["signed"])),
        (
            "legacy",
            &|name| drop(done(place, &["sign", "--legacy", "--key", "release.key", name])),
            but(&["signed"]),
        ),
        ("stranger", &|name| sign("other.key", name), but(&[])),
        (
            "both",
            &|name| {
                sign("release.key", name);
                sign("other.key", name);
            },
            but(&["signed", "two-of-three"]),
        ),
        (
            "twice-by-one",
            &|name| {
                sign("release.key", name);
                done(place, &["sign", "--legacy", "--key", "release.key", name]);
            },
            but(&["signed"]),
        ),
        ("keyless", &keyless, but(&["keyless"])),
        ("notary", &|name| notary(name), but(&["notary"])),
        ("attested", &|name| attest("release.key", "cyclonedx", "sbom.json", name), but(&["bill"])),
        ("attested-by-another", &|name| attest("other.key", "cyclonedx", "sbom.json", name), but(&[])),
        ("excused", &|name| attest("release.key", "openvex", "vex.json", name), but(&["vulnerabilities"])),
        ("excused-by-another", &|name| attest("audit.key", "openvex", "vex.json", name), but(&[])),
        ("judged", &|name| verdict("audit.key", "lax.yaml", name), but(&["judged"])),
    ];
    for (repository, attach, _) in &cases {
        world.registry.image(repository, "1", &image);
        attach(&world.name(repository));
    }
    let server = world.serve(&["--refresh-evidence", "1"]);
    for (repository, ..) in &cases {
        world.push(&server, repository, "1", &subject);
    }
    for (repository, _, unsatisfied) in &cases {
        let pinned = format!("{}@{subject}", world.name(repository));
        let gate = ["gate", &pinned, "--policy", "policy.yaml", "--namespace", "prod", "--format", "json"];
        let ran = place.run(&gate);
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        let reasons = said["reasons"].as_array().unwrap().iter().filter(|one| one["effect"] == "deny");
        let broken: BTreeSet<String> =
            reasons.clone().map(|one| one["rule"].as_str().unwrap().to_owned()).collect();
        assert_eq!(&broken, unsatisfied, "{repository}: {}{}", ran.stdout, ran.stderr);
        let lines: Vec<String> = reasons
            .map(|one| format!("{} ({})", one["message"].as_str().unwrap(), one["rule"].as_str().unwrap()))
            .collect();
        world.until_denied(&server, &pinned, &lines.join("; "));
        let (admitted, why) = world.admit(&server, &pinned);
        assert_eq!((admitted, why), (false, lines.join("; ")), "{repository}");
    }
}

#[test]
fn a_signed_index_or_all_its_images_signed_is_what_the_gate_admits_too() {
    let policy = format!(
        "{HEAD}rules:\n  - signed: {{of: [release]}}\ntrust: {{release: {{keys: [{{file: release.pub}}]}}}}\n"
    );
    let world = World::new(&policy);
    let (first, second) = (image(), crate::builder().architecture("arm64").build());
    let index = index(&[&first, &second]);
    let subject = digest(&index);
    let sign = |name: &str| drop(done(&world.place, &["sign", "--key", "release.key", name]));
    for repository in ["none", "one", "each", "whole"] {
        world.registry.image(repository, "first", &first);
        world.registry.image(repository, "second", &second);
        world.registry.manifest(repository, "1", INDEX, &index);
        let place = format!("{}/{repository}", world.host);
        match repository {
            "one" => sign(&format!("{place}@{}", first.digest())),
            "each" => [&first, &second].iter().for_each(|one| sign(&format!("{place}@{}", one.digest()))),
            "whole" => sign(&format!("{place}:1")),
            _ => {}
        }
    }
    let server = world.serve(&["--refresh-evidence", "1"]);
    for (repository, code) in [("none", 1), ("one", 1), ("each", 0), ("whole", 0)] {
        world.push(&server, repository, "1", &subject);
        let pinned = format!("{}@{subject}", world.name(repository));
        let ran = world.place.run(&["gate", &pinned, "--policy", "policy.yaml", "--namespace", "prod"]);
        assert_eq!(ran.code, code, "{repository}: {}{}", ran.stdout, ran.stderr);
        if code == 0 {
            world.until_admitted(&server, &pinned);
        } else {
            // The second is not signed, whatever the first is. Until a repository was asked of each, nobody knows.
            let unsigned = if repository == "one" { 1 } else { 2 };
            world.until("it is not denied for each image that is not signed", || {
                let (admitted, why) = world.admit(&server, &pinned);
                let count = why.matches("no evidence: the image has no signature").count();
                if !admitted && count == unsigned { Ok(()) } else { Err(format!("{admitted} {why}")) }
            });
        }
    }
}
