//! The pages as a browser gets them: signing in, every page and every table, hostile names, lists that go on.

use crate::fixture::{BUILT, World, database, image, now, run, token};
use assay_model::{Digest, Timestamp};
use assay_server::rematch_all;
use assay_store::{Holder, Moment, NewJob, Place, Role, Scope, Token};
use assay_test::registry::Content;
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer with its headers.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Somebody with a browser.
struct Browser<'a> {
    world: &'a World,
    cookie: Option<String>,
}

impl Browser<'_> {
    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.world.address).await.unwrap();
        let cookie =
            self.cookie.as_ref().map(|cookie| format!("Cookie: other=1; {cookie}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             {cookie}{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    /// Opens a page that must be there.
    async fn open(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}\n{}", answer.head, answer.body);
        answer.body
    }

    async fn submit(&self, path: &str, body: &str) -> Answer {
        self.send("POST", path, "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n", body).await
    }

    async fn sign_in(&mut self, role: Role) {
        let answer = self.submit("/sign-in", &format!("token={}&to=%2Fimages", token(role).reveal())).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some("/images")), "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap();
        self.cookie = Some(cookie.split(';').next().unwrap().to_owned());
    }
}

/// Returns the addresses of a page that contain a text.
fn links(html: &str, containing: &str) -> Vec<String> {
    let addresses = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let addresses = addresses.map(|address| address.replace("&amp;", "&").replace("&#x2f;", "/"));
    addresses.filter(|address| address.contains(containing)).collect()
}

/// A world with an image that was scanned, and then again by a newer database.
/// Opens a page as a viewer.
pub(crate) async fn page(world: &World, path: &str) -> String {
    let mut browser = Browser { world, cookie: None };
    browser.sign_in(Role::Viewer).await;
    browser.open(path).await
}

async fn world(policy: Option<&str>) -> (World, String) {
    let app = image(&[("django", "4.0.5"), ("flask", "1.0")]);
    let old = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
    let world = World::start(Content::new().image("1.0", &app), &old, policy).await;
    world.push(&world.registry.host(), "1.0", &app.digest()).await;
    world.work().await;
    let later = Timestamp(BUILT.0 + 3600);
    let new = database(&[("CVE-2023-7", "flask", "2.0")], later);
    world.replace_database(&new);
    rematch_all(&world.store, &old, (&new, false), now()).await.unwrap();
    (world, app.digest())
}

const POLICY: &str = "
apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: house rules, owner: security}
tiers:
  - {name: production, match: {namespaces: [shop]}}
rules:
  - vulnerabilities: {max: {critical: 0}}
exceptions:
  - {id: EX-1, advisories: [CVE-2022-1], owner: anna, reason: not reachable, approvedBy: ben, expires: 2023-11-20}
  - {id: EX-2, advisories: [CVE-2022-2], owner: anna, reason: late, approvedBy: ben, expires: 2023-01-01}
";

#[test]
fn every_page_can_be_read_and_every_table_fetched() {
    run(async {
        let (world, digest) = world(Some(POLICY)).await;
        let pod = serde_json::json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop",
            "object": {"spec": {"containers": [{"image": format!("{}/team/app:1.0@{digest}", world.registry.host())}]}}}});
        let (_, answer) = world.ask("POST", "/admission/validate", None, &pod.to_string()).await;
        assert!(answer.contains("\"allowed\":false"), "{answer}");
        let mut browser = Browser { world: &world, cookie: None };
        browser.sign_in(Role::Admin).await;
        let all = [
            "/".to_owned(),
            "/images".to_owned(),
            format!("/images/{digest}"),
            format!("/images/{digest}/packages"),
            format!("/images/{digest}/compare?with={digest}"),
            "/search?text=flask".to_owned(),
            "/advisories/CVE-2023-7".to_owned(),
            "/packages?name=flask".to_owned(),
            format!("/files/{digest}"),
            "/triage".to_owned(),
            "/triage?ended=all&state=false-positive&owner=nobody".to_owned(),
            format!("/search?text={digest}"),
            "/events".to_owned(),
            "/promotions".to_owned(),
            "/queue".to_owned(),
            "/policy".to_owned(),
            "/audit".to_owned(),
        ];
        let mut tables = 0;
        for path in &all {
            let answer = browser.get(path).await;
            let html = &answer.body;
            assert_eq!(answer.status, 200, "{path}: {html}");
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            for (part, times) in [
                ("<html lang=\"en\">", 1),
                ("<h1>", 1),
                ("<main id=\"content\"", 1),
                ("href=\"#content\"", 1),
            ] {
                assert_eq!(html.matches(part).count(), times, "{path}: {part}\n{html}");
            }
            // Nothing that the policy forbids, which browsers would leave out.
            for part in ["<script", "<style", " style=", " onclick", "javascript:", "<img"] {
                assert!(!html.contains(part), "{path}: {part}");
            }
            assert_eq!(html.matches("<table>").count(), html.matches("<caption>").count(), "{path}");
            assert_eq!(html.matches("<th ").count(), html.matches("<th scope=\"").count(), "{path}");
            let documents = links(html, "format=csv");
            assert!(!documents.is_empty(), "{path} has no table\n{html}");
            for csv in documents {
                tables += 1;
                let answer = browser.get(&csv).await;
                assert_eq!(answer.status, 200, "{csv}: {}", answer.body);
                assert!(answer.header("content-type").unwrap().starts_with("text/csv"), "{csv}");
                let columns = answer.body.lines().next().unwrap().split(',').count();
                let lines = answer.body.trim_end().split("\r\n").count() - 1;
                let json = browser.open(&csv.replace("format=csv", "format=json")).await;
                let json: serde_json::Value = serde_json::from_str(&json).unwrap();
                let items = json["items"].as_array().unwrap();
                assert_eq!(items.len(), lines, "{csv}");
                assert!(items.iter().all(|item| item.as_object().unwrap().len() == columns), "{csv}");
            }
        }
        assert!(tables > 30, "{tables}");

        let image = browser.open(&format!("/images/{digest}")).await;
        for part in [
            "CVE-2023-7",
            "CVE-2022-1",
            "class=\"critical\"",
            "COPY . &#x2f;",
            ":1.0<",
            "finding-appeared",
            "advisory added",
            "class=\"deny\"",
            ">shop<",
            ">production<",
        ] {
            assert!(image.contains(part), "{part}\n{image}");
        }
        let advisory = browser.open("/advisories/CVE-2023-7").await;
        assert!(advisory.contains("1 image has it, in 1 open finding; 0 images had it"), "{advisory}");
        assert!(!links(&advisory, &digest).is_empty() && advisory.contains(">2.0<"), "{advisory}");
        let gone = browser.open("/advisories/CVE-2022-1").await;
        assert!(gone.contains("0 images have it, in 0 open findings; 1 image had it"), "{gone}");
        let policy = browser.open("/policy").await;
        for part in ["house rules", "EX-1", "ends soon", "EX-2", "over", "not reachable", "namespace shop"] {
            assert!(policy.contains(part), "{part}\n{policy}");
        }
        let overview = browser.open("/").await;
        assert!(overview.contains("<polyline") && overview.contains("CVE-2023-7"), "{overview}");
        for format in ["json", "html", "cyclonedx", "spdx", "sarif", "csv", "markdown"] {
            let answer = browser.get(&format!("/images/{digest}/download/{format}")).await;
            assert_eq!(answer.status, 200, "{format}");
            assert!(answer.header("content-disposition").unwrap().starts_with("attachment"), "{format}");
            assert!(answer.body.contains("flask"), "{format}: {}", answer.body);
        }
        assert_eq!(browser.get(&format!("/images/{digest}/download/table")).await.status, 404);
        let style = browser.get("/style.css").await;
        assert!(
            style.header("content-type").unwrap().starts_with("text/css")
                && style.body.contains("prefers-color-scheme: dark")
        );
    });
}

#[test]
fn every_report_that_is_shown_is_dated_by_the_database_by_which_it_holds() {
    run(async {
        let app = image(&[("flask", "1.0")]);
        let old = database(&[("CVE-2022-1", "flask", "2.0")], BUILT);
        let world = World::start(Content::new().image("1.0", &app), &old, None).await;
        world.push(&world.registry.host(), "1.0", &app.digest()).await;
        world.work().await;
        let later = Timestamp(BUILT.0 + 2 * 86_400);
        let new = database(&[("CVE-2022-1", "flask", "2.0"), ("CVE-2023-7", "other", "2.0")], later);
        rematch_all(&world.store, &old, (&new, false), now()).await.unwrap();
        let mut browser = Browser { world: &world, cookie: None };
        browser.sign_in(Role::Viewer).await;
        let date = later.to_string();
        let digest = app.digest();
        let report = world.get(&format!("/api/v1/images/{digest}/report")).await;
        assert_eq!(report["database"]["built_at"], date);
        for (format, date) in [("json", &date), ("html", &later.date_text())] {
            let file = browser.open(&format!("/images/{digest}/download/{format}")).await;
            assert!(file.contains(date), "{format}: {file}");
        }
        let id = format!("{}/team/app@{digest}\n", world.registry.host());
        let id = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, id);
        let accept = "Accept: application/vnd.scanner.adapter.vuln.report.raw\r\n";
        let headers = format!("Authorization: Bearer {}\r\n{accept}", token(Role::Viewer).reveal());
        let (status, _, raw) =
            world.send("GET", &format!("/harbor/api/v1/scan/{id}/report"), &headers, "").await;
        assert!(status == 200 && raw.contains(&date), "{raw}");
    });
}

#[test]
fn what_a_page_says_of_a_package_leads_to_the_images_that_have_it() {
    run(async {
        // Advisories spell it otherwise.
        let app = image(&[("Flask", "1.0"), ("Zope.Interface", "5")]);
        let known = database(&[("CVE-2022-1", "flask", "2.0")], BUILT);
        let world = World::start(Content::new().image("1.0", &app), &known, None).await;
        world.push(&world.registry.host(), "1.0", &app.digest()).await;
        world.work().await;
        let mut browser = Browser { world: &world, cookie: None };
        browser.sign_in(Role::Viewer).await;
        let page = browser.open(&format!("/images/{}", app.digest())).await;
        let packages = browser.open(&format!("/images/{}/packages", app.digest())).await;
        let addresses = [links(&page, "/packages?"), links(&packages, "/packages?ecosystem")].concat();
        let leading: BTreeSet<&String> =
            addresses.iter().filter(|address| address.contains("name=")).collect();
        assert_eq!(leading.len(), 2, "{addresses:?}");
        for address in leading {
            let found = browser.open(address).await;
            assert!(!links(&found, &app.digest()).is_empty(), "{address}\n{found}");
        }
    });
}

#[test]
fn the_pages_open_by_a_session_and_the_cookie_holds_no_token() {
    run(async {
        let (world, digest) = world(None).await;
        let mut browser = Browser { world: &world, cookie: None };
        // Nobody is signed in.
        let answer = browser.get(&format!("/images/{digest}?text=a")).await;
        assert_eq!(answer.status, 303);
        assert_eq!(
            answer.header("location").unwrap(),
            format!("/sign-in?to=%2Fimages%2F{digest}%3Ftext%3Da")
        );
        let answer = browser.get("/images?format=csv&table=images").await;
        assert_eq!((answer.status, answer.body.contains("unauthenticated")), (401, true));
        assert_eq!(browser.get(&format!("/images/{digest}/download/json")).await.status, 303);
        let form = browser.open("/sign-in?to=%2Fevents").await;
        assert!(form.contains("value=\"&#x2f;events\"") && !form.contains("<nav"), "{form}");
        let elsewhere = browser.open("/sign-in?to=https%3A%2F%2Fevil.example%2F").await;
        assert!(!elsewhere.contains("evil"), "{elsewhere}");

        // Who is let in.
        let good = format!("token={}", token(Role::Viewer).reveal());
        for headers in ["", "Origin: http://evil.example\r\n", "Origin: null\r\n"] {
            let answer = browser.send("POST", "/sign-in", headers, &good).await;
            assert_eq!((answer.status, answer.header("set-cookie")), (403, None), "{headers}");
        }
        for wrong in ["token=", "token=assay_00", "token=%27%20OR%201%3D1%20--"] {
            let answer = browser.submit("/sign-in", wrong).await;
            assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{wrong}");
            assert!(answer.body.contains("role=\"alert\""));
        }
        assert_eq!(browser.submit("/sign-in", &format!("token={}", "x".repeat(20_000))).await.status, 413);
        let answer = browser.submit("/sign-in", &format!("{good}&to=%2F%2Fevil.example")).await;
        assert_eq!(answer.header("location"), Some("/"));
        let cookie = answer.header("set-cookie").unwrap().to_owned();
        assert!(cookie.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict"), "{cookie}");
        assert!(!cookie.contains(token(Role::Viewer).reveal().trim_start_matches("assay_")), "{cookie}");
        let tls = "Origin: https://localhost\r\n";
        let answer = browser.send("POST", "/sign-in", tls, &good).await;
        assert!(answer.header("set-cookie").unwrap().ends_with("; Secure"));

        // What a viewer sees, and what not.
        browser.sign_in(Role::Viewer).await;
        let session = browser.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
        let page = browser.open("/events").await;
        assert!(
            page.contains("viewer (viewer)") && !page.contains("/audit") && !page.contains(&session),
            "{page}"
        );
        let answer = browser.get("/audit").await;
        assert!(
            answer.status == 403 && answer.body.contains("this takes the role `security`"),
            "{}",
            answer.body
        );
        assert_eq!(browser.get("/audit?table=audit&format=json").await.status, 403);
        // The session is no token, and the token no session.
        let as_token = format!("Authorization: Bearer {session}\r\n");
        let other =
            Browser { world: &world, cookie: Some(format!("assay-session={}", token(Role::Admin).reveal())) };
        assert_eq!(other.send("GET", "/api/v1/images", &as_token, "").await.status, 401);
        assert_eq!(other.get("/images").await.status, 303);
        // Programs may fetch tables by their token.
        assert_eq!(world.ask("GET", "/images?table=images&format=csv", Some(Role::Viewer), "").await.0, 200);
        assert_eq!(world.ask("GET", "/audit?table=audit&format=csv", Some(Role::Viewer), "").await.0, 403);

        // Signing out takes the key of the form.
        let key = page.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        for wrong in ["key=", &format!("key={session}"), &format!("key={}", "0".repeat(64))] {
            assert_eq!(browser.submit("/sign-out", wrong).await.status, 403, "{wrong}");
        }
        browser.open("/events").await;
        let answer = browser.submit("/sign-out", &format!("key={key}")).await;
        assert_eq!(answer.header("location"), Some("/sign-in"));
        assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
        assert_eq!(browser.get("/events").await.status, 303);

        // A session ends with its token.
        let holder = Holder { name: "guest".to_owned(), role: Role::Viewer, scope: Scope::Fleet };
        let guest = Token::new([77; 32]);
        let mut work = world.store.begin().await.unwrap();
        work.add_token(&guest, &holder, None, now()).await.unwrap();
        work.commit().await.unwrap();
        let answer = browser.submit("/sign-in", &format!("token={}", guest.reveal())).await;
        browser.cookie = Some(answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned());
        browser.open("/").await;
        let mut work = world.store.begin().await.unwrap();
        work.revoke_tokens("guest", now()).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(browser.get("/").await.status, 303);

        browser.sign_in(Role::Security).await;
        let audit = browser.open("/audit").await;
        for part in ["session.begin", "session.end", "guest", "viewer"] {
            assert!(audit.contains(part), "{part}\n{audit}");
        }
        assert!(!audit.contains(guest.reveal()));
    });
}

#[test]
fn hostile_names_stay_text() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), None).await;
        let script = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
        let formula = "=HYPERLINK(\"http://evil.example\",\"a\")\u{202e}";
        let digest = Digest::Sha256([9; 32]);
        let mut work = world.store.begin().await.unwrap();
        let place = |repository: &str, tag: &str| Place {
            registry: "registry.example".to_owned(),
            repository: repository.to_owned(),
            tag: Some(tag.to_owned()),
        };
        work.see(&digest, &place(script, formula), now()).await.unwrap();
        let detail = serde_json::json!({ "tag": script, "reasons": [{ "text": script }] });
        work.record(script, Some(&digest), &detail, now()).await.unwrap();
        work.audit(formula, script, script, &detail, now()).await.unwrap();
        let job = NewJob {
            kind: "resolve".to_owned(),
            name: script.to_owned(),
            registry: formula.to_owned(),
            payload: String::new(),
            priority: 0,
            max_attempts: 1,
        };
        work.enqueue(&job, now()).await.unwrap();
        work.commit().await.unwrap();
        let mut browser = Browser { world: &world, cookie: None };
        browser.sign_in(Role::Security).await;
        let encoded: String = script.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let mut told = 0;
        for path in [
            "/".to_owned(),
            "/images".to_owned(),
            format!("/images?text={encoded}"),
            format!("/images/{digest}"),
            format!("/search?text={encoded}"),
            format!("/advisories/{encoded}"),
            format!("/packages?name={encoded}&ecosystem={encoded}"),
            "/events".to_owned(),
            format!("/events?kind={encoded}"),
            "/queue".to_owned(),
            "/audit".to_owned(),
        ] {
            let html = browser.open(&path).await;
            assert!(!html.contains("<script") && !html.contains("<img"), "{path}\n{html}");
            assert!(!html.contains('\u{202e}'), "{path}");
            told += html.matches("&lt;script&gt;").count();
            for csv in links(&html, "format=csv") {
                let csv = browser.open(&csv).await;
                let cells = csv.split([',', '\n']).map(|cell| cell.trim_start_matches('"'));
                assert!(cells.into_iter().all(|cell| !cell.starts_with('=')), "{csv}");
            }
        }
        assert!(told > 10, "{told}");
        let missing = browser.get(&format!("/images/{encoded}")).await;
        assert!(missing.status == 400 && !missing.body.contains("<script"), "{}", missing.body);
        let json = browser.open("/audit?table=audit&format=json").await;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert!(json["items"].as_array().unwrap().iter().any(|item| item["actor"] == formula), "{json}");
        // What is asked for does no harm, either.
        for path in [
            "/images?before=abc&severity=none&state=x",
            "/images?before=-1",
            "/images?text=%25_!%00%27",
            "/events?before=99999999999999999999",
            &format!("/images/{digest}?open-page=99999999&gone-page=-4"),
            "/search?text=%00%F0%9F%98%80",
        ] {
            browser.open(path).await;
        }
        assert_eq!(browser.get("/images?format=csv&table=nothing").await.status, 404);
        assert_eq!(browser.get("/packages").await.status, 400);
        assert_eq!(browser.get("/events?digest=sha256:short").await.status, 400);
    });
}

#[test]
fn lists_go_on_until_everything_was_told_once() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), None).await;
        let mut work = world.store.begin().await.unwrap();
        for number in 0..120_u8 {
            let digest = Digest::Sha256([number; 32]);
            let place = Place {
                registry: "registry.example".to_owned(),
                repository: format!("team/app{}", number % 2),
                tag: Some(format!("v{number}")),
            };
            work.see(&digest, &place, Moment(i64::from(number) * 1000)).await.unwrap();
            work.record("tag-seen", Some(&digest), &serde_json::json!({ "number": number }), now())
                .await
                .unwrap();
            work.audit("anna", "test", &number.to_string(), &serde_json::json!({}), now()).await.unwrap();
        }
        work.commit().await.unwrap();
        let mut browser = Browser { world: &world, cookie: None };
        browser.sign_in(Role::Security).await;
        for (begin, what, want) in [
            ("/images", "<a href=\"&#x2f;images&#x2f;sha256:", 120_usize),
            ("/images?text=APP1", "<a href=\"&#x2f;images&#x2f;sha256:", 60),
            ("/events", "<a href=\"&#x2f;images&#x2f;sha256:", 120),
            ("/audit", "<td class=\"\">test</td>", 120),
        ] {
            let (mut path, mut pages, mut digests, mut rows) = (begin.to_owned(), 0, BTreeSet::new(), 0);
            loop {
                let html = browser.open(&path).await;
                pages += 1;
                let html = html.replace("/", "&#x2f;").replace("<&#x2f;", "</");
                rows += html.matches(what).count();
                digests.extend(links(&html, "/images/sha256:"));
                let Some(next) = html.split("<a href=\"").find(|rest| rest.contains("rel=\"next\"")) else {
                    break;
                };
                path = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#x2f;", "/");
                assert!(pages < 10, "{path}");
            }
            assert_eq!(pages, want.div_ceil(50), "{begin}");
            if begin == "/audit" {
                assert_eq!(rows, want, "{begin}");
            } else {
                assert_eq!(digests.len(), want, "{begin}");
            }
        }
        let json = browser.open("/images?table=images&format=json").await;
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!((json["items"].as_array().unwrap().len(), json["next"].is_null()), (120, true));
        assert_eq!(json["items"][0]["name"], "registry.example/team/app1:v119");
        let found = browser.open("/images?text=%3Av77&table=images&format=csv").await;
        assert_eq!(found.lines().count(), 2, "{found}");
        assert!(found.contains("team/app1:v77"));
    });
}

#[test]
fn whoever_tries_tokens_is_told_to_wait() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), None).await;
        let browser = Browser { world: &world, cookie: None };
        let mut tries = 0;
        while browser.submit("/sign-in", "token=assay_00").await.status == 401 {
            tries += 1;
            assert!(tries < 1000, "nobody stops it");
        }
        let answer = browser.submit("/sign-in", &format!("token={}", token(Role::Admin).reveal())).await;
        assert_eq!((answer.status, answer.header("retry-after").is_some()), (429, true));
    });
}

/// Returns what a form of this session brings along.
fn form_key(html: &str) -> String {
    html.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[test]
fn something_is_decided_by_a_form_without_a_script_and_taken_back_by_another() {
    run(async {
        let (world, digest) = world(None).await;
        let mut browser = Browser { world: &world, cookie: None };
        browser.sign_in(Role::Viewer).await;
        let advisory = browser.open("/advisories/CVE-2023-7").await;
        assert!(!advisory.contains("/triage/decide"), "{advisory}");
        let key = form_key(&advisory);
        let host = world.registry.host();
        let form = |key: &str, state: &str, expires: &str| {
            format!(
                "key={key}&advisory=CVE-2023-7&package=flask&scope={host}%2Fteam%2Fapp&state={state}&reason=not%20%3Cb%3Ereachable\
                 &owner=&expires={expires}"
            )
        };
        let answer = browser.submit("/triage/decide", &form(&key, "accepted", "2023-12-24")).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
        browser.sign_in(Role::Security).await;
        // The image leads to the form, which knows image and package.
        let image = browser.open(&format!("/images/{digest}")).await;
        let to = links(&image, "#decide");
        assert_eq!(to[0], format!("/advisories/CVE-2023-7?image={digest}&package=flask#decide"));
        let advisory = browser.open(to[0].trim_end_matches("#decide")).await;
        for part in ["id=\"decide\"", "value=\"flask\"", "value=\"team-app\"", &digest] {
            assert!(advisory.contains(part), "{part}\n{advisory}");
        }
        // Another site could send the form, but not its key.
        for wrong in ["", "0000", &key] {
            let answer = browser.submit("/triage/decide", &form(wrong, "accepted", "2023-12-24")).await;
            assert_eq!(answer.status, 403, "{wrong}");
        }
        let nobody = Browser { world: &world, cookie: None };
        assert_eq!(nobody.submit("/triage/decide", &form(&key, "accepted", "2023-12-24")).await.status, 303);
        let key = form_key(&advisory);
        // A mistake is told on a page.
        let answer = browser.submit("/triage/decide", &form(&key, "accepted", "")).await;
        assert!(answer.status == 422 && answer.body.contains("`expires` says until when"), "{}", answer.body);
        assert_eq!(browser.submit("/triage/decide", "key=").await.status, 422);
        assert!(
            world.store.audit_log(0, 100).await.unwrap().iter().all(|entry| entry.action != "triage.set")
        );

        let answer = browser.submit("/triage/decide", &form(&key, "accepted", "2023-12-24")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let decision = answer.header("location").unwrap().to_owned();
        let page = browser.open(&decision).await;
        for part in [
            "not &lt;b&gt;reachable",
            "team-app",
            "2023-12-24T00:00:00Z",
            "class=\"accepted\"",
            "/triage/withdraw",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        let image = browser.open(&format!("/images/{digest}")).await;
        assert!(image.contains("not &lt;b&gt;reachable (team-app, until 2023-12-24)"), "{image}");
        assert!(links(&image, "#decide").iter().all(|to| !to.contains("CVE-2023-7")));
        assert_eq!(links(&image, &decision).len(), 1);
        let open = browser.open(&format!("/images/{digest}?triage=open&table=open&format=json")).await;
        assert!(!open.contains("CVE-2023-7"), "{open}");
        let all = browser.open("/advisories/CVE-2023-7?table=images&format=json").await;
        let all: serde_json::Value = serde_json::from_str(&all).unwrap();
        assert_eq!(all["items"][0]["triage"], "accepted");
        assert_eq!(all["items"][0]["owner"], "team-app");
        let list = browser.open("/triage?table=triage&format=csv").await;
        assert!(list.contains("CVE-2023-7,flask,"), "{list}");

        let id = decision.trim_start_matches("/triage/").to_owned();
        assert_eq!(browser.submit("/triage/withdraw", &format!("key=0&id={id}")).await.status, 403);
        let answer = browser.submit("/triage/withdraw", &format!("key={key}&id={id}")).await;
        assert_eq!(answer.header("location"), Some(decision.as_str()), "{}", answer.body);
        let page = browser.open(&decision).await;
        assert!(page.contains("withdrawn") && !page.contains("/triage/withdraw"), "{page}");
        assert_eq!(browser.submit("/triage/withdraw", &format!("key={key}&id={id}")).await.status, 404);
        assert!(!browser.open("/triage").await.contains("CVE-2023-7"));
        assert!(browser.open("/triage?ended=all").await.contains("CVE-2023-7"));
        assert_eq!(browser.get("/triage/999").await.status, 404);
        assert_eq!(browser.get("/triage/x").await.status, 404);
        assert_eq!(browser.get("/files/x").await.status, 400);
        // A program decides by the API; a token alone sends no form.
        let bearer = format!("Authorization: Bearer {}\r\n", token(Role::Security).reveal());
        let program = Browser { world: &world, cookie: None };
        let answer =
            program.send("POST", "/triage/decide", &bearer, &form("", "accepted", "2023-12-24")).await;
        assert_eq!(answer.status, 403);
    });
}
