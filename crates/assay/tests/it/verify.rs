//! Signing and verifying on the command line: images in layouts, files, and what is said when something does not fit.

use crate::{Place, image};
use serde_json::Value;

fn place() -> Place {
    let place = Place::new();
    place.layout("app", &image());
    for name in ["one", "two"] {
        ok(&place, &["key", "generate", "--out", name]);
    }
    place
}

/// The password of every key here.
const PASSWORD: [(&str, &str); 1] = [("ASSAY_KEY_PASSWORD", "secret")];

fn ok(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run_with(arguments, &PASSWORD);
    assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    ran.stdout
}

fn refused(place: &Place, arguments: &[&str]) -> String {
    let ran = place.run(arguments);
    assert_eq!(ran.code, 1, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[test]
fn an_image_is_verified_by_whoever_signed_it() {
    let place = place();
    assert!(refused(&place, &["verify", "--key", "one.pub", "oci:app"]).contains("no signature found"));
    ok(&place, &["sign", "--key", "one.key", "-a", "build=7", "oci:app"]);
    assert!(
        ok(&place, &["verify", "--key", "one.pub", "-a", "build=7", "oci:app"]).starts_with("verified: ")
    );
    let other = refused(&place, &["verify", "--key", "two.pub", "oci:app"]);
    assert!(other.contains("1 bundle found: 1 wrong key"), "{other}");
    assert!(
        refused(&place, &["verify", "--key", "one.pub", "-a", "build=8", "oci:app"])
            .contains("wrong annotation")
    );
    let both = ["verify", "--key", "one.pub", "--key", "two.pub", "--threshold", "2", "oci:app"];
    assert!(refused(&place, &both).contains("1 of 2 signers"));
    ok(&place, &["sign", "--legacy", "--key", "two.key", "oci:app"]);
    assert!(ok(&place, &both).contains("2 of 2 signers"));
    let json: Value =
        serde_json::from_str(&ok(&place, &[&both[..], &["--format", "json"]].concat())).unwrap();
    assert_eq!(json["schema"], "assay.verification/v1");
    assert_eq!(json["verified"], true);
    assert_eq!(json["manifests"][0]["signers"].as_array().unwrap().len(), 2);
}

#[test]
fn an_attestation_is_no_signature() {
    let place = place();
    place.write("claim.json", r#"{"builder":{"id":"https://builder.example"}}"#);
    ok(&place, &["attest", "--key", "one.key", "--type", "custom", "--predicate", "claim.json", "oci:app"]);
    assert!(refused(&place, &["verify", "--key", "one.pub", "oci:app"]).contains("1 wrong predicate"));
    let attested = ["verify-attestation", "--key", "one.pub", "oci:app"];
    ok(&place, &[&attested[..], &["--type", "custom"]].concat());
    assert!(
        refused(&place, &[&attested[..], &["--type", "slsa"]].concat())
            .contains("not of `https://slsa.dev/provenance/v1`")
    );
    let wrong = refused(&place, &[&attested[..], &["--where", "/no/such=x"]].concat());
    assert!(wrong.contains("have nothing, want `x`"), "{wrong}");
}

#[test]
fn a_file_is_verified_by_its_bytes_and_by_its_digest() {
    let place = place();
    place.write("disk.img", "bytes of a disk");
    ok(&place, &["sign-blob", "--key", "one.key", "--bundle", "disk.json", "disk.img"]);
    let verify = ["verify-blob", "--key", "one.pub", "--bundle", "disk.json"];
    ok(&place, &[&verify[..], &["disk.img"]].concat());
    let digest = "sha256:1a5f2ac1cbe1c1b9e0dde0c3cd1b6a8f9e4a1b7d6c0ecb2a2b9d0a1c3e5f7081";
    assert!(refused(&place, &[&verify[..], &[digest]].concat()).contains("another artifact"));
    place.write("disk.img", "bytes of another disk");
    assert!(refused(&place, &[&verify[..], &["disk.img"]].concat()).contains("another artifact"));
    assert!(
        refused(&place, &["verify-blob", "--key", "two.pub", "--bundle", "disk.json", "disk.img"])
            .contains("not with")
    );
}

#[test]
fn a_command_line_that_trusts_nobody_or_contradicts_itself_is_refused() {
    let place = place();
    place.write("bundle.json", "{}");
    let identity = ["--certificate-identity", "me", "--certificate-oidc-issuer", "https://issuer.example"];
    for (arguments, words) in [
        (vec!["verify", "oci:app"], "nobody is trusted"),
        (vec!["verify", "--certificate-identity", "me", "oci:app"], "who vouches for it"),
        (vec!["verify", "--certificate-oidc-issuer", "x", "oci:app"], "needs a name"),
        (
            vec!["verify", "--certificate-identity-regexp", "(", "--certificate-oidc-issuer", "x", "oci:app"],
            "not a regular expression",
        ),
        (vec!["verify", "--notation-trust-store", "one.pub", "oci:app"], "whom of it to trust"),
        (
            vec!["verify", "--key", "one.pub", "--trusted-root", "bundle.json", "oci:app"],
            "cannot read the trusted root",
        ),
        (vec!["verify-blob", "--key", "one.pub", "--bundle", "bundle.json", "app"], "cannot read the bundle"),
        (
            [&["verify-blob", "--key", "one.pub", "--bundle", "bundle.json", "app"], &identity[..]].concat(),
            "not with both",
        ),
    ] {
        let ran = place.run(&arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stderr.contains(words) && ran.stderr.contains("hint: "), "{}", ran.stderr);
    }
}
