//! The whole pipeline on a real registry: build, scan, sign, attest, push, gate; then an image that is fixed, swapped, stripped of
//! its signature, and signed by somebody else.

use crate::services::{Running, registry, run};
use assay_test::image::{Builder, BuiltImage, Tree};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

/// One advisory is all that the images need.
pub(crate) const ADVISORY: &str = r#"{
  "schema_version": "1.6.0", "id": "GHSA-xvch-5gv4-984h", "aliases": ["CVE-2021-44906"],
  "modified": "2026-01-01T00:00:00Z", "published": "2022-03-18T00:00:00Z", "summary": "prototype pollution in minimist",
  "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
  "affected": [{ "package": { "ecosystem": "npm", "name": "minimist" },
    "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "1.2.6" }] }] }]
}"#;

const POLICY: &str = r#"
apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: shop}
trust:
  release: {keys: [{file: release.pub}]}
tiers:
  - {name: production}
  - {name: staging, mode: warn}
rules:
  - id: fixable
    vulnerabilities: {max: {critical: 0}, fix: fixed}
  - nonRoot: {}
  - secrets: {}
  - bases: {signedBy: [release]}
  - signed: {of: [release]}
  - sbom: {of: [release], minPackages: 1, minRecall: 1.0}
  # One advisory of our own does not cover an ecosystem.
  - coverage: {ignore: [npm]}
"#;

struct Bench {
    folder: TempDir,
    skopeo: PathBuf,
    _registry: Running,
    host: String,
}

impl Bench {
    fn new() -> Option<Self> {
        let (skopeo, docker) = (real_tests::tool("skopeo")?, real_tests::tool("docker-registry")?);
        let folder = tempfile::tempdir().unwrap();
        let (running, host) = registry(&docker, folder.path(), "", "");
        let bench = Self { folder, skopeo, _registry: running, host };
        bench.write("advisories/GHSA-xvch-5gv4-984h.json", ADVISORY);
        bench.write("policy.yaml", POLICY);
        bench.assay(0, &["db", "build", "--from", "advisories", "--out", "own.db"]);
        for key in ["release", "other"] {
            bench.assay(0, &["key", "generate", "--out", key]);
        }
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    /// Runs Assay, which must end with this code, and returns what it printed.
    #[track_caller]
    fn assay(&self, code: i32, arguments: &[&str]) -> String {
        let output = Command::new(real_tests::assay())
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("ASSAY_CACHE_DIR", self.path("cache"))
            .env("ASSAY_KEY_PASSWORD", "secret")
            .env("ASSAY_QUIET", "1")
            .env("ASSAY_DB", "own.db")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "assay {arguments:?}: {stdout}{stderr}");
        stdout
    }

    fn push(&self, image: &BuiltImage, name: &str) -> String {
        let layout = self.path(&format!("layout-{}", image.digest().replace(':', "-")));
        fs::create_dir_all(&layout).unwrap();
        image.write_layout(&layout, "app");
        let reference = format!("{}/{name}", self.host);
        self.copy(&format!("oci:{}:app", layout.display()), &reference);
        reference
    }

    fn copy(&self, from: &str, to: &str) {
        let to = format!("docker://{to}");
        let flags =
            ["--insecure-policy", "copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"];
        run(&self.skopeo, &[&flags[..], &[from, &to]].concat());
    }

    fn sign(&self, key: &str, image: &str) {
        self.assay(0, &["sign", "--key", &format!("{key}.key"), image]);
    }

    /// Makes a bill of materials and attests it.
    fn attest(&self, image: &str) {
        self.assay(0, &["sbom", image, "--format", "cyclonedx", "--output", "sbom.json"]);
        let key = ["--key", "release.key", "--type", "cyclonedx", "--predicate", "sbom.json"];
        self.assay(0, &[&["attest"], &key[..], &[image]].concat());
    }

    #[track_caller]
    fn gate(&self, code: i32, image: &str, tier: &str) -> Value {
        let base = format!("{}/bases/plain:1", self.host);
        let arguments =
            ["gate", image, "--policy", "policy.yaml", "--tier", tier, "--base", &base, "--format", "json"];
        serde_json::from_str(&self.assay(code, &arguments)).unwrap()
    }
}

/// Returns the rules with an effect, each once.
fn rules<'v>(verdict: &'v Value, effect: &str) -> Vec<&'v str> {
    let reasons = verdict["reasons"].as_array().unwrap().iter().filter(|reason| reason["effect"] == effect);
    let mut rules: Vec<&str> = reasons.map(|reason| reason["rule"].as_str().unwrap()).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn base() -> Builder {
    Builder::new().layer(Tree::new().file("etc/plain", "plain"), "ADD plain.tar /")
}

fn app(minimist: &str, user: &str) -> BuiltImage {
    let package = format!(r#"{{"name":"minimist","version":"{minimist}","license":"MIT"}}"#);
    let tree = Tree::new()
        .file("app/node_modules/minimist/package.json", package)
        .file("app/index.js", "require('minimist')\n");
    base().layer(tree, "COPY app /app").runtime("User", json!(user)).build()
}

#[test]
fn the_pipeline_stops_what_it_should() {
    let Some(bench) = Bench::new() else { return };
    let plain = bench.push(&base().build(), "bases/plain:1");
    let image = bench.push(&app("1.2.5", ""), "team/app:1");
    bench.assay(0, &["scan", &image, "--format", "json", "--output", "report.json"]);
    bench.sign("release", &image);
    bench.attest(&image);

    // Staging lets it pass with warnings, production does not.
    let verdict = bench.gate(0, &image, "staging");
    assert_eq!(
        (&verdict["verdict"], rules(&verdict, "warn")),
        (&json!("warn"), vec!["bases", "fixable", "nonRoot"]),
        "{verdict:#}"
    );
    let verdict = bench.gate(1, &image, "production");
    assert_eq!(
        (&verdict["verdict"], rules(&verdict, "deny")),
        (&json!("deny"), vec!["bases", "fixable", "nonRoot"]),
        "{verdict:#}"
    );
    let reasons = verdict["reasons"].as_array().unwrap();
    let of = |rule: &str| reasons.iter().find(|reason| reason["rule"] == rule).unwrap();
    assert_eq!(of("fixable")["findings"][0]["rule"], "CVE-2021-44906");
    assert!(of("fixable")["remedy"].as_str().unwrap().contains("1.2.6"), "{verdict:#}");
    assert!(of("bases")["message"].as_str().unwrap().contains("is not signed"), "{verdict:#}");
    assert_eq!(of("nonRoot")["findings"][0]["rule"], "image-root-user");

    // Fixed, on a signed base.
    bench.sign("release", &plain);
    let fixed = app("1.2.6", "1000");
    bench.push(&fixed, "team/app:1");
    bench.sign("release", &image);
    bench.attest(&image);
    let verdict = bench.gate(0, &image, "production");
    assert_eq!((&verdict["verdict"], &verdict["reasons"]), (&json!("admit"), &json!([])), "{verdict:#}");
    let pinned = format!("{}/team/app@{}", bench.host, fixed.digest());
    assert_eq!(bench.gate(0, &pinned, "production")["verdict"], "admit");

    // Somebody swaps the image behind the tag: what was signed is another.
    bench.push(&app("1.2.6", "1001"), "team/app:1");
    let verdict = bench.gate(1, &image, "production");
    assert_eq!(rules(&verdict, "deny"), ["sbom", "signed"], "{verdict:#}");
    assert_eq!(bench.gate(0, &pinned, "production")["verdict"], "admit", "the digest is what it was");

    // The same image without what is attached to it.
    let stripped = format!("{}/team/stripped:1", bench.host);
    bench.copy(&format!("docker://{pinned}"), &stripped);
    let verdict = bench.gate(1, &stripped, "production");
    assert_eq!(rules(&verdict, "deny"), ["sbom", "signed"], "{verdict:#}");
    let signed =
        verdict["reasons"].as_array().unwrap().iter().find(|reason| reason["rule"] == "signed").unwrap();
    assert_eq!(signed["cause"], "missing-evidence", "{verdict:#}");

    // Signed by somebody else: denied, and the near miss is named.
    bench.sign("other", &stripped);
    let verdict = bench.gate(1, &stripped, "production");
    let signed =
        verdict["reasons"].as_array().unwrap().iter().find(|reason| reason["rule"] == "signed").unwrap();
    assert_eq!(signed["cause"], "violation", "{verdict:#}");
    assert!(signed["near_misses"][0].as_str().unwrap().contains("not by `release`"), "{verdict:#}");

    // In place, by writing over the list of what is attached.
    let list = format!("{}/team/app:{}", bench.host, fixed.digest().replace(':', "-"));
    bench.copy(&format!("docker://{}/bases/plain:1", bench.host), &list);
    let verdict = bench.gate(1, &pinned, "production");
    assert!(rules(&verdict, "deny").contains(&"signed"), "{verdict:#}");
}

/// The example pipelines of the manual, step by step.
#[test]
fn the_documented_steps_run() {
    let Some(bench) = Bench::new() else { return };
    bench.push(&base().build(), "bases/plain:1");
    let image = bench.push(&app("1.2.6", "1000"), "app:1.0");
    bench.sign("release", &format!("{}/bases/plain:1", bench.host));
    let page =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/manual/pipelines.md")).unwrap();
    let steps = page.split("The steps themselves:").nth(1).unwrap().split("```").nth(1).unwrap();
    let base = format!("{}/bases/plain:1", bench.host);
    for step in steps.lines().filter(|line| line.starts_with("assay ")) {
        // The feeds of the public are not at hand.
        if step == "assay db update" {
            continue;
        }
        let step = step.replace("registry.example/app:1.0", &image);
        let mut words: Vec<&str> = step.split(' ').skip(1).collect();
        if words[0] == "gate" {
            words.extend(["--base", &base]);
        }
        bench.assay(0, &words);
    }
}
