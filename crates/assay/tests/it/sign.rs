//! `key`, `sign`, `attest` and their like for files, against registries, key services and plug-ins in process.

use crate::{Place, Ran, image};
use assay_test::http::{Reply, Request, Server};
use assay_test::image::{BuiltImage, INDEX, digest, index};
use assay_test::pushable::{Behaviour, Pushable};
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const PASSWORD: (&str, &str) = ("ASSAY_KEY_PASSWORD", "secret");
const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers: [{name: production}]\nrules:\n  - vulnerabilities: {max: {critical: 0}, fix: fixed}\n";
const SBOM: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.5","components":[]}"#;

impl Place {
    fn with_password(&self, arguments: &[&str]) -> Ran {
        self.run_with(&[&["--quiet"], arguments].concat(), &[PASSWORD])
    }

    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let ran = self.with_password(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.stderr);
        ran.stdout
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A place with a key `k`, and `other`.
    fn with_keys() -> Self {
        let place = Self::new();
        place.done(&["key", "generate", "--out", "k"]);
        place.done(&["key", "generate", "--out", "other"]);
        place
    }
}

/// The same image as another one: what its manifest says is not the same to the byte.
fn second() -> BuiltImage {
    let mut second = image();
    second.manifest.push(b' ');
    second
}

/// A registry with an index of two images.
fn multi() -> (Server, String, [String; 3]) {
    let (registry, server, _) = registry();
    let (first, second) = (image(), second());
    registry.image("acme/app", "arm", &second);
    let index = index(&[&first, &second]);
    registry.manifest("acme/app", "multi", INDEX, &index);
    let name = format!("{}/acme/app", server.host());
    (server, name, [digest(&index), first.digest(), second.digest()])
}

fn registry() -> (Pushable, Server, String) {
    let registry = Pushable::new(Behaviour { referrers: true, ..Behaviour::default() });
    registry.image("acme/app", "1", &image());
    let server = registry.serve();
    let name = format!("{}/acme/app:1", server.host());
    (registry, server, name)
}

#[test]
fn a_key_is_written_once_and_for_its_owner_only() {
    let place = Place::new();
    assert_eq!(place.done(&["key", "generate", "--out", "k"]), "");
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("k.key"), mode("k.pub")), (0o600, 0o644));
    let (key, public) = (place.read("k.key"), place.read("k.pub"));
    assert!(key.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"));
    assert_eq!(place.done(&["key", "public", "k.key"]), public);
    assert_eq!(place.done(&["key", "public", "k.pub"]), public);

    let again = place.with_password(&["key", "generate", "--out", "k"]);
    assert_eq!((again.code, place.read("k.key") == key), (2, true));
    assert!(again.stderr.contains("`k.key` is there already"), "{}", again.stderr);
    place.done(&["key", "generate", "--out", "k", "--force", "--algorithm", "ed25519"]);
    assert_ne!(place.read("k.pub"), public);
    let shown = place.done(&["key", "inspect", "--json", "k.pub"]);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["algorithm"], &shown["kind"]), (&json!("ed25519"), &json!("public key")));
    // Nothing is asked for to say what an encrypted file is.
    let shown = place.run(&["key", "inspect", "k.key"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    assert!(shown.stdout.contains("scrypt (N=65536"), "{}", shown.stdout);
}

#[test]
fn a_password_is_needed_and_must_be_right() {
    let place = Place::with_keys();
    place.write("file", "content");
    let sign = ["sign-blob", "--key", "k.key", "file"];
    let none = place.run(&sign);
    assert_eq!((none.code, none.stdout.as_str()), (2, ""));
    assert!(none.stderr.contains("there is no terminal to ask"), "{}", none.stderr);
    let wrong = place.run_with(&sign, &[("COSIGN_PASSWORD", "wrong")]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (2, ""));
    assert!(
        wrong.stderr.contains("the password is wrong") && !wrong.stderr.contains("secret"),
        "{}",
        wrong.stderr
    );
    // Of two variables the one that says something counts; CI systems set the others to nothing.
    let right = place.run_with(&sign, &[("ASSAY_KEY_PASSWORD", ""), ("COSIGN_PASSWORD", "secret")]);
    assert_eq!(right.code, 0, "{}", right.stderr);
    let variable = place.read("k.key");
    let of_variable = place.run_with(
        &["sign-blob", "--key", "env://RELEASE_KEY", "file"],
        &[PASSWORD, ("RELEASE_KEY", &variable)],
    );
    assert_eq!(of_variable.code, 0, "{}", of_variable.stderr);
    let unset = place.run_with(&["sign-blob", "--key", "env://RELEASE_KEY", "file"], &[PASSWORD]);
    assert!(unset.stderr.contains("`RELEASE_KEY` holds no key"), "{}", unset.stderr);
}

#[test]
fn files_are_signed_and_verified() {
    let place = Place::with_keys();
    place.write("file", "content");
    place.write("changed", "contend");
    place.write("sbom.json", SBOM);
    place.done(&[
        "sign-blob",
        "--key",
        "k.key",
        "--bundle",
        "bundle",
        "--output-signature",
        "signature",
        "file",
    ]);
    let bundle: Value = serde_json::from_str(&place.read("bundle")).unwrap();
    assert_eq!(bundle["messageSignature"]["signature"], place.read("signature").trim());
    let verify =
        |key: &str, file: &str| place.run(&["verify-blob", "--key", key, "--bundle", "bundle", file]).code;
    assert_eq!(verify("k.pub", "file"), 0);
    assert_ne!(verify("k.pub", "changed"), 0);
    assert_ne!(verify("other.pub", "file"), 0);

    let attest = ["attest-blob", "--key", "k.key", "--type", "cyclonedx", "--predicate", "sbom.json", "file"];
    let bundle: Value = serde_json::from_str(&place.done(&attest)).unwrap();
    assert_eq!(bundle["dsseEnvelope"]["payloadType"], "application/vnd.in-toto+json");
    let wrong = ["attest-blob", "--key", "k.key", "--type", "spdx", "--predicate", "sbom.json", "file"];
    let wrong = place.with_password(&wrong);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("it has no `spdxVersion`"), "{}", wrong.stderr);
}

#[test]
fn images_are_signed_in_every_form_and_verified() {
    let place = Place::with_keys();
    for flags in [&[][..], &["--legacy"]] {
        let (_registry, _server, name) = registry();
        let verify =
            |key: &str, more: &[&str]| place.run(&[&["verify", "--key", key], more, &[&name]].concat()).code;
        assert_eq!(verify("k.pub", &[]), 1);
        let sign =
            |key: &str| place.done(&[&["sign", "--key", key, "-a", "build=7"], flags, &[&name]].concat());
        assert!(sign("k.key").contains("signed by key"));
        assert!(sign("k.key").contains("already"));
        assert_eq!((verify("k.pub", &[]), verify("other.pub", &[])), (0, 1));
        assert_eq!((verify("k.pub", &["-a", "build=7"]), verify("k.pub", &["-a", "build=8"])), (0, 1));
        assert!(sign("other.key").contains("signed by key"));
        assert_eq!((verify("k.pub", &[]), verify("other.pub", &[])), (0, 0));
    }
}

#[test]
fn all_of_an_index_is_signed_by_all_keys() {
    let place = Place::with_keys();
    let (_server, name, digests) = multi();
    let told = place.done(&["sign", "--key", "k.key", "--key", "other.key", "-r", &format!("{name}:multi")]);
    assert_eq!(told.lines().count(), 6, "{told}");
    for digest in digests {
        for key in ["k.pub", "other.pub"] {
            let ran = place.run(&["verify", "--key", key, &format!("{name}@{digest}")]);
            assert_eq!(ran.code, 0, "{digest}: {}", ran.stderr);
        }
    }
}

#[test]
fn images_are_attested() {
    let place = Place::with_keys();
    place.write("sbom.json", SBOM);
    place.write("policy.yaml", POLICY);
    for flags in [&[][..], &["--legacy"]] {
        let (_registry, _server, name) = registry();
        let attest = |arguments: &[&str], variables: &[(&str, &str)]| {
            let all = [&["--quiet", "attest", "--key", "k.key"], arguments, flags, &[&name]].concat();
            place.run_with(&all, &[&[PASSWORD], variables].concat())
        };
        let verified = |key: &str, kind: &str| {
            place.run(&["verify-attestation", "--key", key, "--type", kind, &name]).code
        };
        assert_eq!(attest(&["--type", "cyclonedx", "--predicate", "sbom.json"], &[]).code, 0);
        let again = attest(&["--type", "cyclonedx", "--predicate", "sbom.json"], &[]);
        assert!(again.stdout.contains("already"), "{}", again.stdout);
        assert_eq!((verified("k.pub", "cyclonedx"), verified("other.pub", "cyclonedx")), (0, 1));
        assert_eq!(verified("k.pub", "slsa"), 1);

        let nobody = attest(&["--type", "slsa"], &[]);
        assert_eq!(nobody.code, 2);
        assert!(nobody.stderr.contains("hint: name the builder with `--builder URI`"), "{}", nobody.stderr);
        let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "acme/app"), ("GITHUB_SHA", "abc")];
        let made = attest(&["--type", "slsa"], &github);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert_eq!(verified("k.pub", "slsa"), 0);

        let verdict = ["gate", &name, "--policy", "policy.yaml", "--tier", "production"];
        let judged = place.run(&[&verdict[..], &["--output", "json=verdict.json"]].concat());
        assert_eq!(judged.code, 1, "{}{}", judged.stdout, judged.stderr);
        let made =
            attest(&["--type", "verdict", "--predicate", "verdict.json", "--policy", "policy.yaml"], &[]);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert_eq!(verified("k.pub", "verdict"), 0);
        let scanned = attest(&["--scan"], &[]);
        assert_eq!(scanned.code, 0, "{}", scanned.stderr);
        assert_eq!((verified("k.pub", "vuln"), verified("k.pub", "vulns")), (0, 0));
        // Attestations are no signatures.
        assert_eq!(place.run(&["verify", "--key", "k.pub", &name]).code, 1);
    }
}

#[test]
fn a_key_is_replaced_where_it_signed() {
    let place = Place::with_keys();
    let (registry, server, name) = registry();
    registry.image("acme/app", "2", &second());
    let other = format!("{}/acme/app:2", server.host());
    place.done(&["sign", "--key", "k.key", "-a", "build=7", &name]);
    place.done(&["sign", "--key", "k.key", "--legacy", &name]);
    // What cannot be read does not stop the rest.
    let gone = format!("{}/acme/gone:1", server.host());
    place.write("broken.txt", format!("{gone}\nno image:\n{other}\n{name}\n"));
    let rotate = ["key", "rotate", "--old-key", "k.pub", "--new-key", "other.key", "--from", "broken.txt"];
    let ran = place.with_password(&rotate);
    assert_eq!((ran.code, ran.stdout.lines().count()), (2, 3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("acme/gone:1") && ran.stderr.contains("no image:"), "{}", ran.stderr);
    place.write("list.txt", format!("# deployed\n{name}\n\n{other}\n"));
    let rotate = ["key", "rotate", "--old-key", "k.pub", "--new-key", "other.key", "--from", "list.txt"];
    let ran = place.with_password(&rotate);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    assert!(lines[2].contains("is not signed by the old key"), "{}", ran.stdout);
    let verify = |image: &str, more: &[&str]| {
        place.run(&[&["verify", "--key", "other.pub"], more, &[image]].concat()).code
    };
    assert_eq!((verify(&name, &["-a", "build=7"]), verify(&other, &[])), (0, 1));
    assert!(registry.tags("acme/app").iter().any(|tag| tag.ends_with(".sig")));
    let same = ["key", "rotate", "--old-key", "k.pub", "--new-key", "k.key", &name];
    assert_eq!(place.with_password(&same).code, 2);
}

#[test]
fn keys_of_an_index_and_its_images_are_replaced() {
    let place = Place::with_keys();
    let (_server, name, [_, first, second]) = multi();
    let multi = format!("{name}:multi");
    let rotate = |more: &[&str]| {
        let rotate = ["key", "rotate", "--old-key", "k.pub", "--new-key", "other.key", &multi];
        let ran = place.with_password(&[&rotate[..], more].concat());
        (ran.code, ran.stdout)
    };
    let verified =
        |digest: &str| place.run(&["verify", "--key", "other.pub", &format!("{name}@{digest}")]).code == 0;
    place.done(&["sign", "--key", "k.key", &format!("{name}@{first}")]);
    let (code, told) = rotate(&["--recursive"]);
    assert_eq!((code, told.matches("is not signed by the old key").count()), (1, 2), "{told}");
    assert!(verified(&first) && !verified(&second));
    // Every image in it that runs is as good as the index.
    place.done(&["sign", "--key", "k.key", &format!("{name}@{second}")]);
    assert_eq!(rotate(&[]).0, 1, "the index alone");
    let (code, told) = rotate(&["--recursive"]);
    assert_eq!((code, told.lines().count()), (0, 2), "{told}");
    assert!(verified(&second));
}

/// A signature that is listed and cannot be read may be the one that is to be replaced.
#[test]
fn a_signature_that_cannot_be_read_is_not_taken_for_none() {
    let place = Place::with_keys();
    place.layout("layout", &image());
    place.done(&["sign", "--key", "k.key", "oci:layout:app"]);
    let blobs = fs::read_dir(place.path("layout/blobs/sha256")).unwrap().map(|entry| entry.unwrap().path());
    let bundle = blobs
        .into_iter()
        .find(|path| fs::read(path).unwrap().windows(12).any(|part| part == b"dsseEnvelope"));
    fs::remove_file(bundle.unwrap()).unwrap();
    let rotate = ["key", "rotate", "--old-key", "k.pub", "--new-key", "other.key", "oci:layout:app"];
    let ran = place.with_password(&rotate);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("cannot read every signature"), "{}", ran.stderr);
}

/// Nor is one whose manifest is gone, whatever else is there: its annotations would be lost with the old key.
#[test]
fn a_signature_that_is_not_there_is_not_taken_for_none() {
    let place = Place::with_keys();
    for signed in [false, true] {
        let (registry, server, name) = registry();
        let sign = |more: &[&str]| place.done(&[&["sign", "--key", "k.key", &name], more].concat());
        sign(&["-a", "build=7"]);
        let seen = server.requests();
        let put = seen
            .iter()
            .rev()
            .find(|request| request.method == "PUT" && request.target.contains("/manifests/"));
        let manifest = put.unwrap().target.rsplit('/').next().unwrap();
        if signed {
            sign(&[]);
        }
        assert!(registry.get("acme/app", manifest).is_some(), "{manifest}");
        let missing = manifest.to_owned();
        let whole = registry.clone();
        let damaged = Server::start(move |request| match request.target.ends_with(&missing) {
            true => Reply::new(404, "{}"),
            false => whole.answer(request),
        });
        let name = format!("{}/acme/app:1", damaged.host());
        let rotate = ["key", "rotate", "--old-key", "k.pub", "--new-key", "other.key", &name];
        let ran = place.with_password(&rotate);
        assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains("cannot read every signature"), "{}", ran.stderr);
        assert!(ran.stderr.contains("manifest is missing"), "{}", ran.stderr);
        // What can be read is signed all the same.
        assert_eq!(ran.stdout.contains("signed by key"), signed, "{}", ran.stdout);
    }
}

/// A certificate for signing code and its root, from 2020 to 2120, and the key, all made by `openssl` for this test.
pub(crate) const CHAIN: &str = include_str!("../../testdata/sign/chain.pem");
pub(crate) const CHAIN_KEY: &str = include_str!("../../testdata/sign/leaf.key");

#[test]
fn a_signature_of_the_notary_project_is_made_once() {
    let place = Place::with_keys();
    let (_registry, _server, name) = registry();
    place.write("chain.pem", CHAIN);
    place.write("leaf.key", CHAIN_KEY);
    for envelope in ["jws", "cose"] {
        let sign = |more: &[&str]| {
            let sign = [
                "sign",
                "--format",
                "notation",
                "--envelope",
                envelope,
                "--certificate-chain",
                "chain.pem",
                &name,
            ];
            place.with_password(&[&sign[..], more].concat())
        };
        // A key that the certificates are not of stops it before anything is signed, whatever its place.
        let ran = sign(&["--key", "leaf.key", "--key", "k.key"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{}", ran.stderr);
        assert!(ran.stderr.contains("not that of the key that signs"), "{}", ran.stderr);
        let ran = sign(&["--key", "leaf.key", "--expires", "2020-01-01"]);
        assert!(ran.code == 2 && ran.stderr.contains("hint: name a later time"), "{}", ran.stderr);
        for (more, again) in
            [(&[][..], false), (&[], true), (&["-a", "build=7"], false), (&["-a", "build=7"], true)]
        {
            let ran = sign(&[&["--key", "leaf.key"], more].concat());
            assert_eq!(ran.code, 0, "{}", ran.stderr);
            assert_eq!(ran.stdout.contains("already"), again, "{envelope} {more:?}: {}", ran.stdout);
        }
    }
}

/// Vault's transit engine, with a key that `assay` made.
#[test]
fn a_key_service_is_asked_over_the_network() {
    let place = Place::with_keys();
    place.write("file", "content");
    let public = place.read("k.pub");
    let server = Server::start(move |request: &Request| {
        assert_eq!(request.header("x-vault-token"), Some("token"));
        if request.target == "/v1/transit/keys/release" {
            let keys = json!({"1": {"public_key": public}});
            return Reply::new(
                200,
                json!({"data": {"latest_version": 1, "type": "ecdsa-p256", "keys": keys}}).to_string(),
            );
        }
        Reply::new(403, r#"{"errors":["permission denied"]}"#)
    });
    let address = format!("http://{}", server.host());
    let vault = [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", "token")];
    let shown = place.run_with(&["key", "public", "hashivault://release"], &vault);
    assert_eq!((shown.code, shown.stdout), (0, place.read("k.pub")), "{}", shown.stderr);
    let refused = place.run_with(&["sign-blob", "--key", "hashivault://release", "file"], &vault);
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
    assert!(
        refused.stderr.contains("answered 403") && refused.stderr.contains("permission denied"),
        "{}",
        refused.stderr
    );
    let elsewhere = [("VAULT_ADDR", "https://vault.example"), ("VAULT_TOKEN", "token")];
    let offline = place.run_with(&["--offline", "key", "public", "hashivault://release"], &elsewhere);
    assert_eq!(offline.code, 2);
    assert!(offline.stderr.contains("while offline"), "{}", offline.stderr);
    let elsewhere = [("VAULT_ADDR", "https://me:hunter2@vault.example"), ("VAULT_TOKEN", "token")];
    let offline = place.run_with(&["--offline", "key", "public", "hashivault://release"], &elsewhere);
    assert!(
        offline.stderr.contains("`vault.example`") && !offline.stderr.contains("hunter2"),
        "{}",
        offline.stderr
    );
}

#[test]
fn what_names_no_key_is_said() {
    let place = Place::new();
    place.write("file", "content");
    let error = |key: &str| {
        let ran = place.with_password(&["sign-blob", "--key", key, "file"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("hint: "), "{}", ran.stderr);
        ran.stderr
    };
    assert!(error("none.key").contains("cannot read the key `none.key`"));
    assert!(error("file").contains("cannot read the private key in `file`"));
    assert!(error("k8s://a/b").contains("`k8s://` is no kind of key"));
    assert!(error("hashivault://a/b").contains("hashivault://KEY"));
    assert!(error("plugin://nobody.has/it").contains("there is no plug-in `nobody.has`"));
}
