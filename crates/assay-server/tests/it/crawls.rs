//! Crawls: what no event told of is found, what moved is told, what is gone is noted once.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_server::{Crawls, ask_for_due};
use assay_store::{NewJob, Role};
use assay_test::http::{Reply, Request, Server};
use assay_test::pushable::{Behaviour, Pushable};
use std::time::Duration;

/// Serves a registry with lists of tags, two on a page, and of repositories; one of them is somebody's secret.
fn serve(registry: &Pushable) -> Server {
    Server::start(answering(registry))
}

fn answering(registry: &Pushable) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    let registry = registry.clone();
    move |request| {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/v2/_catalog" {
            let names = ["team/app", "team/empty", "team/hidden", "Not/A/Name"];
            return Reply::new(200, serde_json::json!({ "repositories": names }).to_string());
        }
        if path.contains("hidden") {
            return Reply::new(403, r#"{"errors":[{"code":"DENIED"}]}"#);
        }
        let Some(name) = path.strip_prefix("/v2/").and_then(|rest| rest.strip_suffix("/tags/list")) else {
            return registry.answer(request);
        };
        let mut tags = registry.tags(name);
        if tags.is_empty() {
            return Reply::new(404, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#);
        }
        tags.sort();
        let last = query.split('&').find_map(|one| one.strip_prefix("last=")).unwrap_or_default();
        tags.retain(|tag| tag.as_str() > last);
        let more = tags.len() > 2;
        tags.truncate(2);
        let reply = Reply::new(200, serde_json::json!({ "name": name, "tags": tags }).to_string());
        match tags.last().filter(|_| more) {
            Some(last) => reply.header("Link", &format!("<{path}?n=2&last={last}>; rel=\"next\"")),
            None => reply,
        }
    }
}

/// What happened but scans, of which there may be one for each tag.
async fn events(world: &World) -> Vec<(String, String, String)> {
    let events = world.get("/api/v1/events?limit=1000").await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let events = events["items"].as_array().unwrap().iter().filter(|event| event["kind"] != "scanned");
    events
        .map(|event| (text(&event["kind"]), text(&event["detail"]["tag"]), text(&event["digest"])))
        .collect()
}

#[test]
fn what_no_event_told_of_is_found_and_what_is_gone_is_noted_once() {
    run(async {
        let pushable = Pushable::new(Behaviour::default());
        let (one, other) = (image(&[("django", "4.0.5")]), image(&[("flask", "1.0")]));
        for tag in ["1.0", "1.1", "1.2", "latest"] {
            pushable.image("team/app", tag, &one);
        }
        // A signature is no image.
        let config = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.example","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
        pushable.manifest(
            "team/app",
            "sha256-0.sig",
            "application/vnd.oci.image.manifest.v1+json",
            config.as_bytes(),
        );
        let registry = serve(&pushable);
        let world = World::on(registry.clone(), &database(&[], BUILT), None).await;
        let host = registry.host();
        let crawls = Crawls { places: [host.clone()].into(), every: Duration::from_millis(5) };
        let crawl = async || {
            tokio::time::sleep(crawls.every * 2).await;
            ask_for_due(&world.store, &crawls, now()).await.unwrap();
            world.work().await;
        };

        // Nobody told of these pushes.
        crawl().await;
        let told = events(&world).await;
        let seen: Vec<&str> =
            told.iter().filter(|(kind, ..)| kind == "tag-seen").map(|(_, tag, _)| tag.as_str()).collect();
        assert_eq!(seen.len(), 4, "{told:?}");
        let detail = world.get(&format!("/api/v1/images/{}", one.digest())).await;
        assert_eq!(detail["scan"]["depth"], "fast");
        let list = world.get("/api/v1/crawls").await;
        let row = |list: &serde_json::Value, name: Option<&str>| {
            let mut rows = list["items"].as_array().unwrap().iter();
            rows.find(|row| row["repository"].as_str() == name).unwrap().clone()
        };
        let app = row(&list, Some("team/app"));
        assert_eq!((&app["tags"], &app["found"], &app["complete"]), (&5.into(), &5.into(), &true.into()));
        assert_eq!(row(&list, None)["tags"], 3);
        let hidden = row(&list, Some("team/hidden"));
        assert_eq!(hidden["listed"], serde_json::Value::Null);
        assert!(hidden["error"].as_str().unwrap().contains("403"), "{hidden}");

        // Nothing changed: no tag is resolved again, not even the signature's; only what they stand for is asked.
        let gets = |server: &Server| {
            let requests = server.requests();
            requests.iter().filter(|one| one.method == "GET" && one.target.contains("/manifests/")).count()
        };
        let before = gets(&registry);
        crawl().await;
        assert_eq!(gets(&registry), before);
        assert_eq!(events(&world).await.len(), told.len());

        // A tag moves, one is deleted and one is new, all of it without an event.
        pushable.image("team/app", "latest", &other);
        pushable.remove("team/app", "1.1");
        pushable.image("team/app", "2.0", &other);
        crawl().await;
        let mut news = events(&world).await.split_off(told.len());
        news.sort();
        let want = [
            ("tag-gone", "1.1", one.digest()),
            ("tag-moved", "latest", other.digest()),
            ("tag-seen", "2.0", other.digest()),
        ];
        assert_eq!(news, want.map(|(kind, tag, digest)| (kind.to_owned(), tag.to_owned(), digest)));
        crawl().await;
        assert_eq!(events(&world).await.len(), told.len() + 3);

        // It comes back.
        pushable.image("team/app", "1.1", &one);
        crawl().await;
        assert_eq!(events(&world).await.last().unwrap().0, "tag-back");
        let metrics = world.ask("GET", "/metrics", Some(Role::Viewer), "").await.1;
        for line in ["assay_crawl_found_total 7\n", "assay_crawl_gone_total 1\n"] {
            assert!(metrics.contains(line), "{line} {metrics}");
        }
    });
}

#[test]
fn tags_that_a_registry_says_nothing_about_hide_no_others() {
    run(async {
        let app = image(&[("django", "4.0.5")]);
        let pushable = Pushable::new(Behaviour::default());
        for number in 0..30 {
            pushable.image("team/app", &format!("bad-{number:02}"), &app);
        }
        pushable.image("team/app", "good", &app);
        let answers = answering(&pushable);
        let registry = Server::start(move |request| {
            if request.target.contains("/manifests/bad-") {
                return Reply::new(451, r#"{"errors":[{"code":"DENIED"}]}"#);
            }
            answers(request)
        });
        let world = World::on(registry, &database(&[], BUILT), None).await;
        let host = world.registry.host();
        let crawls = Crawls { places: [format!("{host}/team/app")].into(), every: Duration::from_millis(5) };
        let mut rows = Vec::new();
        for _ in 0..3 {
            tokio::time::sleep(crawls.every * 2).await;
            ask_for_due(&world.store, &crawls, now()).await.unwrap();
            world.work().await;
            let row = &world.get("/api/v1/crawls").await["items"][0];
            rows.push((row["tags"].clone(), row["found"].clone(), row["complete"].clone()));
        }
        // The first gives up, as the registry may be ill; the second goes on where it stopped.
        let row = |found: i64| (31.into(), found.into(), false.into());
        assert_eq!(rows, [row(0), row(1), row(0)]);
        let told = events(&world).await;
        assert_eq!(told, [("tag-seen".to_owned(), "good".to_owned(), app.digest())]);
    });
}

#[test]
fn a_registry_that_is_asked_too_often_ends_the_crawl() {
    run(async {
        let pushable = Pushable::new(Behaviour::default());
        pushable.image("team/app", "1.0", &image(&[]));
        let answers = answering(&pushable);
        let registry = Server::start(move |request| match request.target.contains("/manifests/") {
            true => Reply::new(429, r#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#),
            false => answers(request),
        });
        let world = World::on(registry, &database(&[], BUILT), None).await;
        let place = format!("{}/team/app", world.registry.host());
        let crawls = Crawls { places: [place].into(), every: Duration::from_secs(60) };
        ask_for_due(&world.store, &crawls, now()).await.unwrap();
        world.work().await;
        let row = &world.get("/api/v1/crawls").await["items"][0];
        assert!(row["error"].as_str().unwrap().contains("429") && row["listed"].is_null(), "{row}");
    });
}

#[test]
fn a_crawl_leaves_room_in_the_queue_and_every_repository_has_its_turn() {
    run(async {
        let registry = Server::start(|request| match request.target.split('?').next().unwrap_or_default() {
            "/v2/" => Reply::new(200, "{}"),
            "/v2/_catalog" => Reply::new(200, r#"{"repositories":["a","b","c","d","e"]}"#),
            _ => Reply::new(200, r#"{"tags":[]}"#),
        });
        let world = World::on(registry, &database(&[], BUILT), None).await;
        let host = world.registry.host();
        let mut work = world.store.begin().await.unwrap();
        for number in 0..4998 {
            let job = NewJob {
                kind: "resolve".to_owned(),
                name: number.to_string(),
                registry: String::new(),
                payload: String::new(),
                priority: -100,
                max_attempts: 1,
            };
            work.enqueue(&job, now()).await.unwrap();
        }
        work.commit().await.unwrap();
        let crawls = Crawls { places: [host.clone()].into(), every: Duration::from_millis(5) };
        let mut all = Vec::new();
        for _ in 0..3 {
            tokio::time::sleep(crawls.every * 2).await;
            ask_for_due(&world.store, &crawls, now()).await.unwrap();
            let before = world.registry.requests().len();
            // The list of repositories, and what came of it.
            for _ in 0..3 {
                assert!(world.worker.step().await.unwrap());
            }
            assert_eq!(world.store.queued().await.unwrap(), 4998);
            let requests = world.registry.requests().split_off(before);
            let listed =
                requests.iter().filter_map(|one| one.target.strip_prefix("/v2/")?.split_once("/tags"));
            all.push(listed.map(|(name, _)| name.to_owned()).collect::<Vec<_>>().join(""));
        }
        assert_eq!(all, ["ab", "cd", "ea"]);
    });
}

#[test]
fn an_event_that_was_missed_is_caught() {
    run(async {
        let pushable = Pushable::new(Behaviour::default());
        let (one, other) = (image(&[("django", "4.0.5")]), image(&[("flask", "1.0")]));
        pushable.image("team/app", "1.0", &one);
        let world = World::on(serve(&pushable), &database(&[], BUILT), None).await;
        let host = world.registry.host();
        world.push(&host, "1.0", &one.digest()).await;
        world.work().await;
        // The second push is one that the registry does not tell of.
        pushable.image("team/app", "1.0", &other);
        world.work().await;
        let digest = async || {
            world.get("/api/v1/events").await["items"].as_array().unwrap().last().unwrap()["digest"].clone()
        };
        assert_eq!(digest().await, one.digest());
        let crawls = Crawls { places: [format!("{host}/team/app")].into(), every: Duration::from_secs(60) };
        ask_for_due(&world.store, &crawls, now()).await.unwrap();
        world.work().await;
        assert_eq!(digest().await, other.digest());
        let told = events(&world).await;
        assert!(told.contains(&("tag-moved".to_owned(), "1.0".to_owned(), other.digest())), "{told:?}");
        // Another repository of the registry was not asked about.
        assert_eq!(world.registry.count("_catalog"), 0);
    });
}

#[test]
fn a_list_that_does_not_end_or_leads_elsewhere_ends_the_crawl() {
    run(async {
        for link in [
            "http://169.254.169.254/v2/team/app/tags/list",
            "/v2/other/tags/list",
            "/v2/team/app/tags/list?again",
        ] {
            let registry = Server::start(move |request| {
                if request.target == "/v2/" {
                    return Reply::new(200, "{}");
                }
                if request.target.contains("/manifests/") {
                    return Reply::new(404, "");
                }
                let reply = Reply::new(200, r#"{"tags":["a","-not-a-tag","../b"]}"#);
                reply.header("Link", &format!("<{link}>; rel=\"next\""))
            });
            let world = World::on(registry, &database(&[], BUILT), None).await;
            let place = format!("{}/team/app", world.registry.host());
            let crawls = Crawls { places: [place].into(), every: Duration::from_secs(60) };
            ask_for_due(&world.store, &crawls, now()).await.unwrap();
            world.work().await;
            let row = &world.get("/api/v1/crawls").await["items"][0];
            match link.contains("again") {
                // The same page for ever is a list that is not whole: nothing is gone because of it.
                true => assert_eq!((&row["tags"], &row["complete"]), (&1.into(), &false.into()), "{row}"),
                false => assert!(
                    row["error"].as_str().unwrap().contains("elsewhere")
                        || row["error"].as_str().unwrap().contains("without TLS"),
                    "{row}"
                ),
            }
        }
    });
}
