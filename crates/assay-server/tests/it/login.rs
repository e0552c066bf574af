//! Signing in by an identity provider that plays fair, and by one that does not; its ID tokens at the API.

use crate::fixture::{BUILT, World, database, now, run};
use assay_oci::NetworkOptions;
use assay_server::{Login, LoginOptions};
use assay_store::{Moment, Place, Role};
use assay_test::http::{Reply, Server};
use assay_test::registry::Content;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "s3cret/with:signs";
const PUBLIC: &str = "http://localhost:8080";

/// How the provider behaves.
struct Provider {
    key: EcdsaKeyPair,
    name: String,
    /// What is changed in the next token.
    changes: Value,
    algorithm: String,
    nonce: String,
    challenge: String,
    down: bool,
    /// How it names itself.
    issuer: Option<String>,
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap()
}

impl Provider {
    fn token(&self, issuer: &str) -> String {
        let at = now().timestamp().0;
        let mut claims = json!({
            "iss": issuer, "aud": "assay", "sub": "7", "iat": at, "exp": at + 300, "nonce": self.nonce,
            "email": "alice@example.org", "email_verified": true, "groups": ["dev", "sec"],
        });
        for (name, value) in self.changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let header = json!({ "alg": self.algorithm, "kid": self.name, "typ": "JWT" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = match self.algorithm.as_str() {
            "none" => Vec::new(),
            // As an attacker would: with what everybody can read.
            "HS256" => {
                let public = hmac::Key::new(hmac::HMAC_SHA256, self.key.public_key().as_ref());
                hmac::sign(&public, signed.as_bytes()).as_ref().to_vec()
            }
            _ => self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn answer(&self, issuer: &str, request: &assay_test::http::Request) -> Reply {
        if self.down {
            return Reply::new(503, "away");
        }
        let body = match request.target.as_str() {
            "/.well-known/openid-configuration" => json!({
                "issuer": self.issuer.as_deref().unwrap_or(issuer),
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            }),
            "/keys" => {
                let point = self.key.public_key().as_ref();
                json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": self.name, "use": "sig",
                    "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..]) }] })
            }
            "/token" => {
                let form = parameters(std::str::from_utf8(&request.body).unwrap());
                let basic = format!("Basic {}", STANDARD.encode("assay:s3cret%2Fwith:signs"));
                let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
                let is_right = request.header("authorization") == Some(basic.as_str())
                    && form["grant_type"] == "authorization_code"
                    && form["redirect_uri"] == format!("{PUBLIC}/login/callback")
                    && form["code"] == "the code"
                    && proof == self.challenge;
                if !is_right {
                    return Reply::new(400, r#"{"error":"invalid_grant"}"#);
                }
                json!({ "access_token": "x", "token_type": "Bearer", "id_token": self.token(issuer) })
            }
            _ => return Reply::new(404, ""),
        };
        Reply::new(200, body.to_string())
    }
}

/// Reads a form.
fn parameters(text: &str) -> HashMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            bytes.push(match byte {
                b'%' => {
                    let hex = [rest.next().unwrap(), rest.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                b'+' => b' ',
                byte => byte,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    text.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// A server with a provider, and a browser before both.
struct Scene {
    world: World,
    provider: Arc<Mutex<Provider>>,
    issuer: String,
    requests: Server,
    later: Arc<AtomicI64>,
}

impl Scene {
    async fn new(roles: &[&str]) -> Self {
        Self::of_teams(roles, &[], &[]).await
    }

    async fn of_teams(roles: &[&str], teams: &[&str], all_teams: &[&str]) -> Self {
        let provider = Arc::new(Mutex::new(Provider {
            key: key(),
            name: "one".to_owned(),
            changes: json!({}),
            algorithm: "ES256".to_owned(),
            nonce: String::new(),
            challenge: String::new(),
            down: false,
            issuer: None,
        }));
        let answering = provider.clone();
        let server = Server::start(move |request| {
            let issuer = format!("http://{}", request.header("host").unwrap());
            answering.lock().unwrap().answer(&issuer, request)
        });
        let issuer = format!("http://{}", server.host());
        let later = Arc::new(AtomicI64::new(0));
        let ahead = later.clone();
        let options = LoginOptions {
            teams: teams.iter().map(|team| team.parse().unwrap()).collect(),
            all_teams: all_teams.iter().map(|claim| claim.parse().unwrap()).collect(),
            issuer: issuer.clone(),
            client: "assay".to_owned(),
            secret: Some(SECRET.to_owned()),
            roles: roles.iter().map(|role| role.parse().unwrap()).collect(),
            public_url: format!("{PUBLIC}/"),
            network: NetworkOptions { retries: 0, ..NetworkOptions::default() },
        };
        let clock = Arc::new(move || Moment(now().0 + ahead.load(Ordering::Relaxed)));
        let login = Login::new(options, clock).unwrap();
        let content = Content::new();
        let registry = Server::start(move |request| content.answer(request));
        let world = World::with_login(registry, &database(&[], BUILT), None, Some(login)).await;
        Self { world, provider, issuer, requests: server, later }
    }

    fn change(&self, change: impl FnOnce(&mut Provider)) {
        change(&mut self.provider.lock().unwrap());
    }

    /// Lets time go by, for what is known of the provider only.
    fn wait(&self, time: Duration) {
        self.later.fetch_add(time.as_millis().try_into().unwrap(), Ordering::Relaxed);
    }

    async fn get(&self, path: &str, cookie: &str) -> (u16, String, String) {
        self.world.send("GET", path, &format!("Cookie: {cookie}\r\n"), "").await
    }

    /// Goes to the provider, and returns the state and the cookie that hold on the way back.
    async fn leave(&self, to: &str) -> (String, String) {
        let (status, head, body) = self.get(&format!("/login?to={to}"), "").await;
        assert_eq!(status, 303, "{body}");
        let address = header(&head, "location");
        let (place, query) = address.split_once('?').unwrap();
        assert_eq!(place, format!("{}/authorize", self.issuer));
        let asked = parameters(query);
        assert_eq!((asked["response_type"].as_str(), asked["client_id"].as_str()), ("code", "assay"));
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["redirect_uri"], format!("{PUBLIC}/login/callback"));
        self.change(|provider| {
            provider.nonce.clone_from(&asked["nonce"]);
            provider.challenge.clone_from(&asked["code_challenge"]);
        });
        let cookie = header(&head, "set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
        (asked["state"].clone(), cookie.split(';').next().unwrap().to_owned())
    }

    /// Goes there and back.
    async fn sign_in(&self) -> (u16, String, String) {
        let (state, cookie) = self.leave("/images").await;
        self.get(&format!("/login/callback?code=the%20code&state={state}"), &cookie).await
    }

    fn token(&self) -> String {
        self.provider.lock().unwrap().token(&self.issuer)
    }

    async fn ask(&self, token: &str) -> (u16, String) {
        self.world.ask_as("GET", "/api/v1/audit?limit=1", Some(token), "").await
    }
}

fn header(head: &str, wanted: &str) -> String {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

#[test]
fn who_reads_the_database_cannot_prove_that_a_code_is_ours() {
    run(async {
        let scene = Scene::new(&["groups=sec:security"]).await;
        assert_eq!(scene.sign_in().await.0, 200);
        let asked = scene.requests.requests().into_iter().find(|request| request.target == "/token").unwrap();
        let verifier = parameters(std::str::from_utf8(&asked.body).unwrap())["code_verifier"].clone();
        assert!(verifier.len() >= 43, "RFC 7636, section 4.1: {verifier}");
        let (at_rest, nonce) = (scene.world.at_rest(), scene.provider.lock().unwrap().nonce.clone());
        let has = |text: &str| at_rest.windows(text.len()).any(|window| window == text.as_bytes());
        assert!(has(&nonce), "what is no secret is not found either");
        assert!(!has(&verifier), "{verifier}");
    });
}

#[test]
fn somebody_signs_in_looks_around_and_signs_out() {
    run(async {
        let scene = Scene::new(&["groups=sec:security", "groups=dev:developer"]).await;
        let page = scene.get("/sign-in?to=/images", "").await.2;
        assert!(page.contains("login?to=%2Fimages\"") && page.contains("Sign in with"), "{page}");
        let (status, head, page) = scene.sign_in().await;
        assert_eq!(status, 200, "{page}");
        // The session's cookie is not sent on a way that began at the provider, so this page leads on.
        assert!(page.contains("content=\"0; url=/images\"") || page.contains("url=&#x2f;images"), "{page}");
        let cookie = header(&head, "set-cookie");
        assert!(cookie.starts_with("assay-session=") && cookie.contains("SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap();
        let (status, _, page) = scene.get("/images", cookie).await;
        assert!(status == 200 && page.contains("alice@example.org (oidc 7) (security)"), "{page}");
        // The role is that of the groups: security may see the log, and what administrators do is not theirs.
        assert_eq!(scene.get("/audit", cookie).await.0, 200);
        let log =
            scene.world.store.audit_like(Some("alice@example.org (oidc 7)"), None, 0, 10).await.unwrap();
        assert_eq!(log.iter().map(|entry| entry.action.as_str()).collect::<Vec<_>>(), ["session.begin"]);
        let key = page.split("name=\"key\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = format!("key={key}");
        let headers = format!("Cookie: {cookie}\r\n");
        let out = post_form(&scene, "/sign-out", &headers, &form).await;
        assert_eq!(out, 303);
        assert_eq!(scene.get("/images", cookie).await.0, 303);
    });
}

#[test]
fn groups_are_teams_in_the_browser_and_in_the_api() {
    run(async {
        let all = ["groups=platform"];
        let scene = Scene::of_teams(&["sub=*:admin"], &["groups=team-*:*", "groups=ops:blue"], &all).await;
        let mut work = scene.world.store.begin().await.unwrap();
        for (number, repository) in [(1, "red/app"), (2, "blue/app"), (3, "nobody/app")] {
            let place = Place {
                registry: "r.example".to_owned(),
                repository: repository.to_owned(),
                tag: Some("1".to_owned()),
            };
            work.see(&assay_model::Digest::Sha256([number; 32]), &place, now()).await.unwrap();
        }
        work.commit().await.unwrap();
        for (groups, want, told) in [
            (json!(["team-red", "x"]), vec!["red/app"], "(admin, red)"),
            (json!(["team-red", "ops"]), vec!["red/app", "blue/app"], "(admin, blue, red)"),
            (json!(["team-Red"]), vec![], "(admin, Red)"),
            (json!(["x"]), vec![], "(admin, in no team)"),
            (json!(null), vec![], "(admin, in no team)"),
            (json!("platform"), vec!["red/app", "blue/app", "nobody/app"], "(admin)"),
        ] {
            scene.change(|provider| provider.changes = json!({ "groups": groups }));
            let (status, body) = scene.world.ask_as("GET", "/api/v1/images", Some(&scene.token()), "").await;
            assert_eq!(status, 200, "{body}");
            let list: serde_json::Value = serde_json::from_str(&body).unwrap();
            let found: Vec<&str> = list["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["repository"].as_str().unwrap())
                .collect();
            assert_eq!(found, want, "{groups}");
            let (_, head, _) = scene.sign_in().await;
            let cookie = header(&head, "set-cookie");
            let cookie = cookie.split(';').next().unwrap();
            let page = scene.get("/images", cookie).await.2;
            assert!(page.contains(told), "{groups}: {page}");
            for repository in ["red/app", "blue/app", "nobody/app"] {
                let name = repository.replace('/', "&#x2f;");
                let is_told = page.contains(&name) || page.contains(repository);
                assert_eq!(is_told, want.contains(&repository), "{groups}: {page}");
            }
            // What is of the whole fleet is of those who see it.
            let is_whole = want.len() == 3;
            assert_eq!(scene.get("/audit", cookie).await.0, if is_whole { 200 } else { 403 });
            assert_eq!(scene.ask(&scene.token()).await.0, if is_whole { 200 } else { 403 });
        }
    });
}

async fn post_form(scene: &Scene, path: &str, headers: &str, form: &str) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(scene.world.address).await.unwrap();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         {headers}Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn nobody_is_signed_in_by_what_is_not_theirs() {
    run(async {
        let scene = Scene::new(&["sub=*:viewer"]).await;
        let back = async |query: &str, cookie: &str| {
            let (status, head, body) = scene.get(&format!("/login/callback?{query}"), cookie).await;
            assert!(!head.contains("assay-session="), "{query}: {head}");
            (status, body)
        };
        // A login that somebody else began, or nobody.
        let (state, cookie) = scene.leave("/").await;
        for (query, cookie) in [
            (format!("code=the%20code&state={state}"), ""),
            (format!("code=the%20code&state={state}"), "assay-login=other"),
            ("code=the%20code&state=other".to_owned(), "assay-login=other"),
            ("code=the%20code".to_owned(), cookie.as_str()),
        ] {
            let (status, body) = back(&query, cookie).await;
            assert_eq!(status, 401, "{query} {cookie}: {body}");
        }
        // A code that the provider does not know, and the state after it was used.
        assert_eq!(back(&format!("code=wrong&state={state}"), &cookie).await.0, 503);
        let (status, body) = back(&format!("code=the%20code&state={state}"), &cookie).await;
        assert!(status == 401 && body.contains("used already"), "{body}");
        // Another provider's answer.
        let (state, cookie) = scene.leave("/").await;
        let query = format!("code=the%20code&state={state}&iss=https%3A%2F%2Fevil.example");
        assert_eq!(back(&query, &cookie).await.0, 401);
        let (state, cookie) = scene.leave("/").await;
        let (status, body) = back(&format!("error=access_denied&state={state}"), &cookie).await;
        assert!(status == 401 && body.contains("did not let you in"), "{body}");
        // Wherever it was to lead.
        let (status, head, _) = scene.get("/login?to=https%3A%2F%2Fevil.example", "").await;
        assert!(status == 303 && header(&head, "location").starts_with(&scene.issuer));
    });
}

#[test]
fn a_token_that_does_not_hold_lets_nobody_in() {
    run(async {
        let scene = Scene::new(&["groups=sec:security"]).await;
        let at = now().timestamp().0;
        for (changes, algorithm, why) in [
            (json!({ "nonce": "another" }), "ES256", "another login"),
            (json!({ "aud": "other" }), "ES256", "not for this server"),
            (json!({ "exp": at - 61 }), "ES256", "time is over"),
            (json!({ "iss": "https://evil.example" }), "ES256", "another provider"),
            (json!({}), "none", "algorithm is not accepted"),
            (json!({}), "HS256", "algorithm is not accepted"),
            (json!({}), "ES384", "no key of the provider"),
        ] {
            scene.change(|provider| {
                provider.changes = changes.clone();
                provider.algorithm = algorithm.to_owned();
            });
            let (status, head, body) = scene.sign_in().await;
            assert!(status == 401 && body.contains(why), "{changes} {algorithm}: {status} {body}");
            assert!(!head.contains("assay-session="), "{head}");
            // The API looks as closely, but for the nonce, which is of logins.
            let (status, body) = scene.ask(&scene.token()).await;
            assert_eq!(
                status,
                if why == "another login" { 200 } else { 401 },
                "{changes} {algorithm}: {body}"
            );
        }
        scene.change(|provider| {
            provider.changes = json!({ "groups": ["dev"] });
            provider.algorithm = "ES256".to_owned();
        });
        let (status, _, body) = scene.sign_in().await;
        assert!(status == 403 && body.contains("no role here"), "{body}");
        assert_eq!(scene.ask(&scene.token()).await.0, 403);
        // Signed by a key that says it is the provider's.
        scene.change(|provider| provider.changes = json!({}));
        let good = scene.token();
        assert_eq!(scene.ask(&good).await.0, 200);
        let real = std::mem::replace(&mut scene.provider.lock().unwrap().key, key());
        let forged = scene.token();
        scene.change(|provider| provider.key = real);
        assert_eq!(scene.ask(&forged).await.0, 401);
        assert_eq!(scene.ask(&good.replace('.', ".e30.")).await.0, 401);
    });
}

#[test]
fn a_program_shows_its_token_and_gets_its_role() {
    run(async {
        let scene = Scene::new(&["groups=dev:developer"]).await;
        let token = scene.token();
        assert_eq!(scene.ask(&token).await.0, 403, "the log is for security");
        let answered = scene.world.ask_as("GET", "/api/v1/images", Some(&token), "").await;
        assert_eq!(answered.0, 200, "{}", answered.1);
        // A token of the API is one still.
        assert_eq!(scene.world.ask("GET", "/api/v1/images", Some(Role::Viewer), "").await.0, 200);
        // What is known is asked for once.
        for _ in 0..20 {
            scene.world.ask_as("GET", "/api/v1/images", Some(&token), "").await;
        }
        assert_eq!(scene.requests.count("/keys"), 1);
    });
}

#[test]
fn keys_that_are_new_are_fetched_and_those_that_are_gone_hold_no_more() {
    run(async {
        let scene = Scene::new(&["sub=*:security"]).await;
        let old = scene.token();
        assert_eq!(scene.ask(&old).await.0, 200);
        scene.change(|provider| (provider.key, provider.name) = (key(), "two".to_owned()));
        let new = scene.token();
        // Names of keys can be made up, so the provider is asked no more often than every ten seconds.
        assert_eq!(scene.ask(&new).await.0, 401);
        assert_eq!(scene.requests.count("/keys"), 1);
        scene.wait(Duration::from_secs(10));
        assert_eq!(scene.ask(&new).await.0, 200);
        assert_eq!(scene.requests.count("/keys"), 2);
        assert_eq!(scene.ask(&old).await.0, 401, "a key that is gone still holds");
    });
}

#[test]
fn a_provider_that_is_away_lets_nobody_in_and_keeps_nobody_out_who_was_in() {
    run(async {
        let scene = Scene::new(&["sub=*:security"]).await;
        let (_, head, _) = scene.sign_in().await;
        let cookie = header(&head, "set-cookie");
        let cookie = cookie.split(';').next().unwrap();
        let token = scene.token();
        scene.change(|provider| provider.down = true);
        scene.wait(Duration::from_secs(600));
        assert_eq!(scene.get("/images", cookie).await.0, 200);
        // Its keys hold for an hour; then nobody can tell whether they were withdrawn. The token itself has run out by then, too.
        scene.wait(Duration::from_secs(3600));
        let (status, body) = scene.ask(&token).await;
        assert!(status == 503 && body.contains("provider-unavailable"), "{body}");
        assert_eq!(scene.get("/login", "").await.0, 503);
        assert_eq!(scene.get("/images", cookie).await.0, 200);
        // And tokens of the API do not need it.
        assert_eq!(scene.world.ask("GET", "/api/v1/images", Some(Role::Viewer), "").await.0, 200);

        let scene = Scene::new(&["sub=*:security"]).await;
        scene.change(|provider| provider.issuer = Some("https://evil.example".to_owned()));
        let (status, _, body) = scene.get("/login", "").await;
        assert!(status == 503 && body.contains("names itself otherwise"), "{body}");
    });
}

#[test]
fn nobody_fills_the_memory_with_logins_that_were_only_begun() {
    run(async {
        let scene = Scene::new(&["sub=*:viewer"]).await;
        let mut begun = 0;
        while scene.get("/login", "").await.0 == 303 {
            begun += 1;
            assert!(begun < 1000, "beginning is not limited");
        }
        assert!(begun >= 50, "{begun}");
    });
}
