//! What a team cannot find out, and what it may do.

use super::{filled, on_this_thread, queries};
use assay_server::api::operations;
use serde_json::{Value, json};

#[test]
fn what_is_of_another_team_is_not_told_from_what_is_not_there() {
    on_this_thread(async |fleet| {
        let (blue, unknown) = (fleet.blue.digest(), format!("sha256:{}", "7".repeat(64)));
        let host = fleet.host();
        let same = async |method: &str,
                          blue_path: &str,
                          blue_body: &str,
                          unknown_path: &str,
                          unknown_body: &str,
                          want: u16| {
            let one = fleet.ask("red-admin", method, blue_path, blue_body).await;
            let other = fleet.ask("red-admin", method, unknown_path, unknown_body).await;
            assert_eq!((one.0, one.1.replace(&blue, &unknown)), other, "{method} {blue_path}");
            assert_eq!(one.0, want, "{method} {blue_path}: {}", one.1);
        };
        let mut compared = 0;
        for (method, path) in operations() {
            if method != "GET" || !path.contains("{digest}") {
                continue;
            }
            for query in queries(&path, &fleet) {
                let [one, other] =
                    [&blue, &unknown].map(|digest| format!("{}{query}", filled(&path, digest, 0)));
                let want = if path.ends_with("/sboms") { 200 } else { 404 };
                same("GET", &one, "", &other, "", want).await;
                compared += 1;
            }
        }
        assert!(compared >= 8, "{compared}");
        for list in ["events", "deployments", "builds"] {
            let [one, other] = [&blue, &unknown].map(|digest| format!("/api/v1/{list}?digest={digest}"));
            same("GET", &one, "", &other, "", 200).await;
        }
        let [one, other] =
            ["blue-1", "none"].map(|tag| format!("/api/v1/reference?reference={host}/blue/app:{tag}"));
        let (status, told) = fleet.ask("red-admin", "GET", &one, "").await;
        assert_eq!((status, told.replace("blue-1", "none")), fleet.ask("red-admin", "GET", &other, "").await);
        assert_eq!(serde_json::from_str::<Value>(&told).unwrap()["digest"], Value::Null);
        let of = |digest: &str| format!("/api/v1/reference?reference={host}/red/app@{digest}");
        same("GET", &of(&blue), "", &of(&unknown), "", 200).await;

        let decisions = fleet.get("admin", "/api/v1/triage").await;
        let of_blue = decisions["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["owner"] == "blue" && one["ended"].is_null())
            .unwrap()["id"]
            .to_string();
        let builds = fleet.get("admin", "/api/v1/builds").await;
        let built = builds["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["digest"] == json!(blue))
            .unwrap()["id"]
            .to_string();
        let job = fleet.jobs["blue-1"].to_string();
        for (method, address, id) in [
            ("GET", "/api/v1/triage/", &of_blue),
            ("DELETE", "/api/v1/triage/", &of_blue),
            ("GET", "/api/v1/jobs/", &job),
        ] {
            same(method, &format!("{address}{id}"), "", &format!("{address}999999"), "", 404).await;
        }
        same("GET", &format!("/api/v1/builds/{built}/log"), "", "/api/v1/builds/999999/log", "", 404).await;
        // A name with a digest of somebody else makes it nobody else's.
        let deploy = |digest: &str| json!({ "image": format!("{host}/red/app@{digest}") }).to_string();
        let path = "/api/v1/deployments/production/new";
        same("PUT", path, &deploy(&blue), path, &deploy(&unknown), 404).await;
        let by_digest = |digest: &str| json!({ "digest": digest }).to_string();
        same("PUT", path, &by_digest(&blue), path, &by_digest(&unknown), 404).await;
        assert!(fleet.ask("red-admin", "GET", &format!("/api/v1/images/{blue}"), "").await.0 == 404);
        same(
            "DELETE",
            "/api/v1/deployments/production/blue-blue-1",
            "",
            "/api/v1/deployments/production/none",
            "",
            404,
        )
        .await;
        let decide = |digest: &str| {
            json!({ "advisory": "CVE-2022-1", "digest": digest, "state": "false-positive", "reason": "x", "owner": "x" }).to_string()
        };
        same("POST", "/api/v1/triage", &decide(&blue), "/api/v1/triage", &decide(&unknown), 404).await;
        let sbom = |digest: &str| format!("/api/v1/images/{digest}/sbom");
        same("PUT", &sbom(&blue), "{}", &sbom(&unknown), "{}", 404).await;
        let promote =
            |digest: &str| json!({ "source": format!("{host}/red/app@{digest}"), "tag": "x" }).to_string();
        same("POST", "/api/v1/promotions", &promote(&blue), "/api/v1/promotions", &promote(&unknown), 404)
            .await;
        // Nothing of that was done.
        assert_eq!(fleet.get("admin", &format!("/api/v1/triage/{of_blue}")).await["ended"], Value::Null);
        let running = fleet.get("admin", "/api/v1/deployments?service=blue-blue-1&running=true").await;
        assert_eq!(running["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_team_does_nothing_in_repositories_of_others() {
    on_this_thread(async |fleet| {
        let host = fleet.host();
        for team in ["blue", "nobody"] {
            let place = format!("{host}/{team}/app");
            let digest = fleet.both.digest();
            for (method, path, body) in [
                ("POST", "/api/v1/images".to_owned(), json!({ "reference": format!("{place}:x") })),
                (
                    "POST",
                    "/api/v1/triage".to_owned(),
                    json!({ "advisory": "CVE-2022-1", "repository": place, "state": "false-positive",
                    "reason": "x", "owner": "x" }),
                ),
                (
                    "POST",
                    "/api/v1/builds".to_owned(),
                    json!({ "digest": digest, "image": place, "recipe": "x", "outcome": "success",
                    "started": "2023-11-14T00:00:00Z", "durationSeconds": 1 }),
                ),
                (
                    "PUT",
                    "/api/v1/deployments/production/x".to_owned(),
                    json!({ "image": format!("{place}@{digest}") }),
                ),
                ("GET", format!("/api/v1/images/{digest}/verdict?reference={place}:1"), json!({})),
            ] {
                let (status, answer) = fleet.ask("red-admin", method, &path, &body.to_string()).await;
                assert!(
                    status == 403 && answer.contains("other-team"),
                    "{method} {path} {team}: {status} {answer}"
                );
            }
        }
        let promote = json!({ "source": format!("{host}/blue/app:blue-1") }).to_string();
        let (status, answer) = fleet.ask("red-admin", "POST", "/api/v1/promotions", &promote).await;
        assert!(status == 403 && answer.contains("other-team"), "{answer}");
        // Of an image that others have as well it decides in its own repository only.
        let decide = json!({ "advisory": "CVE-2022-1", "digest": fleet.both.digest(), "state": "false-positive", "reason": "x", "owner": "x" });
        let (status, answer) = fleet.ask("red-admin", "POST", "/api/v1/triage", &decide.to_string()).await;
        assert!(status == 403 && answer.contains("repository"), "{answer}");
        // A service that another team runs, and one for another team.
        let deploy = |team: Option<&str>| json!({ "digest": fleet.red.digest(), "team": team }).to_string();
        for (service, team, want) in [
            ("blue-blue-1", None, 403),
            ("mine", Some("blue"), 422),
            ("mine", None, 201),
            ("mine", Some("red"), 200),
        ] {
            let path = format!("/api/v1/deployments/production/{service}");
            let (status, answer) = fleet.ask("red-admin", "PUT", &path, &deploy(team)).await;
            assert_eq!(status, want, "{service}: {answer}");
            assert!(want > 201 || answer.contains("\"team\":\"red\""), "{answer}");
        }
        assert_eq!(fleet.ask("red-admin", "DELETE", "/api/v1/deployments/production/mine", "").await.0, 204);
        // And what it does of its own.
        let red = format!("{host}/red/app");
        let build = json!({ "image": format!("{host}/red/new"), "recipe": "y", "outcome": "failure",
            "started": "2023-11-14T00:00:00Z", "durationSeconds": 1 });
        assert_eq!(fleet.ask("red-admin", "POST", "/api/v1/builds", &build.to_string()).await.0, 201);
        let seen = fleet.get("red-viewer", &format!("/api/v1/builds?image={host}/red/new")).await;
        assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
        let decide = json!({ "advisory": "CVE-2022-1", "digest": fleet.red.digest(), "state": "false-positive", "reason": "x" });
        let (status, made) = fleet.ask("red-admin", "POST", "/api/v1/triage", &decide.to_string()).await;
        let made: Value = serde_json::from_str(&made).unwrap();
        assert_eq!((status, &made["owner"]), (201, &json!("red")), "{made}");
        assert_eq!(
            fleet.ask("red-admin", "DELETE", &format!("/api/v1/triage/{}", made["id"]), "").await.0,
            204
        );
        let ask = json!({ "reference": format!("{red}:red-1") }).to_string();
        let (status, asked) = fleet.ask("red-admin", "POST", "/api/v1/images", &ask).await;
        assert_eq!(status, 202, "{asked}");
        let job = serde_json::from_str::<Value>(&asked).unwrap()["job"].to_string();
        assert_eq!(fleet.get("red-viewer", &format!("/api/v1/jobs/{job}")).await["kind"], "resolve");
        fleet.world.work().await;
        let promote = json!({ "source": format!("{red}:red-1") }).to_string();
        assert_eq!(fleet.ask("red-admin", "POST", "/api/v1/promotions", &promote).await.0, 202);
    });
}
