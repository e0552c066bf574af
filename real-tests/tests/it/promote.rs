//! Quarantine with Debian's `docker-registry`: one registry that CI may write to and one that only the server may, with other users;
//! images signed and judged, carried over, pruned; a server that is killed again and again; a release tag that somebody moves.

use crate::cluster::free_port;
use crate::server::{Process, get, line, process};
use crate::services::{Running, notifications, registry, run};
use assay_test::image::{Builder, BuiltImage, Tree};
use real_tests::{assay, tool};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const SIGNED: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers: [{name: release}]\nrules:\n  - nonRoot: {}\n  - signed: {of: [release]}\ntrust: {release: {keys: [{file: release.pub}]}}\n";
const NON_ROOT: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers: [{name: release}]\nrules:\n  - nonRoot: {}\n";

const ADVISORY: &str = r#"{"id": "TEST-1", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "PyPI", "name": "flask"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}"#;

/// Who may write to which registry: CI to the first, the one who releases to the second.
const USERS: [(&str, &str); 2] = [("ci", "Y2k6cGFzcw=="), ("releaser", "cmVsZWFzZXI6cGFzcw==")];

/// The two registries, and a folder with the credentials of each and a vulnerability database.
pub(crate) struct Bench {
    folder: TempDir,
    skopeo: PathBuf,
    _registries: Vec<Running>,
    pub(crate) incoming: String,
    pub(crate) release: String,
}

/// An image, which runs as root or not.
fn image(content: &str, user: &str, created: &str) -> BuiltImage {
    Builder::new()
        .created(created)
        .runtime("User", json!(user))
        .layer(Tree::new().file("etc/content", content), "COPY . /")
        .build()
}

impl Bench {
    pub(crate) fn new(more: &str) -> Option<Self> {
        let (docker, skopeo, htpasswd) = (tool("docker-registry")?, tool("skopeo")?, tool("htpasswd")?);
        let folder = tempfile::tempdir().unwrap();
        let mut registries = Vec::new();
        let mut hosts = Vec::new();
        for (user, auth) in USERS {
            let file = folder.path().join(format!("{user}.htpasswd"));
            std::fs::write(&file, run(&htpasswd, &["-Bbn", user, "pass"])).unwrap();
            let config = format!("auth:\n  htpasswd: {{realm: test, path: {}}}\n{more}", file.display());
            let (running, host) = registry(&docker, folder.path(), "", &config);
            // Of the registry as a whole nothing is known: credentials are those of a repository.
            let name = if user == "ci" { "incoming/app" } else { "release/app" };
            let auths = json!({ "auths": { format!("{host}/{name}"): { "auth": auth } } });
            std::fs::write(folder.path().join(format!("{user}.json")), auths.to_string()).unwrap();
            registries.push(running);
            hosts.push(host);
        }
        // Without a vulnerability database everything is denied.
        std::fs::create_dir(folder.path().join("osv")).unwrap();
        std::fs::write(folder.path().join("osv/TEST-1.json"), ADVISORY).unwrap();
        let (incoming, release) = (format!("{}/incoming/app", hosts[0]), format!("{}/release/app", hosts[1]));
        let bench = Self { folder, skopeo, _registries: registries, incoming, release };
        bench.ok(&["db", "build", "--from", "osv", "--out", "test.db"]);
        Some(bench)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn push(&self, image: &BuiltImage, name: &str, user: &str) -> bool {
        let layout = self.path().join(image.digest().replace(':', "-"));
        std::fs::create_dir_all(&layout).unwrap();
        image.write_layout(&layout, "app");
        let (from, to) = (format!("oci:{}:app", layout.display()), format!("docker://{name}"));
        let credentials = format!("{user}:pass");
        let options = [
            "copy",
            "--quiet",
            "--preserve-digests",
            "--dest-tls-verify=false",
            "--dest-creds",
            &credentials,
        ];
        Command::new(&self.skopeo).args(options).args([&from, &to]).output().unwrap().status.success()
    }

    /// Writes the credentials of what scans, which knows both places: `both.json`. Only what promotes may write.
    pub(crate) fn know_both(&self) {
        let mut auths: Value = json!({ "auths": {} });
        for (user, _) in USERS {
            let file = std::fs::read(self.path().join(format!("{user}.json"))).unwrap();
            let file: Value = serde_json::from_slice(&file).unwrap();
            for (key, value) in file["auths"].as_object().unwrap() {
                auths["auths"][key] = value.clone();
            }
        }
        std::fs::write(self.path().join("both.json"), auths.to_string()).unwrap();
    }

    fn assay(&self, arguments: &[&str]) -> Output {
        Command::new(assay())
            .args(arguments)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("ASSAY_CACHE_DIR", self.path().join("cache"))
            .env("ASSAY_KEY_PASSWORD", "x")
            .env("ASSAY_QUIET", "1")
            .env("ASSAY_DB", "test.db")
            .output()
            .unwrap()
    }

    #[track_caller]
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        let output = self.assay(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns what a name stands for in the release registry, as skopeo sees it.
    pub(crate) fn released(&self, name: &str) -> Option<String> {
        let options =
            ["inspect", "--tls-verify=false", "--creds", "releaser:pass", "--format", "{{.Digest}}"];
        let output =
            Command::new(&self.skopeo).args(options).arg(format!("docker://{name}")).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    }
}

#[test]
fn what_the_right_one_signed_is_promoted_with_credentials_of_each_place_and_pruned_with_all_that_is_attached()
{
    let Some(bench) = Bench::new("") else { return };
    for key in ["release", "other"] {
        bench.ok(&["key", "generate", "--out", key]);
    }
    std::fs::write(bench.path().join("policy.yaml"), SIGNED).unwrap();
    let (good, root) =
        (image("good", "1000", "2026-01-02T00:00:00Z"), image("root", "0", "2026-01-03T00:00:00Z"));
    let (from, to) = (format!("{}:1.0", bench.incoming), format!("{}:1.0", bench.release));
    assert!(bench.push(&good, &from, "ci"));
    assert!(!bench.push(&good, &to, "ci"), "CI may write to the release registry");
    let reading = ["--registry-config", "ci.json"];
    let writing = ["--target-registry-config", "releaser.json"];
    let promote = |more: &[&str]| {
        let fixed = ["promote", &from, &bench.release, "--policy", "policy.yaml", "--format", "json"];
        let output = bench.assay(&[&fixed[..], &reading, more].concat());
        let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), said, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let sign = |key: &str, name: &str| {
        bench.ok(&[&["sign", "--key", key, name][..], &reading].concat());
    };
    let (code, said, errors) = promote(&writing);
    assert_eq!((code, &said["promoted"]), (1, &json!(false)), "{errors}");
    sign("other.key", &from);
    assert_eq!(promote(&writing).0, 1, "who signed it nobody trusts");
    sign("release.key", &from);
    let (code, _, errors) = promote(&[]);
    assert!(code == 2 && errors.contains("401"), "{errors}");
    assert_eq!(bench.released(&to), None);
    let (code, said, errors) = promote(&writing);
    assert_eq!(
        (code, &said["digest"], &said["artifacts"]),
        (0, &json!(good.digest()), &json!(2)),
        "{errors}"
    );
    assert_eq!(bench.released(&to), Some(good.digest()));
    bench.ok(&["verify", "--key", "release.pub", "--registry-config", "releaser.json", &to]);
    assert_eq!(promote(&writing).0, 0, "again it is the same");
    // Another image under the same tag: the release stays as it is.
    let newer = image("newer", "1000", "2026-01-04T00:00:00Z");
    assert!(bench.push(&newer, &from, "ci"));
    sign("release.key", &from);
    let (code, _, errors) = promote(&writing);
    assert!(code == 2 && errors.contains("--move"), "{errors}");
    assert_eq!(bench.released(&to), Some(good.digest()));
    assert_eq!(promote(&[&writing[..], &["--move"]].concat()).0, 0);
    assert_eq!(bench.released(&to), Some(newer.digest()));
    assert!(bench.push(&root, &from, "ci"));
    sign("release.key", &from);
    assert_eq!(promote(&[&writing[..], &["--move"]].concat()).0, 1, "it runs as root");

    // Older images go, with their signatures; a tag that names what stays is in the way of nothing.
    let old = image("old", "1000", "2025-01-01T00:00:00Z");
    for tag in ["0.1", "0.2"] {
        assert!(bench.push(&old, &format!("{}:{tag}", bench.release), "releaser"));
    }
    let old_name = format!("{}:0.1", bench.release);
    bench.ok(&["sign", "--key", "release.key", "--legacy", &old_name, "--registry-config", "releaser.json"]);
    bench.ok(&["sign", "--key", "release.key", &old_name, "--registry-config", "releaser.json"]);
    let prune =
        ["registry", "prune", &bench.release, "--keep-last", "1", "--registry-config", "releaser.json"];
    let text = bench.ok(&prune);
    assert!(text.contains("one of the newest") && text.contains("--yes"), "{text}");
    assert_eq!(bench.released(&old_name), Some(old.digest()));
    let text = bench.ok(&[&prune[..], &["--yes", "--format", "json"]].concat());
    let done: Value = serde_json::from_str(&text).unwrap();
    let manifests = done["repositories"][0]["manifests"].as_array().unwrap();
    assert!(manifests.len() >= 4, "the image, cosign's manifest, the bundle and its list: {text}");
    assert_eq!(done["repositories"][0]["deleted"], manifests.len());
    for one in manifests {
        let name = format!("{}@{}", bench.release, one["digest"].as_str().unwrap());
        assert_eq!(bench.released(&name), None, "{name}");
    }
    assert_eq!(bench.released(&to), Some(newer.digest()));
    bench.ok(&["verify", "--key", "release.pub", "--registry-config", "releaser.json", &to]);
}

pub(crate) fn wait<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_or(what, look, String::new)
}

/// Waits, and shows what `known` says when that is in vain.
pub(crate) fn wait_or<T>(
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    known: impl FnOnce() -> String,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        if begun.elapsed() >= Duration::from_secs(120) {
            panic!("waited in vain for {what}\n{}", known());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_server_that_is_killed_promotes_everything_once_and_tells_of_a_release_that_moves() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let secret = "0123456789abcdef0123456789abcdef";
    let telling = notifications(&listen, secret);
    let Some(bench) = Bench::new(&telling) else { return };
    std::fs::write(bench.path().join("policy.yaml"), NON_ROOT).unwrap();
    std::fs::write(bench.path().join("secret"), secret).unwrap();
    let host = |name: &str| name.split('/').next().unwrap().to_owned();
    let (reads, writes) = (host(&bench.incoming), host(&bench.release));
    bench.know_both();
    let pair = format!("{}={}", bench.incoming, bench.release);
    let crawled = bench.incoming.clone();
    let serve = [
        "--db",
        "test.db",
        "serve",
        "--data",
        "data",
        "--listen",
        &listen,
        "--lease",
        "2",
        "--registry",
        &reads,
        "--registry",
        &writes,
        "--policy",
        "policy.yaml",
        "--webhook-secret",
        "distribution=secret",
        "--promote",
        &pair,
        "--registry-config",
        "both.json",
        "--promote-registry-config",
        "releaser.json",
        "--crawl",
        &crawled,
        "--crawl-every",
        "2",
    ];
    let mut server: Process = process(bench.path(), &serve);
    let token = line(&mut server, "the first administrator's token, shown only now: ");
    let events = |kind: &str| -> Vec<Value> {
        let answer = get(port, &format!("/api/v1/events?kind={kind}&limit=1000"), &token).unwrap_or_default();
        answer["items"].as_array().cloned().unwrap_or_default()
    };
    let images: Vec<BuiltImage> =
        (0..6).map(|number| image(&format!("{number}"), "1000", "2026-01-01T00:00:00Z")).collect();
    for (number, image) in images.iter().enumerate() {
        assert!(bench.push(image, &format!("{}:{number}", bench.incoming), "ci"));
        // At another moment of the work each time.
        std::thread::sleep(Duration::from_millis(400 * number as u64));
        server.kill();
        server = process(bench.path(), &serve);
    }
    let root = image("root", "0", "2026-01-01T00:00:00Z");
    assert!(bench.push(&root, &format!("{}:root", bench.incoming), "ci"));
    for (number, image) in images.iter().enumerate() {
        let name = format!("{}:{number}", bench.release);
        wait(&name, || bench.released(&name).filter(|digest| *digest == image.digest()));
    }
    wait("six events", || (events("promoted").len() == images.len()).then_some(()));
    let denied = wait("the denial", || events("promotion-denied").first().cloned());
    assert_eq!(denied["detail"]["tag"], "root");
    assert_eq!(bench.released(&format!("{}:root", bench.release)), None);
    let promotions = get(port, "/api/v1/promotions", &token).unwrap();
    let promotions = promotions["items"].as_array().unwrap();
    assert_eq!(promotions.len(), images.len(), "{promotions:?}");
    assert!(promotions.iter().all(|one| one["finished"].is_string() && one["actor"] == "assay serve"));

    // Somebody who may write there moves a release.
    assert!(bench.push(&root, &format!("{}:0", bench.release), "releaser"));
    let alarm = wait("the alarm", || events("promoted-tag-moved").first().cloned());
    assert_eq!(
        (&alarm["digest"], &alarm["detail"]["promoted"]),
        (&json!(root.digest()), &json!(images[0].digest()))
    );
    assert_eq!(events("promoted-tag-moved").len(), 1);

    // The registry tells of pulls by others.
    let path = format!("/api/v1/images/{}", images[1].digest());
    let (from, to) =
        (format!("docker://{}:1", bench.release), format!("dir:{}", bench.path().join("pulled").display()));
    run(
        &bench.skopeo,
        &["copy", "--quiet", "--src-tls-verify=false", "--src-creds", "releaser:pass", &from, &to],
    );
    wait("the pull", || get(port, &path, &token).filter(|image| image["lastPulled"].is_string()).map(drop));
}
