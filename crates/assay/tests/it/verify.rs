//! Signing and verifying on the command line: images in layouts, files, and what is said when something does not fit.

use crate::{Place, builder, image};
use assay_test::image::{INDEX, descriptor, digest, index, layout, write_files};
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
    ok(&place, &[&verify[..], &[&digest(b"bytes of a disk")]].concat());
    let other = digest(b"bytes of another disk");
    assert!(refused(&place, &[&verify[..], &[&other]].concat()).contains("another artifact"));
    place.write("disk.img", "bytes of another disk");
    assert!(refused(&place, &[&verify[..], &["disk.img"]].concat()).contains("another artifact"));
    assert!(
        refused(&place, &["verify-blob", "--key", "two.pub", "--bundle", "disk.json", "disk.img"])
            .contains("not with")
    );
}

#[test]
fn a_signature_of_a_file_is_no_attestation_of_it() {
    let place = place();
    place.write("disk.img", "bytes of a disk");
    place.write("claim.json", "{}");
    ok(&place, &["sign-blob", "--key", "one.key", "--bundle", "signature.json", "disk.img"]);
    let attest = ["attest-blob", "--key", "one.key", "--type", "custom", "--predicate", "claim.json"];
    ok(&place, &[&attest[..], &["--bundle", "attestation.json", "disk.img"]].concat());
    let verify = |bundle: &str, more: &[&str]| {
        let ran =
            place.run(&[&["verify-blob", "--key", "one.pub", "--bundle", bundle, "disk.img"], more].concat());
        (ran.code, ran.stdout)
    };
    assert_eq!(verify("signature.json", &[]).0, 0);
    for kind in ["any", "custom"] {
        let (code, said) = verify("signature.json", &["--type", kind]);
        assert!(code == 1 && said.contains("a signature, not an attestation"), "{said}");
        assert_eq!(verify("attestation.json", &["--type", kind]).0, 0);
    }
    assert_eq!(verify("attestation.json", &["--type", "slsa"]).0, 1);
    let (code, said) = verify("attestation.json", &[]);
    assert!(code == 1 && said.contains("ask for it with `--type`"), "{said}");
    // The key that signed says more than the one that did not, in whichever order they come.
    for keys in [["one.pub", "two.pub"], ["two.pub", "one.pub"]] {
        let [first, second] = keys;
        let both = ["verify-blob", "--key", first, "--key", second, "--bundle", "attestation.json"];
        let said = refused(&place, &[&both[..], &["disk.img"]].concat());
        assert!(said.contains("an attestation of"), "{said}");
    }
}

#[test]
fn a_file_of_any_size_that_can_be_signed_is_verified() {
    let place = place();
    ok(&place, &["key", "generate", "--algorithm", "ed25519", "--out", "three"]);
    // As much as is not held for other keys, and more.
    let file = std::fs::File::create(place.path("disk.img")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    for key in ["one", "three"] {
        let (key, public) = (format!("{key}.key"), format!("{key}.pub"));
        ok(&place, &["sign-blob", "--key", &key, "--bundle", "disk.json", "disk.img"]);
        ok(&place, &["verify-blob", "--key", &public, "--bundle", "disk.json", "disk.img"]);
    }
}

/// Puts an index of two images into a layout, changed as text; `sign` are those of the two that are signed by `one`.
fn indexed(place: &Place, folder: &str, sign: &[usize], change: impl Fn(String) -> String) -> [String; 2] {
    let images = [builder().architecture("amd64").build(), builder().architecture("arm64").build()];
    let bytes = change(String::from_utf8(index(&[&images[0], &images[1]])).unwrap()).into_bytes();
    let blobs: Vec<&[u8]> = images
        .iter()
        .flat_map(|one| one.blobs().chain([one.manifest.as_slice()]))
        .chain([bytes.as_slice()])
        .collect();
    let mut entry = descriptor(INDEX, &bytes);
    entry["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": "app" });
    let files = layout(&[entry], blobs.into_iter());
    std::fs::create_dir_all(place.path(folder)).unwrap();
    write_files(&place.path(folder), &files);
    for at in sign {
        let image = format!("oci:{folder}@{}", images[*at].digest());
        ok(place, &["sign", "--key", "one.key", &image]);
        let attest = ["attest", "--key", "one.key", "--type", "custom", "--predicate", "claim.json", &image];
        ok(place, &attest);
    }
    images.map(|image| image.digest())
}

/// Verifies signature and attestation of an index, and gates it; returns the three exit codes and all that was said.
fn judged(place: &Place, folder: &str) -> ([i32; 3], String) {
    place.write(
        "policy.yaml",
        "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\nrules:\n  - signed: {of: [release]}\n\
         trust: {release: {keys: [{file: one.pub}]}}\n",
    );
    let image = format!("oci:{folder}:app");
    let mut said = String::new();
    let codes = [
        vec!["verify", "--key", "one.pub", &image],
        vec!["verify-attestation", "--key", "one.pub", "--type", "custom", &image],
        vec!["gate", &image, "--policy", "policy.yaml", "--format", "json"],
    ]
    .map(|arguments| {
        let ran = place.run(&arguments);
        said.push_str(&ran.stdout);
        said.push_str(&ran.stderr);
        ran.code
    });
    (codes, said)
}

#[test]
fn an_index_is_as_good_as_every_image_in_it_that_may_run() {
    let place = place();
    place.write("claim.json", "{}");
    indexed(&place, "all", &[0, 1], |text| text);
    let (codes, said) = judged(&place, "all");
    assert_eq!(codes, [0, 0, 0], "{said}");
    assert!(said.contains("every image in it is"), "{said}");
    indexed(&place, "one", &[0], |text| text);
    let (codes, said) = judged(&place, "one");
    assert_eq!(codes, [1, 1, 1], "{said}");

    // What takes the image that nobody signed out of sight here, and not where it runs.
    let [_, second] = indexed(&place, "hidden", &[0], |text| text);
    let entry = format!(r#""digest":"{second}""#);
    let annotated =
        format!(r#"{entry},"annotations":{{"vnd.docker.reference.type":"attestation-manifest"}}"#);
    indexed(&place, "annotated", &[0], |text| text.replace(&entry, &annotated));
    let (codes, said) = judged(&place, "annotated");
    assert_eq!(codes, [1, 1, 1], "{said}");
    let artifact = format!(r#"{entry},"artifactType":"application/example""#);
    indexed(&place, "artifact", &[0], |text| text.replace(&entry, &artifact));
    let (codes, said) = judged(&place, "artifact");
    assert_eq!(codes, [1, 1, 1], "{said}");
    for (name, instead, words) in [
        ("null", format!(r#"{entry},"annotations":{{"a":null}}"#), "cannot be understood"),
        ("sha384", format!(r#""digest":"sha384:{}""#, "0".repeat(96)), "cannot be understood"),
        ("sizes", format!(r#"{entry},"size":1"#), "`size` stands there twice"),
        ("case", format!(r#""Digest":"{second}""#), "`Digest` is not `digest`"),
        ("both", format!(r#"{entry},"DIGEST":"{second}""#), "`DIGEST` is not `digest`"),
        ("twice", format!(r#"{entry},{entry}"#), "`digest` stands there twice"),
    ] {
        indexed(&place, name, &[0], |text| {
            let changed = text.replace(&entry, &instead);
            assert_ne!(changed, text);
            changed
        });
        let (codes, said) = judged(&place, name);
        assert_eq!(codes, [2, 2, 2], "{name}: {said}");
        // The gate says it in these words, or in those of the scan.
        let told = said.matches(words).count();
        assert!(told >= 3 || told == 2 && said.contains("is malformed: "), "{name}: {said}");
    }
    // A list beside the one that is read.
    indexed(&place, "lists", &[0, 1], |text| text.replacen('{', r#"{"Manifests":[],"#, 1));
    let (codes, said) = judged(&place, "lists");
    assert_eq!(codes, [2, 2, 2], "{said}");
}

#[test]
fn more_images_than_are_judged_are_an_error_and_the_same_one_is_judged_once() {
    let place = place();
    place.write("claim.json", "{}");
    // One image for two variants: it is verified once.
    let twice = |text: String| {
        let mut index: Value = serde_json::from_str(&text).unwrap();
        let mut again = index["manifests"][1].clone();
        again["platform"]["variant"] = "v9".into();
        index["manifests"].as_array_mut().unwrap().push(again);
        index.to_string()
    };
    indexed(&place, "twice", &[0, 1], twice);
    let said = ok(&place, &["verify", "--key", "one.pub", "oci:twice:app", "--format", "json"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["manifests"].as_array().unwrap().len(), 3);
    let many = |text: String| {
        let mut index: Value = serde_json::from_str(&text).unwrap();
        let entry = index["manifests"][0].clone();
        let more = (0..64).map(|count| {
            let mut entry = entry.clone();
            entry["digest"] = format!("sha256:{count:064}").into();
            entry
        });
        index["manifests"].as_array_mut().unwrap().extend(more);
        index.to_string()
    };
    indexed(&place, "many", &[0, 1], many);
    let (codes, said) = judged(&place, "many");
    assert_eq!(codes, [2, 2, 2], "{said}");
    assert!(said.matches("more than 64 images").count() >= 3, "{said}");
}

#[test]
fn what_machines_of_a_platform_run_as_well_is_judged() {
    let place = place();
    place.write("claim.json", "{}");
    let gate = |folder: &str, platforms: &str| {
        place.write(
            "policy.yaml",
            format!(
                "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {{name: test}}\nplatforms: [{platforms}]\n\
                 rules:\n  - signed: {{of: [release]}}\ntrust: {{release: {{keys: [{{file: one.pub}}]}}}}\n"
            ),
        );
        let ran = place.run(&["gate", &format!("oci:{folder}:app"), "--policy", "policy.yaml"]);
        assert!(ran.code < 2 || ran.stdout.contains("deny"), "{}{}", ran.stdout, ran.stderr);
        ran.code
    };
    // The one for arm64 is not signed.
    indexed(&place, "plain", &[0], |text| text);
    assert_eq!(gate("plain", "linux/amd64"), 0);
    assert_ne!(gate("plain", "linux/arm64"), 0);
    // Other spellings are read alike by runtimes.
    let spelled =
        |text: String| text.replace(r#""arm64""#, r#""AArch64""#).replace(r#""linux""#, r#""Linux""#);
    indexed(&place, "spelled", &[0], spelled);
    assert_eq!(gate("spelled", "linux/amd64"), 0);
    assert_ne!(gate("spelled", "linux/arm64"), 0);
    // Machines of arm64 run 32 bits where there is nothing better.
    indexed(&place, "lesser", &[0], |text| text.replace(r#""arm64""#, r#""arm""#));
    assert_ne!(gate("lesser", "linux/arm64"), 0);
    assert_eq!(gate("lesser", "linux/amd64"), 0);
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
