//! Signatures and attestations against cosign 3: what each makes the other verifies, and each opens the other's key files.
//!
//! Against both kinds of registries: Debian's `docker-registry` knows no referrers API, so that the list under the fallback tag is
//! what readers find; the one of go-containerregistry knows it. No transparency log and no other host is asked.

use crate::services::{Running, referrers_registry, registry, run};
use assay_test::image::{Builder, BuiltImage, Tree, index, write_files};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// What the gate judges by before its verdict is attested; there is no database here, of which it warns.
const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers: [{name: staging, mode: warn}]\nrules:\n  - malware: {}\n";

/// The annotation that tells images apart.
const LABEL: &str = "org.example.number";

/// A folder with tools around it.
struct Bench {
    folder: TempDir,
    cosign: PathBuf,
    skopeo: PathBuf,
    registries: Vec<(Running, String)>,
}

/// How a command ended.
struct Ended {
    success: bool,
    stdout: String,
    stderr: String,
}

impl Bench {
    fn new() -> Option<Self> {
        let (cosign, skopeo) = (real_tests::tool("cosign")?, real_tests::tool("skopeo")?);
        let docker = real_tests::tool("docker-registry")?;
        let other = real_tests::tool("referrers-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let registries = vec![registry(&docker, folder.path(), "", ""), referrers_registry(&other)];
        let bench = Self { folder, cosign, skopeo, registries };
        bench.cosign(&["signing-config", "create", "--out", "none.json"]);
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ended(&self, program: &Path, arguments: &[&str]) -> Ended {
        let Output { status, stdout, stderr } = Command::new(program)
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("COSIGN_PASSWORD", "secret")
            .env("ASSAY_QUIET", "1")
            .env_remove("ASSAY_KEY_PASSWORD")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended { success: status.success(), stdout: text(stdout), stderr: text(stderr) }
    }

    #[track_caller]
    fn cosign(&self, arguments: &[&str]) -> String {
        let ended = self.ended(&self.cosign, arguments);
        assert!(ended.success, "cosign {arguments:?}: {}", ended.stderr);
        ended.stdout
    }

    #[track_caller]
    fn assay(&self, arguments: &[&str]) -> String {
        let ended = self.ended(&real_tests::assay(), arguments);
        assert!(ended.success, "assay {arguments:?}: {}", ended.stderr);
        ended.stdout
    }

    /// Pushes an image of its own to every registry and returns their names.
    fn images(&self, number: u32) -> Vec<String> {
        let image = built(number);
        let layout = self.path(&format!("layout-{number}"));
        fs::create_dir_all(&layout).unwrap();
        image.write_layout(&layout, "app");
        let from = format!("oci:{}:app", layout.display());
        self.push(&from, number)
    }

    fn push(&self, from: &str, number: u32) -> Vec<String> {
        let push = |(_, host): &(Running, String)| {
            let name = format!("{host}/team/app-{number}:1");
            let to = format!("docker://{name}");
            let flags = ["--insecure-policy", "copy", "--all", "--quiet", "--dest-tls-verify=false"];
            run(&self.skopeo, &[&flags[..], &[from, &to]].concat());
            name
        };
        self.registries.iter().map(push).collect()
    }

    /// Verifies by cosign, in one of its two formats.
    fn verified(&self, key: &str, legacy: bool, more: &[&str], image: &str) -> Ended {
        let format = format!("--new-bundle-format={}", !legacy);
        let flags = ["--key", key, "--insecure-ignore-tlog", "--allow-insecure-registry", &format];
        self.ended(&self.cosign, &[&["verify"], &flags[..], more, &[image]].concat())
    }

    /// Lets cosign sign, in one of its two formats.
    fn cosigned(&self, key: &str, legacy: bool, image: &str) {
        let own: &[&str] = if legacy {
            &["--use-signing-config=false", "--new-bundle-format=false", "--tlog-upload=false"]
        } else {
            &["--signing-config", "none.json"]
        };
        let flags = ["sign", "--yes", "--key", key, "--allow-insecure-registry"];
        self.cosign(&[&flags[..], own, &[image]].concat());
    }

    /// Lets cosign attest, in one of its two formats.
    fn coattested(&self, key: &str, legacy: bool, kind: &str, predicate: &str, image: &str) {
        let own: &[&str] = if legacy {
            &["--use-signing-config=false", "--new-bundle-format=false", "--tlog-upload=false"]
        } else {
            &["--signing-config", "none.json"]
        };
        let flags = ["attest", "--yes", "--key", key, "--allow-insecure-registry", "--type", kind];
        self.cosign(&[&flags[..], &["--predicate", predicate], own, &[image]].concat());
    }

    fn attested(&self, key: &str, legacy: bool, kind: &str, image: &str) -> Ended {
        let format = format!("--new-bundle-format={}", !legacy);
        let flags = ["--key", key, "--insecure-ignore-tlog", "--allow-insecure-registry", &format];
        self.ended(&self.cosign, &[&["verify-attestation"], &flags[..], &["--type", kind, image]].concat())
    }
}

fn built(number: u32) -> BuiltImage {
    Builder::new()
        .annotation(LABEL, &number.to_string())
        .layer(Tree::new().file("etc/number", number.to_string()), "COPY number /etc")
        .build()
}

/// Returns the statement that cosign printed.
fn statement(printed: &str) -> Value {
    let envelope: Value = serde_json::from_str(printed.lines().last().unwrap()).unwrap();
    let mut decode = Command::new("base64");
    let payload = envelope["payload"].as_str().unwrap();
    decode.arg("-d").stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = decode.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), payload.as_bytes()).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn each_opens_the_key_files_of_the_other() {
    let Some(bench) = Bench::new() else { return };
    for algorithm in ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072"] {
        bench.assay(&["key", "generate", "--out", algorithm, "--algorithm", algorithm]);
        let public = fs::read_to_string(bench.path(&format!("{algorithm}.pub"))).unwrap();
        assert_eq!(bench.cosign(&["public-key", "--key", &format!("{algorithm}.key")]).trim(), public.trim());
    }
    bench.cosign(&["generate-key-pair"]);
    let public = fs::read_to_string(bench.path("cosign.pub")).unwrap();
    assert_eq!(bench.assay(&["key", "public", "cosign.key"]).trim(), public.trim());
    // Before version 2 the label was another.
    let text = fs::read_to_string(bench.path("cosign.key")).unwrap();
    fs::write(bench.path("old.key"), text.replace("SIGSTORE", "COSIGN")).unwrap();
    assert_eq!(bench.assay(&["key", "public", "old.key"]).trim(), public.trim());

    let openssl = real_tests::tool("openssl").unwrap();
    let made: [&[&str]; 4] = [
        &["ecparam", "-name", "secp384r1", "-genkey"],
        &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        &["genpkey", "-algorithm", "ed25519"],
        &["genrsa", "-traditional", "2048"],
    ];
    for (at, arguments) in made.into_iter().enumerate() {
        fs::write(bench.path("plain.pem"), run(&openssl, arguments)).unwrap();
        let name = format!("imported-{at}");
        bench.assay(&["key", "import", "plain.pem", "--out", &name]);
        let plain = bench.path("plain.pem").display().to_string();
        let public = String::from_utf8(run(&openssl, &["pkey", "-in", &plain, "-pubout"])).unwrap();
        assert_eq!(bench.cosign(&["public-key", "--key", &format!("{name}.key")]).trim(), public.trim());
        assert_eq!(fs::read_to_string(bench.path(&format!("{name}.pub"))).unwrap().trim(), public.trim());
    }
}

#[test]
fn cosign_verifies_signatures_of_images() {
    let Some(bench) = Bench::new() else { return };
    bench.assay(&["key", "generate", "--out", "other"]);
    for (number, algorithm) in [(1, "ecdsa-p256"), (2, "ed25519"), (3, "rsa-3072")] {
        let (key, public) = (format!("{algorithm}.key"), format!("{algorithm}.pub"));
        bench.assay(&["key", "generate", "--out", algorithm, "--algorithm", algorithm]);
        for image in bench.images(number) {
            for legacy in [false, true] {
                assert!(!bench.verified(&public, legacy, &[], &image).success, "{image} is not signed yet");
                let flag: &[&str] = if legacy { &["--legacy"] } else { &[] };
                let sign = [&["sign", "--key", &key, "-a", "build=77"], flag, &[&image]].concat();
                assert!(bench.assay(&sign).contains("signed by key"));
                // The same again adds nothing.
                assert!(bench.assay(&sign).contains("already"), "{image} {algorithm}");
                let verified = bench.verified(&public, legacy, &["-a", "build=77"], &image);
                assert!(verified.success, "{image} {algorithm} legacy={legacy}: {}", verified.stderr);
                let printed: Value = serde_json::from_str(verified.stdout.trim()).unwrap();
                assert_eq!(printed.as_array().unwrap().len(), 1, "{printed}");
                assert!(!bench.verified(&public, legacy, &["-a", "build=78"], &image).success, "{image}");
                assert!(!bench.verified("other.pub", legacy, &[], &image).success, "{image}");
            }
        }
    }
}

/// cosign 3.1.3 signs with SHA-384 by such a key, as Sigstore's list of algorithms has it, and verifies with SHA-256: neither its own
/// signatures nor ours.
#[test]
fn cosign_verifies_nothing_of_p384_not_even_its_own() {
    let Some(bench) = Bench::new() else { return };
    bench.assay(&["key", "generate", "--out", "k", "--algorithm", "ecdsa-p384"]);
    fs::write(bench.path("file"), "content").unwrap();
    bench.cosign(&[
        "sign-blob",
        "--yes",
        "--key",
        "k.key",
        "--signing-config",
        "none.json",
        "--bundle",
        "theirs",
        "file",
    ]);
    bench.assay(&["sign-blob", "--key", "k.key", "--bundle", "ours", "file"]);
    for bundle in ["theirs", "ours"] {
        let verify = ["verify-blob", "--key", "k.pub", "--insecure-ignore-tlog", "--bundle", bundle, "file"];
        assert!(!bench.ended(&bench.cosign, &verify).success, "{bundle}");
    }
    // That the signatures are good says openssl.
    let openssl = real_tests::tool("openssl").unwrap();
    bench.assay(&["sign-blob", "--key", "k.key", "--bundle", "ours", "--output-signature", "base64", "file"]);
    let decoded = run(Path::new("base64"), &["-d", &bench.path("base64").display().to_string()]);
    fs::write(bench.path("signature"), decoded).unwrap();
    let at = |name: &str| bench.path(name).display().to_string();
    run(&openssl, &["dgst", "-sha384", "-verify", &at("k.pub"), "-signature", &at("signature"), &at("file")]);
}

#[test]
fn cosign_verifies_attestations_of_images() {
    let Some(bench) = Bench::new() else { return };
    bench.assay(&["key", "generate", "--out", "k"]);
    fs::write(bench.path("sbom.json"), r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#).unwrap();
    fs::write(bench.path("policy.yaml"), POLICY).unwrap();
    for image in bench.images(4) {
        for legacy in [false, true] {
            let flag: &[&str] = if legacy { &["--legacy"] } else { &[] };
            let attest = |arguments: &[&str]| {
                bench.assay(&[&["attest", "--key", "k.key"], arguments, flag, &[&image]].concat())
            };
            attest(&["--type", "cyclonedx", "--predicate", "sbom.json"]);
            let again = attest(&["--type", "cyclonedx", "--predicate", "sbom.json"]);
            assert!(again.contains("already"), "{again}");
            let made = bench.attested("k.pub", legacy, "cyclonedx", &image);
            assert!(made.success, "{image} legacy={legacy}: {}", made.stderr);
            assert_eq!(statement(&made.stdout)["predicate"]["bomFormat"], "CycloneDX");

            attest(&[
                "--type",
                "slsa",
                "--builder",
                "https://ci.example",
                "--source-uri",
                "https://git.example/app",
            ]);
            let made = bench.attested("k.pub", legacy, "slsaprovenance1", &image);
            assert!(made.success, "{image} legacy={legacy}: {}", made.stderr);
            let builder = &statement(&made.stdout)["predicate"]["runDetails"]["builder"]["id"];
            assert_eq!(builder, "https://ci.example");

            bench.assay(&["gate", &image, "--policy", "policy.yaml", "--output", "json=verdict.json"]);
            attest(&["--type", "verdict", "--predicate", "verdict.json", "--policy", "policy.yaml"]);
            let made = bench.attested("k.pub", legacy, "https://slsa.dev/verification_summary/v1", &image);
            assert!(made.success, "{image} legacy={legacy}: {}", made.stderr);
            assert_eq!(statement(&made.stdout)["predicate"]["verificationResult"], "PASSED");

            attest(&["--scan"]);
            for kind in ["vuln", "https://in-toto.io/attestation/vulns/v0.2"] {
                let made = bench.attested("k.pub", legacy, kind, &image);
                assert!(made.success, "{image} {kind} legacy={legacy}: {}", made.stderr);
                let predicate = &statement(&made.stdout)["predicate"];
                assert!(predicate["scanner"]["db"]["lastUpdate"].is_string(), "{predicate}");
            }
            assert!(!bench.attested("k.pub", legacy, "spdx", &image).success, "nobody said so");
        }
    }
}

#[test]
fn cosign_verifies_blobs_and_statements_about_them() {
    let Some(bench) = Bench::new() else { return };
    fs::write(bench.path("file"), "content").unwrap();
    fs::write(bench.path("changed"), "contend").unwrap();
    fs::write(bench.path("sbom.json"), r#"{"bomFormat":"CycloneDX"}"#).unwrap();
    for algorithm in ["ecdsa-p256", "ed25519", "rsa-3072"] {
        let (key, public) = (format!("{algorithm}.key"), format!("{algorithm}.pub"));
        bench.assay(&["key", "generate", "--out", algorithm, "--algorithm", algorithm]);
        bench.assay(&["sign-blob", "--key", &key, "--bundle", "bundle", "file"]);
        let verify = |file: &str| {
            let flags =
                ["verify-blob", "--key", &public, "--insecure-ignore-tlog", "--bundle", "bundle", file];
            bench.ended(&bench.cosign, &flags).success
        };
        assert!(verify("file") && !verify("changed"), "{algorithm}");
        let attest = ["attest-blob", "--key", &key, "--type", "cyclonedx", "--predicate", "sbom.json"];
        bench.assay(&[&attest[..], &["--bundle", "attestation", "file"]].concat());
        let verify = |file: &str| {
            let flags = ["verify-blob-attestation", "--key", &public, "--insecure-ignore-tlog"];
            let more = ["--type", "cyclonedx", "--bundle", "attestation", file];
            bench.ended(&bench.cosign, &[&flags[..], &more].concat()).success
        };
        assert!(verify("file") && !verify("changed"), "{algorithm}");
    }
}

#[test]
fn an_index_is_signed_with_all_that_is_in_it() {
    let Some(bench) = Bench::new() else { return };
    bench.assay(&["key", "generate", "--out", "k"]);
    let (one, other) =
        (built(51), Builder::new().architecture("arm64").layer(Tree::new().file("a", "b"), "x").build());
    let index = index(&[&one, &other]);
    let layout = bench.path("layout-5");
    fs::create_dir_all(&layout).unwrap();
    let entry = serde_json::json!({
        "mediaType": "application/vnd.oci.image.index.v1+json", "digest": assay_test::image::digest(&index),
        "size": index.len(), "annotations": {"org.opencontainers.image.ref.name": "app"},
    });
    let manifests = [index.as_slice(), &one.manifest, &other.manifest];
    let blobs = one.blobs().chain(other.blobs()).chain(manifests);
    write_files(&layout, &assay_test::image::layout(&[entry], blobs));
    for image in bench.push(&format!("oci:{}:app", layout.display()), 5) {
        let told = bench.assay(&["sign", "--key", "k.key", "--recursive", &image]);
        assert_eq!(told.lines().count(), 3, "{told}");
        let name = image.rsplit_once(':').unwrap().0;
        for digest in [assay_test::image::digest(&index), one.digest(), other.digest()] {
            let verified = bench.verified("k.pub", false, &[], &format!("{name}@{digest}"));
            assert!(verified.success, "{digest}: {}", verified.stderr);
        }
    }
}

#[test]
fn assay_verifies_what_cosign_signs() {
    let Some(bench) = Bench::new() else { return };
    bench.cosign(&["generate-key-pair"]);
    bench.assay(&["key", "generate", "--out", "other"]);
    fs::write(bench.path("sbom.json"), r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#).unwrap();
    for (number, legacy) in [(61, false), (62, true)] {
        for image in bench.images(number) {
            let verify =
                |key: &str| bench.ended(&real_tests::assay(), &["verify", "--key", key, &image]).success;
            assert!(!verify("cosign.pub"), "{image} is not signed yet");
            bench.cosigned("cosign.key", legacy, &image);
            assert!(verify("cosign.pub") && !verify("other.pub"), "{image} legacy={legacy}");
            // What is there already is found, whoever wrote it.
            let flag: &[&str] = if legacy { &["--legacy"] } else { &[] };
            let again = bench.assay(&[&["sign", "--key", "other.key"], flag, &[&image]].concat());
            assert!(again.contains("signed by key"), "{again}");
            assert!(verify("cosign.pub") && verify("other.pub"), "{image} legacy={legacy}");

            let attested = |key: &str, kind: &str| {
                let arguments = ["verify-attestation", "--key", key, "--type", kind, &image];
                bench.ended(&real_tests::assay(), &arguments).success
            };
            bench.coattested("cosign.key", legacy, "cyclonedx", "sbom.json", &image);
            assert!(attested("cosign.pub", "cyclonedx"), "{image} legacy={legacy}");
            assert!(
                !attested("cosign.pub", "spdx") && !attested("other.pub", "cyclonedx"),
                "{image} legacy={legacy}"
            );
        }
    }
}

#[test]
fn assay_verifies_blobs_that_cosign_signs_by_every_kind_of_key() {
    let Some(bench) = Bench::new() else { return };
    fs::write(bench.path("file"), "content").unwrap();
    fs::write(bench.path("changed"), "contend").unwrap();
    // Also those that cosign itself does not verify: P-384, and bundles by keys of Ed25519.
    for algorithm in ["ecdsa-p256", "ecdsa-p384", "ed25519", "rsa-3072"] {
        let (key, public) = (format!("{algorithm}.key"), format!("{algorithm}.pub"));
        bench.assay(&["key", "generate", "--out", algorithm, "--algorithm", algorithm]);
        let sign = ["sign-blob", "--yes", "--key", &key, "--signing-config", "none.json"];
        bench.cosign(&[&sign[..], &["--bundle", "bundle", "file"]].concat());
        let verify = |file: &str| {
            let arguments = ["verify-blob", "--key", &public, "--bundle", "bundle", file];
            bench.ended(&real_tests::assay(), &arguments).success
        };
        assert!(verify("file") && !verify("changed"), "{algorithm}");
    }
}

/// cosign 3 takes an image that has only an attestation by the right key for signed. Assay does not.
#[test]
fn an_attestation_is_no_signature() {
    let Some(bench) = Bench::new() else { return };
    bench.cosign(&["generate-key-pair"]);
    fs::write(bench.path("sbom.json"), r#"{"bomFormat":"CycloneDX","specVersion":"1.6"}"#).unwrap();
    for image in bench.images(7) {
        bench.coattested("cosign.key", false, "cyclonedx", "sbom.json", &image);
        assert!(bench.verified("cosign.pub", false, &[], &image).success, "cosign has changed");
        let ended = bench.ended(&real_tests::assay(), &["verify", "--key", "cosign.pub", &image]);
        assert!(!ended.success, "{image}: {}", ended.stdout);
    }
}

/// cosign 3 takes an image with an older signature by one key and a bundle by another for unsigned by the first. Assay tries all.
#[test]
fn every_signature_is_tried() {
    let Some(bench) = Bench::new() else { return };
    for name in ["one", "other"] {
        bench.assay(&["key", "generate", "--out", name]);
    }
    for image in bench.images(8) {
        bench.cosigned("one.key", true, &image);
        bench.cosigned("other.key", false, &image);
        let format =
            ["verify", "--key", "one.pub", "--insecure-ignore-tlog", "--allow-insecure-registry", &image];
        assert!(!bench.ended(&bench.cosign, &format).success, "cosign has changed");
        for key in ["one.pub", "other.pub"] {
            bench.assay(&["verify", "--key", key, &image]);
        }
    }
}

#[test]
fn keys_in_a_token_sign() {
    let Some(bench) = Bench::new() else { return };
    let (Some(softhsm), Some(tool)) = (real_tests::tool("softhsm2-util"), real_tests::tool("pkcs11-tool"))
    else {
        return;
    };
    let Some(module) = real_tests::library("libsofthsm2.so") else { return };
    let module = module.display().to_string();
    let plugin = real_tests::program("assay-plugin-pkcs11");
    fs::create_dir(bench.path("tokens")).unwrap();
    fs::write(
        bench.path("softhsm.conf"),
        format!("directories.tokendir = {}\n", bench.path("tokens").display()),
    )
    .unwrap();
    let with_token = |program: &Path, arguments: &[&str], pin: &str| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(bench.folder.path()).env("HOME", bench.folder.path());
        command.env("SOFTHSM2_CONF", bench.path("softhsm.conf")).env("ASSAY_PKCS11_MODULE", &module);
        command.env("ASSAY_PKCS11_PIN", pin).env("ASSAY_PLUGIN_DIR", plugin.parent().unwrap());
        let output = command.env("ASSAY_QUIET", "1").output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { success: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    };
    let done = |program: &Path, arguments: &[&str]| {
        let ended = with_token(program, arguments, "1234");
        assert!(ended.success, "{} {arguments:?}: {}", program.display(), ended.stderr);
        ended.stdout
    };
    done(&softhsm, &["--init-token", "--free", "--label", "assay", "--pin", "1234", "--so-pin", "5678"]);
    for (id, kind, label) in
        [("01", "EC:prime256v1", "p256"), ("02", "rsa:2048", "rsa"), ("03", "EC:secp384r1", "p384")]
    {
        let login =
            ["--module", &module, "--login", "--pin", "1234", "--token-label", "assay", "--keypairgen"];
        done(&tool, &[&login[..], &["--key-type", kind, "--label", label, "--id", id]].concat());
    }
    for (number, label) in [(91, "p256"), (92, "rsa"), (93, "p384")] {
        let key = format!("pkcs11:token=assay;object={label}");
        fs::write(bench.path(label), done(&real_tests::assay(), &["key", "public", &key])).unwrap();
        for image in bench.images(number) {
            done(&real_tests::assay(), &["sign", "--key", &key, &image]);
            bench.assay(&["verify", "--key", label, &image]);
            let verified = bench.verified(label, false, &[], &image);
            assert_eq!(verified.success, label != "p384", "{image}: {}", verified.stderr);
        }
    }
    // Keys without an identifier, which `pkcs11-tool` makes unless it is given one, are told apart by their labels.
    let mut nameless = Vec::new();
    for label in ["first", "second"] {
        let login =
            ["--module", &module, "--login", "--pin", "1234", "--token-label", "assay", "--keypairgen"];
        done(&tool, &[&login[..], &["--key-type", "EC:prime256v1", "--label", label]].concat());
    }
    for label in ["first", "second"] {
        let key = format!("pkcs11:token=assay;object={label}");
        fs::write(bench.path(label), done(&real_tests::assay(), &["key", "public", &key])).unwrap();
        // Larger than what plug-ins are handed whole.
        fs::write(bench.path("large"), vec![7; (16 << 20) + 1]).unwrap();
        done(&real_tests::assay(), &["sign-blob", "--key", &key, "--bundle", "bundle", "large"]);
        bench.assay(&["verify-blob", "--key", label, "--bundle", "bundle", "large"]);
        nameless.push(fs::read(bench.path(label)).unwrap());
    }
    assert_ne!(nameless[0], nameless[1]);
    let key = "pkcs11:token=assay;object=p256";
    let wrong = with_token(&real_tests::assay(), &["key", "public", key], "4321");
    assert!(!wrong.success && wrong.stderr.contains("PIN is wrong"), "{}", wrong.stderr);
    let nobody = with_token(&real_tests::assay(), &["key", "public", "pkcs11:token=assay;object=x"], "1234");
    assert!(!nobody.success && nobody.stderr.contains("no private key of that name"), "{}", nobody.stderr);
}

/// The library of npm, which shares nothing with cosign. It hashes attestations by P-384 keys with SHA-256, and messages by Ed25519
/// keys not at all, so these two are left to cosign and openssl.
#[test]
fn the_library_of_npm_verifies_bundles() {
    let Some(bench) = Bench::new() else { return };
    let Some(node) = real_tests::tool("node") else { return };
    let modules = real_tests::workspace().join("target/tools/node/node_modules/@sigstore/verify");
    let modules = Some(modules).filter(|folder| folder.is_dir());
    let Some(modules) = modules.or_else(|| real_tests::tool("@sigstore/verify")) else { return };
    let script = r#"
        const [modules, bundleFile, keyFile, artifact] = process.argv.slice(2), fs = require("fs");
        const load = name => require(require.resolve(name, { paths: [modules] }));
        const { bundleFromJSON } = load("@sigstore/bundle"), { Verifier, toSignedEntity } = load("@sigstore/verify");
        const publicKey = require("crypto").createPublicKey(fs.readFileSync(keyFile));
        const trusted = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [],
            publicKey: () => ({ publicKey, validFor: () => true }) };
        const bundle = bundleFromJSON(JSON.parse(fs.readFileSync(bundleFile)));
        const signed = toSignedEntity(bundle, artifact && fs.readFileSync(artifact));
        new Verifier(trusted, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 }).verify(signed);
    "#;
    fs::write(bench.path("verify.js"), script).unwrap();
    fs::write(bench.path("file"), "content").unwrap();
    fs::write(bench.path("changed"), "contend").unwrap();
    fs::write(bench.path("sbom.json"), r#"{"bomFormat":"CycloneDX"}"#).unwrap();
    let modules = modules.display().to_string();
    let verified = |arguments: &[&str]| {
        let ended = bench.ended(&node, &[&["verify.js", &modules], arguments].concat());
        assert!(ended.success || ended.stderr.contains("signature verification failed"), "{}", ended.stderr);
        ended.success
    };
    bench.assay(&["key", "generate", "--out", "other"]);
    for (algorithm, blobs, statements) in [
        ("ecdsa-p256", true, true),
        ("ecdsa-p384", true, false),
        ("ed25519", false, true),
        ("rsa-3072", true, true),
    ] {
        let (key, public) = (format!("{algorithm}.key"), format!("{algorithm}.pub"));
        bench.assay(&["key", "generate", "--out", algorithm, "--algorithm", algorithm]);
        bench.assay(&["sign-blob", "--key", &key, "--bundle", "bundle", "file"]);
        assert_eq!(verified(&["bundle", &public, "file"]), blobs, "{algorithm}");
        assert!(
            !verified(&["bundle", &public, "changed"]) && !verified(&["bundle", "other.pub", "file"]),
            "{algorithm}"
        );
        let attest = ["attest-blob", "--key", &key, "--type", "cyclonedx", "--predicate", "sbom.json"];
        bench.assay(&[&attest[..], &["--bundle", "attestation", "file"]].concat());
        assert_eq!(verified(&["attestation", &public]), statements, "{algorithm}");
        assert!(!verified(&["attestation", "other.pub"]), "{algorithm}");
    }
}
