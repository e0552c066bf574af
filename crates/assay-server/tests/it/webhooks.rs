//! Events of every kind of registry over HTTP: who may send them, and that the image is scanned afterwards.

use crate::fixture::{BUILT, World, database, image, run, webhook_secret};
use assay_server::webhook::WEBHOOKS;
use assay_store::Role;
use assay_test::registry::Content;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// Returns the event of a webhook, and the header lines that go with it.
fn event(name: &str, digest: &str) -> (String, String) {
    let path = format!("{}/testdata/webhook/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let body = match name {
        "distribution" => r#"{"events": [{"action": "push", "target": {"digest": "DIGEST", "repository": "team/app", "tag": "1.0",
            "mediaType": "application/vnd.oci.image.manifest.v1+json"}, "request": {"host": "registry.example"}}]}"#
            .to_owned(),
        _ => std::fs::read_to_string(path).unwrap(),
    };
    let body = body.replace("DIGEST", digest);
    match name {
        "zot" => (body, "Ce-Type: zotregistry.image.updated\r\n".to_owned()),
        "github" => (body, "X-GitHub-Event: registry_package\r\n".to_owned()),
        "artifact-registry" => {
            (serde_json::json!({"message": {"data": STANDARD.encode(body)}}).to_string(), String::new())
        }
        _ => (body, String::new()),
    }
}

/// Returns what the registry proves with that the event is its own: something for the address, and header lines.
fn proof(name: &str, secret: &str, body: &str) -> (String, String) {
    match name {
        "quay" | "docker-hub" | "artifact-registry" => {
            (format!("&token={}", secret.replace(' ', "%20")), String::new())
        }
        "github" => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let mut header = "X-Hub-Signature-256: sha256=".to_owned();
            for byte in hmac::sign(&key, body.as_bytes()).as_ref() {
                write!(header, "{byte:02x}").unwrap();
            }
            (String::new(), header + "\r\n")
        }
        "zot" => {
            let basic = STANDARD.encode(format!("assay:{secret}"));
            (String::new(), format!("Authorization: Basic {basic}\r\n"))
        }
        _ => (String::new(), format!("Authorization: Bearer {secret}\r\n")),
    }
}

#[test]
fn every_kind_of_registry_is_believed_by_its_secret_only() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        for webhook in WEBHOOKS {
            let name = webhook.name();
            let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
            let (body, headers) = event(name, &app.digest());
            let path = format!("/webhooks/{name}?registry={}", world.registry.host());

            let (status, head, _) = world.send("POST", &path, &headers, &body).await;
            assert_eq!(status, 401, "{name}: {head}");
            let (address, header) = proof(name, "known to nobody at all", &body);
            let (status, _, _) =
                world.send("POST", &(path.clone() + &address), &(headers.clone() + &header), &body).await;
            assert_eq!(status, 401, "{name}");
            assert_eq!(world.ask("POST", &path, Some(Role::Viewer), &body).await.0, 403, "{name}");
            assert_eq!(world.store.queued().await.unwrap(), 0, "{name}");

            let (address, header) = proof(name, &webhook_secret(name), &body);
            let path = path + &address;
            let headers = headers + &header;
            let (status, _, answer) = world.send("POST", &path, &headers, &body).await;
            assert_eq!(status, 202, "{name}: {answer}");
            world.work().await;
            let detail = world.get(&format!("/api/v1/images/{}", app.digest())).await;
            assert_eq!(
                (&detail["scan"]["depth"], &detail["tags"][0]["tag"]),
                (&"fast".into(), &"1.0".into()),
                "{name}"
            );

            // The secret of one opens no other webhook, and not the API.
            for other in WEBHOOKS.iter().map(|other| other.name()).filter(|other| *other != name) {
                let elsewhere = path.replace(&format!("/{name}?"), &format!("/{other}?"));
                assert_eq!(world.send("POST", &elsewhere, &headers, &body).await.0, 401, "{name} to {other}");
            }
            assert_eq!(world.send("GET", "/api/v1/images", &headers, "").await.0, 401, "{name}");
        }
    });
}

#[test]
fn a_registry_that_nobody_named_is_not_asked_and_no_address_of_an_event_is_called() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
        for webhook in WEBHOOKS {
            let name = webhook.name();
            let (body, headers) = event(name, &app.digest());
            let (address, header) = proof(name, &webhook_secret(name), &body);
            let path = format!("/webhooks/{name}?{}", address.trim_start_matches('&'));
            let (status, _, answer) = world.send("POST", &path, &(headers + &header), &body).await;
            if name == "zot" {
                assert_eq!(status, 400, "{answer}");
                assert!(answer.contains("?registry=HOST"), "{answer}");
            } else {
                assert_eq!(status, 202, "{name}: {answer}");
                assert!(answer.contains(r#""taken":0"#), "{name}: {answer}");
            }
        }
        assert_eq!(world.store.queued().await.unwrap(), 0);
        assert_eq!(world.registry.requests().len(), 0);
    });
}

#[test]
fn a_second_push_of_a_tag_is_looked_at_even_if_the_event_has_no_digest() {
    run(async {
        let world = World::start(Content::new(), &database(&[], BUILT), None).await;
        let (body, _) = event("quay", "");
        let path = format!(
            "/webhooks/quay?registry={}&token={}",
            world.registry.host(),
            webhook_secret("quay").replace(' ', "+")
        );
        for jobs in [2, 4] {
            assert_eq!(world.send("POST", &path, "", &body).await.0, 202);
            assert_eq!(world.store.queued().await.unwrap(), jobs);
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let many: Vec<String> = (0..1001).map(|tag| format!("t{tag}")).collect();
        let body =
            serde_json::json!({"docker_url": "quay.example/team/app", "updated_tags": many}).to_string();
        let (status, _, answer) = world.send("POST", &path, "", &body).await;
        assert_eq!((status, answer.contains("more than 1000 pushes")), (400, true), "{answer}");
        assert_eq!(world.store.queued().await.unwrap(), 4);
    });
}
