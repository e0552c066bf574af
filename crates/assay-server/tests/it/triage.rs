//! Decisions about findings: who may decide, what follows for verdicts, messages and lists, and how it ends.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_model::Timestamp;
use assay_oci::NetworkOptions;
use assay_server::{Channel, Notifier, end_expired, rematch_all};
use assay_store::{Moment, Role};
use assay_test::http::{Reply, Server};
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::time::Duration;

/// A world with a scanned image that has two vulnerabilities.
async fn world(policy: Option<&str>) -> (World, String) {
    let app = image(&[("django", "4.0.5"), ("flask", "1.0")]);
    let known = database(&[("CVE-2022-1", "django", "4.0.6"), ("CVE-2023-7", "flask", "2.0")], BUILT);
    let world = World::start(Content::new().image("1.0", &app), &known, policy).await;
    world.push(&world.registry.host(), "1.0", &app.digest()).await;
    world.work().await;
    (world, app.digest())
}

async fn decide(world: &World, role: Role, body: &Value) -> (u16, Value) {
    let (status, text) = world.ask("POST", "/api/v1/triage", Some(role), &body.to_string()).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}")))
}

fn in_repository(world: &World, advisory: &str, state: &str) -> Value {
    json!({ "advisory": advisory, "repository": format!("{}/team/app", world.registry.host()), "state": state,
        "reason": "the code is not there", "expires": "2024-06-01" })
}

#[test]
fn who_may_judge_findings_decides_and_everybody_sees_it() {
    run(async {
        let (world, digest) = world(None).await;
        let asked = in_repository(&world, "CVE-2022-1", "accepted");
        for role in [Role::Viewer, Role::Developer] {
            assert_eq!(decide(&world, role, &asked).await.0, 403);
        }
        assert_eq!(world.ask("POST", "/api/v1/triage", None, &asked.to_string()).await.0, 401);
        let (status, made) = decide(&world, Role::Security, &asked).await;
        assert_eq!(status, 201, "{made}");
        // Who owns the repository answers for it, unless somebody else is named.
        assert_eq!((&made["owner"], &made["decidedBy"]), (&json!("team-app"), &json!("security")));
        assert_eq!((&made["expires"], &made["ended"]), (&json!("2024-06-01T00:00:00Z"), &Value::Null));

        // What makes no sense is refused with what to do, and leaves nothing behind.
        let with = |changes: &[(&str, Value)]| {
            let mut asked = asked.clone();
            for (name, value) in changes {
                asked[*name] = value.clone();
            }
            asked
        };
        for (changes, status, hint) in [
            (vec![("expires", Value::Null)], 422, "`expires` says until when"),
            (vec![("expires", json!("2020-01-01"))], 422, "a time to come"),
            (vec![("expires", json!("2033-01-01"))], 422, "within 366 days"),
            (vec![("reason", json!(" "))], 422, "`reason` says why"),
            (vec![("reason", json!("x".repeat(2001)))], 422, "`reason` says why"),
            (vec![("owner", json!("a\nb"))], 422, "`owner` is one line"),
            (vec![("advisory", json!(""))], 422, "`advisory` is one line"),
            (vec![("state", json!("fine"))], 400, "unknown variant"),
            (vec![("digest", json!(digest))], 422, "either `digest`, or `repository`"),
            (vec![("repository", json!("team/app"))], 422, "a repository with its registry"),
            (vec![("repository", Value::Null)], 422, "either `digest`, or `repository`"),
            (vec![("advisory", json!("CVE-1999-1"))], 404, "the finding `CVE-1999-1`"),
            (vec![("package", json!("flask"))], 404, "in the package `flask`"),
            (vec![("approved", json!(true))], 400, "unknown field"),
            (
                vec![("repository", Value::Null), ("digest", json!(format!("sha256:{}", "0".repeat(64))))],
                422,
                "`owner` says who answers",
            ),
        ] {
            let (got, problem) = decide(&world, Role::Security, &with(&changes)).await;
            assert_eq!(got, status, "{changes:?} {problem}");
            assert!(problem["detail"].as_str().unwrap().contains(hint), "{changes:?} {problem}");
        }

        // A finding is shown with it, stays counted, and can be left out.
        let detail = world.get(&format!("/api/v1/images/{digest}")).await;
        let of = |rule: &str| {
            let open = detail["open"].as_array().unwrap();
            open.iter().find(|finding| finding["rule"] == rule).unwrap()["triage"].clone()
        };
        assert_eq!((&of("CVE-2022-1"), &of("CVE-2023-7")), (&made, &Value::Null));
        let count = detail["open"].as_array().unwrap().len();
        assert_eq!(detail["findings"], count, "what was decided about is counted");
        assert_eq!((&detail["vulnerablePackages"], &detail["vulnerableWeight"]), (&json!(2), &json!(20)));
        let rules = async |query: &str| -> Vec<String> {
            let list = world.get(&format!("/api/v1/images/{digest}/findings{query}")).await;
            let items = list["items"].as_array().unwrap().iter();
            items.map(|finding| finding["rule"].as_str().unwrap().to_owned()).collect()
        };
        let open = rules("?triage=open").await;
        assert!(open.len() == count - 1 && open[0] == "CVE-2023-7", "{open:?}");
        assert_eq!(rules("?triage=settled").await, ["CVE-2022-1"]);
        assert_eq!(rules("?limit=1&after=1").await, ["CVE-2023-7"]);
        assert_eq!(rules("?recurring=true").await, [""; 0]);
        assert_eq!(rules("?standing=gone").await, [""; 0]);
        let hits = world.get("/api/v1/blast-radius?advisory=CVE-2022-1").await;
        assert_eq!(hits["items"][0]["triage"]["id"], made["id"]);
        let hits = world.get("/api/v1/blast-radius?advisory=CVE-2022-1&triage=open").await;
        assert_eq!(hits["items"], json!([]));

        // A later one takes its place, and only who may judge takes it back.
        let (_, second) = decide(&world, Role::Admin, &with(&[("state", json!("exception"))])).await;
        let first = world.get(&format!("/api/v1/triage/{}", made["id"])).await;
        assert_eq!(first["ending"], "replaced");
        let path = format!("/api/v1/triage/{}", second["id"]);
        assert_eq!(world.ask("DELETE", &path, Some(Role::Developer), "").await.0, 403);
        assert_eq!(world.ask("DELETE", &path, Some(Role::Security), "").await.0, 204);
        assert_eq!(world.ask("DELETE", &path, Some(Role::Security), "").await.0, 404);
        assert_eq!(rules("?triage=settled").await, [""; 0]);
        let list = async |query: &str| world.get(&format!("/api/v1/triage{query}")).await;
        let ids = |list: &Value| -> Vec<Value> {
            list["items"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect()
        };
        let both = [made["id"].clone(), second["id"].clone()];
        assert_eq!(ids(&list("").await), both);
        let page = list("?limit=1").await;
        assert_eq!((ids(&page), &page["next"]), (vec![both[0].clone()], &both[0]));
        assert_eq!(ids(&list(&format!("?limit=1&after={}", both[0])).await), [both[1].clone()]);
        assert_eq!(ids(&list("?state=exception&ended=true&owner=team-app").await), [both[1].clone()]);
        assert_eq!(ids(&list("?ended=false").await), [Value::Null; 0]);

        let audit = world.store.audit_log(0, 100).await.unwrap();
        let told: Vec<(&str, &str)> =
            audit.iter().map(|entry| (entry.actor.as_str(), entry.action.as_str())).collect();
        assert_eq!(
            told,
            [("security", "triage.set"), ("admin", "triage.set"), ("security", "triage.withdraw")]
        );
        assert!(audit[0].subject.starts_with("CVE-2022-1 in "), "{}", audit[0].subject);
        for (kind, count) in [("triage-set", 2), ("triage-withdrawn", 1)] {
            let events = world.get(&format!("/api/v1/events?kind={kind}")).await;
            assert_eq!(events["items"].as_array().unwrap().len(), count, "{kind}");
        }
    });
}

const POLICY: &str = "
apiVersion: assay.dev/v1
kind: ImagePolicy
rules:
  - vulnerabilities: {max: {critical: 0}}
";

async fn admitted(world: &World, place: &str, digest: &str) -> (bool, String) {
    let pod = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "namespace": "shop",
        "object": {"spec": {"containers": [{"image": format!("{}/{place}@{digest}", world.registry.host())}]}}}});
    let (_, text) = world.ask("POST", "/admission/validate", None, &pod.to_string()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    (answer["response"]["allowed"].as_bool().unwrap(), text)
}

#[test]
fn no_decision_softens_a_verdict_unless_the_policy_says_so() {
    run(async {
        let (world, digest) = world(Some(POLICY)).await;
        assert!(!admitted(&world, "team/app:1.0", &digest).await.0);
        for advisory in ["CVE-2022-1", "CVE-2023-7"] {
            let asked = in_repository(&world, advisory, "false-positive");
            assert_eq!(decide(&world, Role::Security, &asked).await.0, 201);
        }
        let (allowed, text) = admitted(&world, "team/app:1.0", &digest).await;
        assert!(!allowed && text.contains("2 critical vulnerabilities"), "{text}");
    });
}

#[test]
fn a_policy_chooses_which_decisions_count_and_they_count_where_they_were_made() {
    run(async {
        let policy = format!("{POLICY}triage: {{honour: [false-positive]}}\n");
        let (world, digest) = world(Some(&policy)).await;
        let check = async |place: &str, want: bool| {
            let (allowed, text) = admitted(&world, place, &digest).await;
            assert_eq!(allowed, want, "{place}: {text}");
            text
        };
        check("team/app:1.0", false).await;
        let (_, first) =
            decide(&world, Role::Security, &in_repository(&world, "CVE-2022-1", "false-positive")).await;
        let text = check("team/app:1.0", false).await;
        assert!(text.contains("1 critical vulnerability"), "{text}");
        // A risk that was accepted does not count here.
        let accepted = in_repository(&world, "CVE-2023-7", "accepted");
        decide(&world, Role::Security, &accepted).await;
        check("team/app:1.0", false).await;
        let wrong = in_repository(&world, "CVE-2023-7", "false-positive");
        let (_, second) = decide(&world, Role::Security, &wrong).await;
        check("team/app:1.0", true).await;
        // The same image under another name: nobody decided anything about that one.
        let other = assay_store::Place {
            registry: world.registry.host(),
            repository: "other/app".to_owned(),
            tag: Some("1.0".to_owned()),
        };
        let mut work = world.store.begin().await.unwrap();
        work.see(&digest.parse().unwrap(), &other, now()).await.unwrap();
        work.commit().await.unwrap();
        check("other/app:1.0", false).await;
        check("team/app:1.0", true).await;
        // The verdict names what it rests on.
        let verdicts = world.store.verdicts(&digest.parse().unwrap()).await.unwrap();
        let used = verdicts
            .iter()
            .any(|one| String::from_utf8_lossy(&one.detail).contains(&format!("\"triage {}\"", first["id"])));
        assert!(used, "no verdict names the decision");
        // Taken back, it counts no more, at once.
        let path = format!("/api/v1/triage/{}", second["id"]);
        assert_eq!(world.ask("DELETE", &path, Some(Role::Security), "").await.0, 204);
        check("team/app:1.0", false).await;
        decide(&world, Role::Security, &wrong).await;
        check("team/app:1.0", true).await;
        // And when its time is over.
        let later = Moment::from(Timestamp::from_date(2024, 6, 1).unwrap());
        assert_eq!(end_expired(&world.store, later.minus(Duration::from_secs(1))).await.unwrap(), 0);
        check("team/app:1.0", true).await;
        assert_eq!(end_expired(&world.store, later).await.unwrap(), 2);
        check("team/app:1.0", false).await;
        let events = world.get("/api/v1/events?kind=triage-expired").await;
        let told = events["items"].as_array().unwrap();
        assert_eq!(told.len(), 2);
        assert_eq!(
            (&told[0]["detail"]["rule"], &told[0]["detail"]["state"], &told[0]["detail"]["owner"]),
            (&json!("CVE-2022-1"), &json!("false-positive"), &json!("team-app"))
        );
        let audit = world.store.audit_log(0, 100).await.unwrap();
        assert_eq!(audit.iter().filter(|entry| entry.action == "triage.expire").count(), 2);
    });
}

#[test]
fn a_limit_of_the_policy_holds_for_decisions_as_well() {
    run(async {
        let policy =
            format!("{POLICY}triage: {{honour: [false-positive]}}\nexceptionLimits: {{maxLifetime: 30d}}\n");
        let (world, digest) = world(Some(&policy)).await;
        for (expires, want) in
            [(json!("2024-06-01"), false), (Value::Null, false), (json!("2023-12-01"), true)]
        {
            for advisory in ["CVE-2022-1", "CVE-2023-7"] {
                let mut asked = in_repository(&world, advisory, "false-positive");
                asked["expires"] = expires.clone();
                assert_eq!(decide(&world, Role::Security, &asked).await.0, 201);
            }
            assert_eq!(admitted(&world, "team/app:1.0", &digest).await.0, want, "{expires}");
        }
    });
}

#[test]
fn nobody_is_told_of_what_was_decided_until_that_is_over() {
    run(async {
        let (one, two) = (image(&[("flask", "1")]), image(&[("flask", "2")]));
        let old = database(&[("CVE-2024-1", "flask", "1.5")], BUILT);
        let world = World::start(Content::new().image("1.0", &one).image("2.0", &two), &old, None).await;
        let listener = Server::start(|_| Reply::new(200, "{}"));
        let notifier = Notifier {
            store: world.store.clone(),
            channel: Channel::of_url(format!("http://{}/hook", listener.host()).parse().unwrap()),
            rules: std::sync::Arc::default(),
            window: std::time::Duration::ZERO,
            network: NetworkOptions { retries: 0, ..NetworkOptions::default() },
            owner: "one".to_owned(),
            clock: std::sync::Arc::new(now),
            metrics: world.metrics.clone(),
        };
        notifier.step().await.unwrap();
        for (tag, image) in [("1.0", &one), ("2.0", &two)] {
            world.push(&world.registry.host(), tag, &image.digest()).await;
        }
        world.work().await;
        let asked = in_repository(&world, "CVE-2024-1", "accepted");
        assert_eq!(decide(&world, Role::Security, &asked).await.0, 201);
        // The feed says it of the other image as well, and something new of both.
        let new =
            database(&[("CVE-2024-1", "flask", "9"), ("CVE-2024-2", "flask", "9")], Timestamp(BUILT.0 + 60));
        rematch_all(&world.store, &old, (&new, false), now()).await.unwrap();
        let appeared = world.get("/api/v1/events?kind=finding-appeared").await;
        assert_eq!(appeared["items"].as_array().unwrap().len(), 3, "{appeared}");
        notifier.step().await.unwrap();
        let messages = || -> Vec<Value> {
            listener.requests().iter().map(|one| serde_json::from_slice(&one.body).unwrap()).collect()
        };
        let told = messages();
        assert_eq!(told.len(), 1);
        let text = told[0].to_string();
        assert!(
            text.matches("\"rule\":\"CVE-2024-2\"").count() == 2 && !text.contains("CVE-2024-1\""),
            "{text}"
        );
        // Its end is news, once.
        let later = Moment::from(Timestamp::from_date(2024, 6, 2).unwrap());
        assert_eq!(end_expired(&world.store, later).await.unwrap(), 1);
        assert_eq!(end_expired(&world.store, later).await.unwrap(), 0);
        notifier.step().await.unwrap();
        notifier.step().await.unwrap();
        let told = messages();
        assert_eq!(told.len(), 2);
        assert_eq!(told[1]["others"][0]["kind"], "triage-expired", "{}", told[1]);
    });
}

#[test]
fn the_share_of_false_positives_is_told_with_its_objective() {
    run(async {
        let (world, _) = world(None).await;
        let ratio = async || {
            let (_, text) = world.ask("GET", "/metrics", Some(Role::Viewer), "").await;
            let line = text.lines().find_map(|line| line.strip_prefix("assay_false_positive_ratio "));
            assert!(text.contains("assay_objective{indicator=\"assay_false_positive_ratio\"} 0.2\n"));
            line.map(str::to_owned)
        };
        for (advisory, state) in [("CVE-2022-1", "false-positive"), ("CVE-2023-7", "accepted")] {
            decide(&world, Role::Security, &in_repository(&world, advisory, state)).await;
        }
        assert_eq!(ratio().await.as_deref(), Some("0.5"));
    });
}
