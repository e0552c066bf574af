//! Who may bind tokens to which teams.

use super::on_this_thread;
use assay_server::api::document;
use serde_json::{Value, json};

#[test]
fn nobody_makes_a_token_of_more_than_they_are() {
    on_this_thread(async |fleet| {
        for (by, name, role, teams, want) in [
            ("red-admin", "t1", "admin", &["red"][..], 201),
            ("red-admin", "t2", "viewer", &["red", "blue"], 403),
            ("red-admin", "t3", "viewer", &["Red"], 403),
            ("red-admin", "t4", "viewer", &[], 403),
            ("t1", "t5", "viewer", &["red"], 201),
            ("t1", "t6", "viewer", &["blue"], 403),
            ("red-viewer", "t7", "viewer", &["red"], 403),
            ("admin", "t8", "security", &["red", "blue"], 201),
            ("admin", "t9", "viewer", &["o'dd \"team\" %_; --"], 201),
        ] {
            let (status, answer) = fleet.make(by, name, role, teams).await;
            assert_eq!(status, want, "{name}: {answer}");
            if status == 201 {
                assert_eq!(answer["teams"].as_array().map(Vec::len), Some(teams.len()), "{answer}");
            }
        }
        for teams in [
            json!([]),
            json!([""]),
            json!([" red"]),
            json!(["a\nb"]),
            json!(["x".repeat(201)]),
            json!(vec!["x"; 101]),
        ] {
            let asked = json!({ "name": "x", "role": "viewer", "teams": teams }).to_string();
            let (status, answer) = fleet.ask("admin", "POST", "/api/v1/tokens", &asked).await;
            assert_eq!(status, 422, "{teams}: {answer}");
        }
        let names = async |by: &str| -> Vec<String> {
            let tokens = fleet.get(by, "/api/v1/tokens").await;
            let tokens = tokens["items"].as_array().unwrap().clone();
            tokens.iter().map(|token| token["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("red-admin").await, ["red-admin", "red-viewer", "t1", "t5"]);
        assert!(names("admin").await.len() > 8);
        for (by, name, want) in [
            ("red-admin", "blue-admin", 404),
            ("red-admin", "admin", 404),
            ("red-admin", "t8", 404),
            ("red-admin", "t5", 204),
        ] {
            assert_eq!(
                fleet.ask(by, "DELETE", &format!("/api/v1/tokens/{name}"), "").await.0,
                want,
                "{name}"
            );
        }
        let log = fleet.world.store.audit_like(None, Some("token.create"), 0, 100).await.unwrap();
        let told: Vec<String> =
            log.iter().map(|entry| format!("{} {}", entry.subject, entry.detail)).collect();
        assert!(
            told.iter().any(|entry| entry.starts_with("t8 ") && entry.contains(r#""teams":["blue","red"]"#)),
            "{told:?}"
        );
        // What the document says is so: `null` where there is no bound.
        let all = fleet.get("admin", "/api/v1/tokens?name=viewer").await;
        assert_eq!(all["items"][0]["teams"], Value::Null);
        assert!(document()["components"]["schemas"]["NewToken"]["properties"]["teams"].is_object());
    });
}
