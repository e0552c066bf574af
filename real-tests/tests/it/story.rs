//! The whole story with real parts: images that CI pushes to Debian's `docker-registry`, a server on PostgreSQL and two workers, keys,
//! promotion, admission as a cluster asks for it, an advisory that comes later, and the image that fixes it.

use crate::cluster::free_port;
use crate::pages::base64;
use crate::promote::{Bench, wait, wait_or};
use crate::server::{get, line, process};
use crate::services::{notifications, run};
use crate::store::start as start_postgres;
use assay_test::http::{Reply, Server};
use assay_test::image::{Builder, BuiltImage, Tree};
use real_tests::tool;
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: story}
tiers: [{name: production, onPending: wait}]
rules:
  - nonRoot: {}
  - vulnerabilities: {max: {critical: 0, high: 0}}
  - signed: {of: [release]}
trust: {release: {keys: [{file: release.pub}]}}
";

/// Known from the beginning, and known only later: identifier, package, and the version that fixes it.
const KNOWN: (&str, &str, &str) = ("CVE-2020-14343", "pyyaml", "5.4");
const LATER: (&str, &str, &str) = ("CVE-2019-10906", "jinja2", "2.10.1");

/// Why an image with either is denied.
const VULNERABLE: &str = "1 high vulnerability, accepted none";

/// What "flagged within a minute" allows.
const FLAGGED: Duration = Duration::from_secs(60);

/// An image with one Python package, which does not run as root.
fn image(package: &str, version: &str) -> BuiltImage {
    let path = format!("usr/lib/python3/dist-packages/{package}-{version}.dist-info/METADATA");
    let metadata = format!("Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n");
    Builder::new()
        .created("2026-01-01T00:00:00Z")
        .runtime("User", json!("1000"))
        .layer(Tree::new().file(&path, metadata), "RUN pip install")
        .build()
}

/// Puts an advisory into the feed, OSV's list of all there is about PyPI (<https://ossf.github.io/osv-schema/>), and builds the database that
/// the server reads.
fn publish(bench: &Bench, zip: &Path, (id, package, fixed): (&str, &str, &str)) {
    // A list in which nothing is new for half a year counts as stale.
    let now = String::from_utf8(run(Path::new("date"), &["-u", "+%Y-%m-%dT%H:%M:%SZ"])).unwrap();
    let record = json!({
        "schema_version": "1.6.0", "id": id, "modified": now.trim(),
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N" }],
        "affected": [{
            "package": { "ecosystem": "PyPI", "name": package },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    });
    let (folder, file) = (bench.path().join("feeds/osv/PyPI"), bench.path().join(format!("{id}.json")));
    fs::create_dir_all(&folder).unwrap();
    fs::write(&file, record.to_string()).unwrap();
    let all = folder.join("all.zip");
    run(zip, &["-q", "-j", &all.display().to_string(), &file.display().to_string()]);
    bench.ok(&["db", "build", "--from", "feeds", "--out", "test.db"]);
}

/// Whoever asks the server: a cluster, Prometheus, somebody at a browser.
struct Asker {
    port: u16,
    token: String,
}

impl Asker {
    /// Returns the head and the body of an answer.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\n", self.port);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token)
    }

    fn json(&self, path: &str) -> Value {
        get(self.port, path, &self.token).unwrap_or_default()
    }

    /// Returns the events of a kind about an image, the oldest first.
    fn events(&self, kind: &str, digest: &str) -> Vec<Value> {
        let answer = self.json(&format!("/api/v1/events?kind={kind}&digest={digest}&limit=1000"));
        answer["items"].as_array().cloned().unwrap_or_default()
    }

    /// Returns the value of a metric with its labels, if it has one.
    fn metric(&self, name: &str) -> Option<f64> {
        let (head, text) = self.ask("GET", "/metrics", &[("Authorization", &self.bearer())], "");
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
    }

    /// Signs in as somebody at a browser does, and returns the session.
    fn sign_in(&self) -> String {
        let origin = format!("http://localhost:{}", self.port);
        let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let (head, _) = self.ask("POST", "/sign-in", &headers, &format!("token={}&to=%2F", self.token));
        let cookie = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap().to_owned())
        });
        cookie.unwrap_or_else(|| panic!("no session: {head}"))
    }

    /// Returns a page; slashes, which need not be, are written as characters there.
    fn page(&self, path: &str, session: &str) -> String {
        let (head, body) = self.ask("GET", path, &[("Cookie", session)], "");
        assert!(head.starts_with("HTTP/1.1 200") && head.to_lowercase().contains("text/html"), "{head}");
        body.replace("&#x2f;", "/")
    }

    /// Waits, and shows what the server knows when that is in vain.
    fn wait<T>(&self, what: &str, look: impl FnMut() -> Option<T>) -> T {
        wait_or(what, look, || {
            let lists = ["/api/v1/events?limit=1000", "/api/v1/promotions"].map(str::to_owned);
            let jobs = (1..60).map(|id| format!("/api/v1/jobs/{id}"));
            let known: Vec<_> =
                lists.into_iter().chain(jobs).map(|path| self.json(&path).to_string()).collect();
            known.join("\n")
        })
    }

    fn review(&self, path: &str, pod: &Value) -> Value {
        let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": { "group": "", "version": "v1", "kind": "Pod" },
            "resource": { "group": "", "version": "v1", "resource": "pods" },
            "name": "app", "namespace": "shop", "operation": "CREATE", "dryRun": false,
            "userInfo": { "username": "system:serviceaccount:kube-system:replicaset-controller" },
            "object": pod, "oldObject": null,
        } });
        let headers = [("Authorization", &*self.bearer()), ("Content-Type", "application/json")];
        let (head, body) = self.ask("POST", &format!("{path}?timeout=10s"), &headers, &review.to_string());
        assert!(head.starts_with("HTTP/1.1 200"), "{head}\n{body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }

    /// Asks as an API server does, first whether the pod is to be changed, then whether it may run. Returns the image that would run, or
    /// why none does.
    fn admit(&self, image: &str) -> Result<String, String> {
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "app", "namespace": "shop" },
            "spec": { "containers": [{ "name": "app", "image": image }] },
        });
        for path in ["/admission/mutate", "/admission/validate"] {
            let answer = self.review(path, &pod);
            if answer["allowed"] != true {
                return Err(answer["status"]["message"].as_str().unwrap().to_owned());
            }
            if let Some(patch) = answer["patch"].as_str() {
                assert_eq!((path, &answer["patchType"]), ("/admission/mutate", &json!("JSONPatch")));
                let patch: Value = serde_json::from_slice(&base64(patch)).unwrap();
                for step in patch.as_array().unwrap() {
                    assert_eq!(step["op"], "replace", "{patch}");
                    *pod.pointer_mut(step["path"].as_str().unwrap()).unwrap() = step["value"].clone();
                }
            }
        }
        Ok(pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned())
    }
}

#[test]
fn the_story() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let secret = "0123456789abcdef0123456789abcdef";
    let telling = notifications(&listen, secret);
    let (Some(bench), Some(postgres), Some(zip)) = (Bench::new(&telling), start_postgres(), tool("zip"))
    else {
        return;
    };
    bench.ok(&["key", "generate", "--out", "release"]);
    fs::write(bench.path().join("policy.yaml"), POLICY).unwrap();
    fs::write(bench.path().join("secret"), secret).unwrap();
    bench.know_both();
    publish(&bench, &zip, KNOWN);

    let receiver = Server::start(|_| Reply::new(204, ""));
    let told_to = format!("http://{}/told", receiver.host());
    let database = postgres.url("postgres");
    let host = |name: &str| name.split('/').next().unwrap().to_owned();
    let (reads, writes) = (host(&bench.incoming), host(&bench.release));
    let pair = format!("{}={}", bench.incoming, bench.release);
    let both = ["--database", &database, "--registry", &reads, "--registry", &writes];
    let knows = ["--registry-config", "both.json", "--lease", "2"];
    let serve = ["--db", "test.db", "serve", "--data", "data", "--listen", &listen, "--workers", "0"];
    let judges = ["--policy", "policy.yaml", "--webhook-secret", "distribution=secret", "--notify", &told_to];
    let promotes =
        ["--promote", &pair, "--promote-move", "stable", "--promote-registry-config", "releaser.json"];
    let mut server = process(bench.path(), &[&serve[..], &both, &knows, &judges, &promotes].concat());
    let token = line(&mut server, "the first administrator's token, shown only now: ");
    let asker = Asker { port, token };
    wait("the server", || TcpStream::connect(("127.0.0.1", port)).ok());
    let worker = ["--db", "test.db", "worker", "--workers", "1"];
    let worker = [&worker[..], &both, &knows].concat();
    let mut workers = [process(bench.path(), &worker), process(bench.path(), &worker)];

    // What CI pushes is scanned; unsigned it stays where it is.
    let (good, bad) = (image("jinja2", "2.10"), image("pyyaml", "5.1"));
    let (good_digest, bad_digest) = (good.digest(), bad.digest());
    let (incoming, release) = (format!("{}:stable", bench.incoming), format!("{}:stable", bench.release));
    let bad_name = format!("{}:bad", bench.incoming);
    assert!(bench.push(&good, &incoming, "ci") && bench.push(&bad, &bad_name, "ci"));
    for (digest, tag) in [(&good_digest, "stable"), (&bad_digest, "bad")] {
        asker.wait("the scan", || asker.events("scanned", digest).first().cloned());
        assert_eq!(asker.events("tag-seen", digest)[0]["detail"]["tag"], tag);
        let denied = asker.wait("the denial", || asker.events("promotion-denied", digest).first().cloned());
        assert!(denied["detail"]["reason"].as_str().unwrap().contains("signed"), "{denied}");
    }
    let sign = |name: &str| bench.ok(&["sign", "--key", "release.key", name, "--registry-config", "ci.json"]);
    sign(&incoming);
    sign(&bad_name);

    // Signed by whom the policy trusts, the one without known vulnerabilities is carried over with its signature, and the other is not.
    for digest in [&good_digest, &bad_digest] {
        asker.wait("the signature", || asker.events("evidence-added", digest).first().cloned());
    }
    let promoted = asker.wait("the promotion", || asker.events("promoted", &good_digest).first().cloned());
    assert!(promoted["detail"]["target"].as_str().unwrap().starts_with(&release), "{promoted}");
    assert_eq!(bench.released(&release), Some(good_digest.clone()));
    bench.ok(&["verify", "--key", "release.pub", "--registry-config", "releaser.json", &release]);
    let verdict = |digest: &str| asker.json(&format!("/api/v1/images/{digest}/verdict?namespace=shop"));
    let denied = asker.wait("the verdict", || Some(verdict(&bad_digest)).filter(|it| !it["lines"].is_null()));
    assert_eq!(denied["decision"], "deny", "{denied}");
    asker.wait("the denial for what it has", || {
        asker.events("promotion-denied", &bad_digest).into_iter().find(|event| {
            let reason = event["detail"]["reason"].as_str().unwrap();
            reason.contains(VULNERABLE) && !reason.contains("signed")
        })
    });
    assert_eq!(bench.released(&format!("{}:bad", bench.release)), None);
    assert_eq!(asker.metric("assay_promotions_total"), Some(1.0));
    assert_eq!(asker.metric("assay_promotion_candidates_denied"), Some(1.0));

    // A cluster: the bad one is denied, whoever signed it; the good one runs, by its digest.
    let why = asker.admit(&bad_name).unwrap_err();
    assert!(why.contains(VULNERABLE) && !why.contains("signed"), "{why}");
    let pinned = format!("{release}@{good_digest}");
    assert_eq!(asker.admit(&release), Ok(pinned.clone()));
    assert_eq!(asker.metric("assay_admission_denied_total"), Some(1.0));
    assert_eq!(verdict(&good_digest)["decision"], "admit");
    let told = |digest: &str| -> Vec<Value> {
        let requests = receiver.requests();
        let bodies = requests.iter().map(|request| serde_json::from_slice::<Value>(&request.body).unwrap());
        let images = bodies.flat_map(|body| {
            assert_eq!(body["schema"], "assay.notification/v1");
            body["images"].as_array().unwrap().clone()
        });
        images.filter(|image| image["digest"] == digest).collect()
    };
    assert_eq!(told(&good_digest), Vec::<Value>::new(), "nobody has anything to be told of yet");

    // From here on one worker must do.
    workers[0].kill();
    let session = asker.sign_in();
    let page = format!("/advisories/{}", LATER.0);
    assert!(!asker.page(&page, &session).contains(&bench.release));
    let affected = r#"assay_affected_images{kind="vulnerability",severity="high"}"#;
    assert_eq!(asker.metric(affected), Some(1.0));
    let published = Instant::now();
    publish(&bench, &zip, LATER);
    let mut wanted = vec!["event", "metric", "notification", "page", "denial"];
    while !wanted.is_empty() {
        assert!(published.elapsed() < FLAGGED, "no {wanted:?} within a minute of the advisory");
        wanted.retain(|one| match *one {
            "event" => asker.events("finding-appeared", &good_digest).is_empty(),
            // Asked for all the time, as indicators that are kept for a while must not hide what happened meanwhile.
            "metric" => asker.metric(affected) != Some(2.0),
            "notification" => told(&good_digest).is_empty(),
            "page" => !asker.page(&page, &session).contains(&good_digest),
            _ => asker.admit(&pinned).is_ok(),
        });
        std::thread::sleep(Duration::from_millis(200));
    }
    let flagged = Instant::now();
    let events = asker.events("finding-appeared", &good_digest);
    let [event] = &events[..] else { panic!("{events:?}") };
    assert_eq!((&event["detail"]["rule"], &event["detail"]["severity"]), (&json!(LATER.0), &json!("high")));
    assert_eq!(event["detail"]["reasons"][0]["advisory"], LATER.0, "{event}");
    assert_eq!(asker.events("finding-appeared", &bad_digest), Vec::<Value>::new());
    // It is told of once, with all its places.
    let news = told(&good_digest);
    let [one] = &news[..] else { panic!("{news:?}") };
    assert_eq!((&one["findings"][0]["rule"], &one["urgency"]), (&json!(LATER.0), &json!("ticket")));
    let mut places = vec![json!(incoming), json!(release)];
    places.sort_by_key(Value::to_string);
    assert_eq!(one["tags"], Value::Array(places));
    let html = asker.page(&page, &session);
    assert!(html.contains(&release) && html.contains(&bench.incoming), "{html}");
    assert!(html.contains("1 image has it") && html.contains(LATER.2), "{html}");
    let why = asker.admit(&pinned).unwrap_err();
    assert!(why.contains(VULNERABLE), "{why}");
    assert_eq!(asker.metric(r#"assay_remediated_vulnerabilities{severity="high"}"#), None);

    // The fix, by the same way: what was released moves to it, and the cluster runs it.
    let fixed = image("jinja2", "2.10.1");
    let pushed = Instant::now();
    assert!(bench.push(&fixed, &incoming, "ci"));
    sign(&incoming);
    asker.wait("the promotion of the fix", || asker.events("promoted", &fixed.digest()).first().cloned());
    let remediated = Instant::now();
    assert_eq!(bench.released(&release), Some(fixed.digest()));
    assert_eq!(asker.admit(&release), Ok(format!("{release}@{}", fixed.digest())));
    assert!(asker.admit(&pinned).is_err());

    // The tags of both repositories are remediated; the time is from the advisory to the fix.
    let count = r#"assay_remediated_vulnerabilities{severity="high"}"#;
    asker.wait("the remediation", || asker.metric(count).filter(|count| *count == 2.0));
    let time = asker.metric(r#"assay_time_to_remediate_seconds{severity="high"}"#).unwrap();
    let (least, most) = (pushed - flagged, remediated - published);
    assert!(
        (least.as_secs_f64()..=most.as_secs_f64()).contains(&time),
        "{time} s, and not from {least:?} to {most:?}"
    );
    assert_eq!(asker.metric(affected), Some(2.0), "images do not change: they are as they were");
    assert_eq!(asker.metric("assay_promotions_total"), Some(2.0));
    for name in ["assay_promoted_tag_moves_total", "assay_promoted_tags_moved", "assay_promotions_open"] {
        assert_eq!(asker.metric(name), Some(0.0), "{name}");
    }
    let radius = asker.json(&format!("/api/v1/blast-radius?advisory={}", LATER.0));
    assert!(radius["items"].to_string().contains(&fixed.digest()), "fixed in which image? {radius}");
}
