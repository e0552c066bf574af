//! Credentials for registries that the server keeps: nobody gets them out of it, each repository is asked with its own, and what cannot be
//! opened fails rather than that a registry is asked by nobody.

use crate::fixture::{World, credential_key, image, now, run};
use assay_oci::Secret;
use assay_server::{Keyring, Thresholds, Vault, check_conditions};
use assay_store::{CredentialKind, CredentialPurpose, CredentialTerms, Role};
use assay_test::http::{Reply, Request, Server};
use assay_test::pushable::{Behaviour, Pushable};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;

const POLICY: &str = "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: test}\ntiers: [{name: release}]\n\
    rules:\n  - vulnerabilities: {max: {critical: 0}}\n";
const PASSWORD: &str = "hunter2-of-the-robot";

/// Serves a registry each of whose repositories has a user of its own for reading, and another for writing.
fn guarded(registry: &Pushable) -> Server {
    let registry = registry.clone();
    Server::start(move |request: &Request| {
        let path = request.target.trim_start_matches("/v2/");
        let writes = !["GET", "HEAD"].contains(&request.method.as_str());
        let user = match path.split('/').next().unwrap_or_default() {
            "team" => format!("team-robot:{PASSWORD}"),
            "release" if writes => "releaser:write-it".to_owned(),
            "release" => "release-reader:read-it".to_owned(),
            _ => "nobody:".to_owned(),
        };
        let known =
            [user.as_str(), "releaser:write-it"].map(|user| format!("Basic {}", STANDARD.encode(user)));
        let presented = request.header("authorization").unwrap_or_default();
        if known[0] == presented || (path.starts_with("release") && known[1] == presented) {
            return registry.answer(request);
        }
        Reply::new(401, "{}").header("WWW-Authenticate", "Basic realm=\"test\"")
    })
}

async fn put(world: &World, body: serde_json::Value) -> (u16, serde_json::Value) {
    let (status, text) = world.ask("PUT", "/api/v1/credentials", Some(Role::Admin), &body.to_string()).await;
    assert!(!text.contains("hunter2"), "{text}");
    (status, serde_json::from_str(&text).unwrap())
}

async fn list(world: &World) -> Vec<serde_json::Value> {
    let (status, text) = world.ask("GET", "/api/v1/credentials", Some(Role::Admin), "").await;
    assert!(status == 200 && !text.contains("hunter2"), "{status}: {text}");
    let list: serde_json::Value = serde_json::from_str(&text).unwrap();
    list["items"].as_array().unwrap().clone()
}

/// Tells of a push, does what there is to do, and returns the errors of jobs.
async fn pushed(world: &World, repository: &str, digest: &str) -> Vec<String> {
    let host = world.registry.host();
    world.push_to(&host, repository, "1.0", digest).await;
    world.work().await;
    let mut errors = Vec::new();
    for state in ["queued", "failed"] {
        let jobs = world.store.newest_jobs(state, None, 100).await.unwrap();
        errors.extend(jobs.into_iter().filter_map(|job| job.error));
    }
    errors
}

fn has(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn each_repository_is_read_and_written_with_its_own_and_no_secret_is_at_rest() {
    run(async {
        let registry = Pushable::new(Behaviour::default());
        let app = image(&[("django", "4.1")]);
        registry.image("team/app", "1.0", &app);
        let server = guarded(&registry);
        let host = server.host();
        let world = World::with_keys(server, Some(POLICY), &["HOST/team/app=HOST/release/app"], &[1]).await;
        let errors = pushed(&world, "team/app", &app.digest()).await;
        assert!(errors.iter().any(|error| error.contains("401")), "{errors:?}");

        for body in [
            serde_json::json!({ "registry": host, "user": "nobody", "secret": "wrong" }),
            serde_json::json!({ "registry": host, "repository": "team", "user": "team-robot", "secret": PASSWORD }),
            serde_json::json!({ "registry": host, "repository": "release", "user": "release-reader", "secret": "read-it" }),
            serde_json::json!({ "registry": host, "repository": "release", "purpose": "write", "user": "releaser", "secret": "write-it" }),
        ] {
            let (status, answer) = put(&world, body).await;
            assert_eq!((status, &answer["opens"]), (201, &true.into()), "{answer}");
        }
        // What failed before waits; a new push is asked about at once, without a new start.
        let app = image(&[("django", "4.2")]);
        registry.image("team/app", "1.0", &app);
        pushed(&world, "team/app", &app.digest()).await;
        let known = world.get(&format!("/api/v1/images/{}", app.digest())).await;
        assert!(known["scan"].is_object(), "{known}");
        let promoter = world.promoter.as_ref().unwrap();
        promoter.look().await.unwrap();
        while promoter.step().await.unwrap() {}
        assert_eq!(registry.get("release/app", "1.0"), Some(app.manifest.clone()));

        // That it was used is written beside.
        let want = [(None, false), (Some("team"), true), (Some("release"), false), (Some("release"), true)];
        let begun = std::time::Instant::now();
        loop {
            let listed = list(&world).await;
            let used = |one: &serde_json::Value| one["used"].is_string();
            let places: Vec<_> = listed.iter().map(|one| (one["repository"].as_str(), used(one))).collect();
            if places == want {
                break;
            }
            assert!(begun.elapsed().as_secs() < 20, "{listed:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let at_rest = world.at_rest();
        assert!(has(&at_rest, "team-robot"), "what is not secret is not found either");
        for secret in [
            PASSWORD.to_owned(),
            STANDARD.encode(format!("team-robot:{PASSWORD}")),
            STANDARD.encode(PASSWORD),
        ] {
            assert!(!has(&at_rest, &secret), "`{secret}` is in the files of the database");
        }
        let audit = world.ask("GET", "/api/v1/audit?limit=1000", Some(Role::Admin), "").await.1;
        assert!(
            audit.contains("credential.set") && audit.contains("team-robot") && !audit.contains("hunter2")
        );

        // Gone is gone, at once.
        for one in list(&world).await {
            let path = format!("/api/v1/credentials/{}", one["id"]);
            assert_eq!(world.ask("DELETE", &path, Some(Role::Admin), "").await.0, 204);
            assert_eq!(world.ask("DELETE", &path, Some(Role::Admin), "").await.0, 404);
        }
        let app = image(&[("django", "4.3")]);
        registry.image("team/app", "1.0", &app);
        let errors = pushed(&world, "team/app", &app.digest()).await;
        assert!(errors.iter().any(|error| error.contains("401")), "{errors:?}");
    });
}

#[test]
fn only_administrators_set_them_and_only_for_registries_that_are_asked_and_with_a_key() {
    run(async {
        let registry = Pushable::new(Behaviour::default());
        let world = World::with_keys(registry.serve(), None, &[], &[1]).await;
        let host = world.registry.host();
        let good = serde_json::json!({ "registry": host, "user": "robot", "secret": PASSWORD });
        for role in [None, Some(Role::Viewer), Some(Role::Developer), Some(Role::Security)] {
            for (method, path, body) in [
                ("PUT", "/api/v1/credentials", good.to_string()),
                ("GET", "/api/v1/credentials", String::new()),
                ("DELETE", "/api/v1/credentials/1", String::new()),
                ("POST", "/api/v1/credentials/rotate", String::new()),
            ] {
                let status = world.ask(method, path, role, &body).await.0;
                assert_eq!(status, if role.is_some() { 403 } else { 401 }, "{method} {role:?}");
            }
        }
        for (member, value, want) in [
            ("registry", serde_json::json!("elsewhere.example"), 422),
            ("registry", serde_json::json!(format!("{host}/team")), 422),
            ("registry", serde_json::json!(""), 422),
            ("registry", serde_json::json!(format!("robot@{host}")), 422),
            ("repository", serde_json::json!("team/app:1.0"), 422),
            ("repository", serde_json::json!("Team"), 422),
            ("repository", serde_json::json!("../x"), 422),
            ("repository", serde_json::json!("team/"), 422),
            ("user", serde_json::json!("a:b"), 422),
            ("user", serde_json::json!(null), 422),
            ("kind", serde_json::json!("bearer"), 422),
            ("kind", serde_json::json!("other"), 400),
            ("purpose", serde_json::json!("both"), 400),
            ("secret", serde_json::json!(""), 422),
            ("secret", serde_json::json!("x".repeat(20_000)), 422),
            ("password", serde_json::json!("x"), 400),
        ] {
            let mut body = good.clone();
            body[member] = value.clone();
            let (status, answer) = put(&world, body).await;
            assert_eq!(status, want, "{member} {value}: {answer}");
        }
        assert_eq!(list(&world).await.len(), 0);
        assert_eq!(put(&world, good.clone()).await.0, 201);
        let token = serde_json::json!({ "registry": host, "kind": "identity", "secret": "t.o.k" });
        let (status, answer) = put(&world, token).await;
        assert_eq!(
            (status, &answer["kind"], &answer["user"]),
            (200, &"identity".into(), &().into()),
            "{answer}"
        );
        assert_eq!(list(&world).await.len(), 1);

        let keyless = World::with_keys(registry.serve(), None, &[], &[]).await;
        let body =
            serde_json::json!({ "registry": keyless.registry.host(), "user": "robot", "secret": PASSWORD });
        let (status, answer) = put(&keyless, body).await;
        assert_eq!((status, &answer["code"]), (503, &"no-credential-key".into()), "{answer}");
        assert!(answer["detail"].as_str().unwrap().contains("--credential-key"), "{answer}");
        assert!(!has(&keyless.at_rest(), PASSWORD));
    });
}

/// Puts a credential into the database as who can write to it could: encrypted by some key for something, and said to be for something else.
async fn planted(world: &World, key: u8, sealed_for: &CredentialTerms, stands_at: &CredentialTerms) {
    let keyring = Keyring::new(vec![credential_key(key)]);
    let sealed = keyring.seal(sealed_for, &Secret::new(PASSWORD)).unwrap();
    let mut work = world.store.begin().await.unwrap();
    work.set_credential(stands_at, &sealed, "mallory", now()).await.unwrap();
    work.commit().await.unwrap();
}

#[test]
fn what_was_moved_or_encrypted_by_a_foreign_key_fails_by_name_and_the_rest_goes_on() {
    run(async {
        let registry = Pushable::new(Behaviour::default());
        let [app, other] = [image(&[("django", "4.1")]), image(&[("flask", "1.0")])];
        registry.image("team/other", "1.0", &other);
        let world = World::with_keys(guarded(&registry), None, &[], &[1]).await;
        let host = world.registry.host();
        let terms = |repository: &str| CredentialTerms {
            registry: host.clone(),
            repository: repository.to_owned(),
            purpose: CredentialPurpose::Read,
            kind: CredentialKind::Password,
            account: "team-robot".to_owned(),
        };
        planted(&world, 1, &terms("team/other"), &terms("team/other")).await;
        for (number, (key, sealed_for, name, why)) in [
            (1, "team/other", "team/moved", "put in the place of another"),
            (2, "team/foreign", "team/foreign", "started without"),
        ]
        .into_iter()
        .enumerate()
        {
            registry.image(name, "1.0", &app);
            planted(&world, key, &terms(sealed_for), &terms(name)).await;
            let errors = pushed(&world, name, &app.digest()).await.join("\n");
            assert!(errors.contains(&format!("{host}/{name}` cannot be opened")), "{errors}");
            assert!(errors.contains(why) && !errors.contains("hunter2"), "{errors}");
            let shut = world.app.vault.shut().await.unwrap();
            assert!(shut.len() == number + 1 && shut[number].to_string().contains(name), "{shut:?}");
            let shown = list(&world).await;
            assert_eq!((shown.len(), &shown[0]["opens"]), (number + 2, &true.into()), "{shown:?}");
            assert_eq!(shown[number + 1]["opens"], false, "{shown:?}");
            assert_eq!(world.store.newest_jobs("done", None, 100).await.unwrap(), []);
        }
        let later = |seconds: u64| now().plus(std::time::Duration::from_secs(seconds));
        let events = async |kind: &str, after: u64| {
            check_conditions(&world.app, &Thresholds::default(), &Vec::new, later(after)).await.unwrap();
            let events = world.get(&format!("/api/v1/events?kind={kind}")).await;
            let of = |event: &serde_json::Value| event["detail"]["place"].as_str().unwrap().to_owned();
            let mut places: Vec<String> = events["items"].as_array().unwrap().iter().map(of).collect();
            places.sort();
            places
        };
        let want = ["team/foreign", "team/moved"].map(|name| format!("{host}/{name}"));
        assert_eq!(events("credential-shut", 0).await, want);
        assert_eq!(events("credential-shut-cleared", 100).await, Vec::<String>::new());
        let asked: Vec<_> = world
            .registry
            .requests()
            .into_iter()
            .filter(|one| one.header("authorization").is_some())
            .collect();
        assert_eq!(asked.len(), 0, "something was sent along");
        pushed(&world, "team/other", &other.digest()).await;
        let known = world.get(&format!("/api/v1/images/{}", other.digest())).await;
        assert!(known["scan"].is_object(), "{known}");
        // Set anew it can be opened.
        for name in ["team/moved", "team/foreign"] {
            planted(&world, 1, &terms(name), &terms(name)).await;
        }
        assert_eq!(events("credential-shut-cleared", 200).await, want);
    });
}

#[test]
fn a_new_key_takes_over_and_then_the_old_one_can_go() {
    run(async {
        let registry = Pushable::new(Behaviour::default());
        let app = image(&[("django", "4.1")]);
        registry.image("team/app", "1.0", &app);
        let world = World::with_keys(guarded(&registry), None, &[], &[2, 1]).await;
        let host = world.registry.host();
        let terms = |repository: &str| CredentialTerms {
            registry: host.clone(),
            repository: repository.to_owned(),
            purpose: CredentialPurpose::Read,
            kind: CredentialKind::Password,
            account: "team-robot".to_owned(),
        };
        planted(&world, 1, &terms("team"), &terms("team")).await;
        planted(&world, 3, &terms("lost"), &terms("lost")).await;
        pushed(&world, "team/app", &app.digest()).await;
        let known = world.get(&format!("/api/v1/images/{}", app.digest())).await;
        assert!(known["scan"].is_object(), "the old key does not open: {known}");
        let with = |keys: &[u8]| {
            let keyring = Keyring::new(keys.iter().map(|key| credential_key(*key)).collect());
            let handle = tokio::runtime::Handle::current();
            Vault::new(world.store.clone(), Arc::new(keyring), Arc::new(now), handle)
        };
        assert_eq!(with(&[2, 3]).shut().await.unwrap().len(), 1, "the old key is not needed before");
        let (status, text) = world.ask("POST", "/api/v1/credentials/rotate", Some(Role::Admin), "").await;
        let done: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (status, &done["key"], &done["encrypted"], &done["unopened"]),
            (
                200,
                &credential_key(2).name().into(),
                &serde_json::json!([format!("{host}/team (read)")]),
                &serde_json::json!([format!("{host}/lost (read)")])
            )
        );
        assert_eq!(with(&[2, 3]).shut().await.unwrap().len(), 0);
        assert_eq!(with(&[1, 3]).shut().await.unwrap().len(), 1);
        let again = world.ask("POST", "/api/v1/credentials/rotate", Some(Role::Admin), "").await.1;
        assert!(again.contains("\"encrypted\":[]"), "{again}");
        let listed = list(&world).await;
        assert_eq!(
            (&listed[0]["key"], &listed[0]["opens"]),
            (&credential_key(2).name().into(), &true.into())
        );
    });
}
