//! The story: a good and a bad image are pushed, judged and asked for; a vulnerability becomes known; the fixed image is let in.

use super::image::Image;
use super::registry::Registry;
use assay_advisories::Compiler;
use assay_advisories::sink::{Counts, Record};
use assay_model::{Advisory, Affected, Range, Severity, Timestamp};
use assay_oci::exchange::Exchange;
use assay_oci::{Network, NetworkOptions};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The most that is read of an answer.
const MAX_ANSWER: u64 = 4 << 20;
/// How long the story waits for what must come.
const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(250);
/// The vulnerability that becomes known while the story plays.
const NEW: &str = "DEMO-2026-0002";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Returns a vulnerability database: with what is known from the beginning, or later.
pub(super) fn database(later: bool, now: Timestamp) -> Result<Vec<u8>, Failure> {
    let mut advisories = vec![("DEMO-2026-0001", "acme-login", "2.0")];
    if later {
        advisories.push((NEW, "acme-json", "1.5"));
    }
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("demo", "CC0-1.0");
    for ecosystem in ["PyPI", "Debian:12"] {
        compiler.record(feed, Record::Covers(ecosystem.parse()?));
    }
    // Two databases of one second would be one.
    let built = Timestamp(now.0 + i64::from(later));
    for (id, package, fixed) in &advisories {
        let mut affected = Affected::new("PyPI".parse()?, package);
        affected.ranges = vec![Range::until_fixed(*fixed)];
        let advisory = Advisory {
            id: (*id).to_owned(),
            title: "made up for the demo".to_owned(),
            affected: vec![affected],
            severity: Some(Severity::Critical),
            published: Some(now),
            ..Advisory::default()
        };
        compiler.record(feed, Record::Advisory(Box::new(advisory)));
    }
    let used = u64::try_from(advisories.len())?;
    compiler.count(feed, Counts { used, data_time: Some(built), ..Counts::default() });
    Ok(compiler.finish(built)?)
}

/// Who plays the story.
pub(super) struct Story {
    pub(super) address: SocketAddr,
    pub(super) token: String,
    pub(super) registry: Registry,
    pub(super) network: NetworkOptions,
    /// Whether the server's database has the new vulnerability.
    pub(super) is_known: Arc<AtomicBool>,
    pub(super) tell: Arc<dyn Fn(&str) + Send + Sync>,
}

impl Story {
    /// Plays it, and says where it broke off if it does.
    pub(super) fn play(&self) {
        if let Err(error) = self.acts() {
            self.say(&format!("the story broke off: {error}"));
        }
    }

    fn acts(&self) -> Result<(), Failure> {
        let site = format!("http://{}", self.address);
        self.say(&format!("The server runs at {site}. Sign in there with the token {}", self.token));
        self.say("Packages and advisories here are made up. Ctrl-C ends the demo and removes everything.\n");

        self.say("1. CI pushes two images; the registry tells the server, which scans them.");
        let web = self.push("shop/web", "1.0", &[("acme-http", "3.1"), ("acme-json", "1.4")])?;
        let login = self.push("shop/login", "1.0", &[("acme-http", "3.1"), ("acme-login", "1.9")])?;
        for (name, digest) in [("shop/web:1.0", &web), ("shop/login:1.0", &login)] {
            self.say(&format!("   {name}: {}", self.scanned(digest)?));
        }

        self.say("2. The cluster asks whether they may run in production (policy: nothing critical).");
        self.ask_to_run("shop/web", "1.0", &web)?;
        self.ask_to_run("shop/login", "1.0", &login)?;

        self.say(&format!("3. {NEW} about `acme-json` comes with the feeds. Nothing is pulled or scanned again (up to 20 s)."));
        self.is_known.store(true, Ordering::Relaxed);
        let begun = Instant::now();
        let hit = self.wait_for(|| {
            let hits = self.get(&format!("/api/v1/blast-radius?advisory={NEW}"))?;
            Ok(hits.pointer("/items/0").cloned())
        })?;
        let text = |name: &str| hit.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.say(&format!(
            "   after {} s: it is in {} ({} {}); page: {site}/advisories/{NEW}",
            begun.elapsed().as_secs(),
            text("repository"),
            text("package"),
            text("version")
        ));
        self.ask_to_run("shop/web", "1.0", &web)?;

        self.say("4. The fixed image is pushed.");
        let fixed = self.push("shop/web", "1.1", &[("acme-http", "3.1"), ("acme-json", "1.5")])?;
        self.say(&format!("   shop/web:1.1: {}", self.scanned(&fixed)?));
        self.ask_to_run("shop/web", "1.1", &fixed)?;

        self.say(&format!(
            "That was the story. Look around: {site}/images/{web} {site}/events {site}/metrics"
        ));
        Ok(())
    }

    fn say(&self, text: &str) {
        (self.tell)(text);
    }

    /// Pushes an image, and tells the server as a registry would.
    fn push(&self, repository: &str, tag: &str, packages: &[(&str, &str)]) -> Result<String, Failure> {
        let digest = self.registry.push(repository, tag, &Image::new(packages)?);
        let event = json!({ "events": [{
            "action": "push",
            "target": {
                "mediaType": super::image::MANIFEST, "digest": digest, "repository": repository, "tag": tag },
            "request": { "host": self.registry.host() },
        }] });
        self.send("POST", "/webhooks/distribution", &event.to_string())?;
        Ok(digest)
    }

    /// Waits until an image is scanned; returns what was found.
    fn scanned(&self, digest: &str) -> Result<String, Failure> {
        let report = self.wait_for(|| match self.get(&format!("/api/v1/images/{digest}/report")) {
            Ok(report) => Ok(Some(report)),
            // It is not known before the event was worked on.
            Err(_) => Ok(None),
        })?;
        let findings =
            report.get("findings").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let vulnerabilities: Vec<&str> = findings
            .iter()
            .filter(|finding| finding.get("kind").and_then(Value::as_str) == Some("vulnerability"))
            .filter_map(|finding| finding.get("rule").or_else(|| finding.get("id"))?.as_str())
            .collect();
        Ok(match vulnerabilities.as_slice() {
            [] => "scanned, no vulnerability".to_owned(),
            some => format!("scanned, {}", some.join(", ")),
        })
    }

    /// Asks whether a pod with the image may run, as a cluster does.
    fn ask_to_run(&self, repository: &str, tag: &str, digest: &str) -> Result<(), Failure> {
        let image = format!("{}/{repository}@{digest}", self.registry.host());
        let pod = json!({ "metadata": { "name": "shop" }, "spec": { "containers": [{ "name": "main", "image": image }] } });
        let review = json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "demo", "kind": { "group": "", "version": "v1", "kind": "Pod" }, "operation": "CREATE",
                "namespace": "production", "userInfo": { "username": "demo" }, "object": pod,
            },
        });
        let answer = self.send("POST", "/admission/validate?timeout=10s", &review.to_string())?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let told = match answer.pointer("/response/allowed").and_then(Value::as_bool) {
            Some(true) => "admitted".to_owned(),
            _ => {
                let why = answer.pointer("/response/status/message").and_then(Value::as_str);
                format!("denied: {}", why.unwrap_or("no reason was given").trim().replace('\n', "\n     "))
            }
        };
        self.say(&format!("   {repository}:{tag}: {told}"));
        Ok(())
    }

    fn wait_for<T>(&self, look: impl Fn() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(found) = look()? {
                return Ok(found);
            }
            std::thread::sleep(POLL);
        }
        Err("the server took too long".into())
    }

    fn get(&self, path: &str) -> Result<Value, Failure> {
        Ok(serde_json::from_slice(&self.send("GET", path, "")?)?)
    }

    fn send(&self, method: &str, path: &str, body: &str) -> Result<Vec<u8>, Failure> {
        let url = format!("http://{}{path}", self.address);
        let headers = [
            ("Authorization".to_owned(), format!("Bearer {}", self.token)),
            ("Content-Type".to_owned(), "application/json".to_owned()),
        ];
        let exchange =
            Exchange { method, url: &url, headers: &headers, body: body.as_bytes(), limit: MAX_ANSWER };
        let answer = Network::new(self.network.clone()).exchange(&exchange)?;
        if answer.status >= 300 {
            return Err(format!(
                "{path} answered {}: {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            )
            .into());
        }
        Ok(answer.body)
    }
}
