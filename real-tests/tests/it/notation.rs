//! Signatures of the Notary Project against its own library, with certificates that openssl makes.

use crate::services::run;
use assay_test::image::{Builder, Tree};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const OPENSSL: &str = "[req]\ndistinguished_name = dn\n[dn]\n\
    [root]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\n\
    [leaf]\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = codeSigning\n";

/// Returns the media type and the bytes of the envelope in an OCI layout.
fn envelope(layout: &Path) -> (String, Vec<u8>) {
    let blobs = layout.join("blobs/sha256");
    let manifests = fs::read_dir(&blobs).unwrap().filter_map(|file| {
        let document: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).ok()?;
        (document["artifactType"] == "application/vnd.cncf.notary.signature").then_some(document)
    });
    let manifests: Vec<Value> = manifests.collect();
    assert_eq!(manifests.len(), 1, "{manifests:?}");
    let annotations = &manifests[0]["annotations"];
    let prints: Vec<String> =
        serde_json::from_str(annotations["io.cncf.notary.x509chain.thumbprint#S256"].as_str().unwrap())
            .unwrap();
    assert_eq!(prints.len(), 2);
    let layer = &manifests[0]["layers"][0];
    let name = layer["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    (layer["mediaType"].as_str().unwrap().to_owned(), fs::read(blobs.join(name)).unwrap())
}

#[test]
fn the_library_of_the_notary_project_verifies_envelopes() {
    let (Some(openssl), Some(verify)) = (real_tests::tool("openssl"), real_tests::tool("notation-verify"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let assay = |arguments: &[&str]| {
        let mut command = Command::new(real_tests::assay());
        command.args(arguments).current_dir(folder.path()).env("ASSAY_KEY_PASSWORD", "secret");
        command.env("ASSAY_QUIET", "1").env("HOME", folder.path()).output().unwrap()
    };
    fs::write(at("openssl.cnf"), OPENSSL).unwrap();
    let config = ["-config", &at("openssl.cnf")];
    run(&openssl, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &at("root.key")]);
    let root =
        ["req", "-x509", "-new", "-key", &at("root.key"), "-days", "30", "-subj", "/C=US/O=Acme/CN=root"];
    run(&openssl, &[&root[..], &config, &["-extensions", "root", "-out", &at("root.pem")]].concat());
    let kinds: [(&str, &[&str]); 4] = [
        ("p256", &["ecparam", "-name", "prime256v1", "-genkey", "-noout"]),
        ("p384", &["ecparam", "-name", "secp384r1", "-genkey", "-noout"]),
        ("rsa2048", &["genrsa", "2048"]),
        ("rsa3072", &["genrsa", "3072"]),
    ];
    for (kind, make) in kinds {
        fs::write(at("leaf.pem"), run(&openssl, make)).unwrap();
        let request = [
            "req",
            "-new",
            "-key",
            &at("leaf.pem"),
            "-subj",
            "/C=US/O=Acme/CN=leaf",
            "-out",
            &at("leaf.csr"),
        ];
        run(&openssl, &[&request[..], &config].concat());
        let issue =
            ["x509", "-req", "-in", &at("leaf.csr"), "-CA", &at("root.pem"), "-CAkey", &at("root.key")];
        let more = ["-CAcreateserial", "-days", "10", "-extfile", &at("openssl.cnf"), "-extensions", "leaf"];
        let leaf = run(&openssl, &[&issue[..], &more].concat());
        fs::write(at("chain.pem"), [leaf, fs::read(at("root.pem")).unwrap()].concat()).unwrap();
        for format in ["jws", "cose"] {
            let layout = folder.path().join(format!("{kind}-{format}"));
            fs::create_dir(&layout).unwrap();
            let image = Builder::new().layer(Tree::new().file("a", kind), "COPY a /").build();
            image.write_layout(&layout, "app");
            let name = format!("oci:{}:app", layout.display());
            let sign = ["sign", "--key", "leaf.pem", "--format", "notation", "--envelope", format];
            let more =
                ["--certificate-chain", "chain.pem", "-a", "build=7", "--expires", "2099-01-01", &name];
            let signed = assay(&[&sign[..], &more].concat());
            assert!(signed.status.success(), "{kind} {format}: {}", String::from_utf8_lossy(&signed.stderr));
            let (media_type, bytes) = envelope(&layout);
            fs::write(at("envelope"), &bytes).unwrap();
            let payload = run(&verify, &[&media_type, &at("envelope")]);
            let payload: Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!(payload["targetArtifact"]["digest"], image.digest(), "{kind} {format}");
            assert_eq!(payload["targetArtifact"]["annotations"]["build"], "7");
            let verified = |identity: &str| {
                let flags =
                    ["verify", "--notation-trust-store", "root.pem", "--notation-identity", identity, &name];
                assay(&flags).status.success()
            };
            assert!(verified("x509.subject: C=US, O=Acme, CN=leaf"), "{kind} {format}");
            assert!(!verified("x509.subject: C=US, O=Other"), "{kind} {format}");
        }
    }
}
