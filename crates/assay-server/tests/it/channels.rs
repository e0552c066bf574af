//! Who is told by which channel, in each channel's own form: against an in-process Slack, mail server and Alertmanager.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_model::{Digest, Timestamp};
use assay_oci::NetworkOptions;
use assay_server::{Notifications, Notifier, UpdateFailure, check_conditions, rematch_all};
use assay_store::{Moment, Place, Role, Service};
use assay_test::http::{Reply, Server};
use assay_test::image::BuiltImage;
use assay_test::registry::Content;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

/// A clock that can be put forwards.
#[derive(Clone, Default)]
struct Later(Arc<AtomicI64>);

impl Later {
    fn wait(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }

    fn now(&self) -> Moment {
        Moment(now().0 + self.0.load(Ordering::Relaxed))
    }
}

fn notifiers(world: &World, settings: &str, later: &Later) -> Vec<Notifier> {
    let read = |path: &Path| match path.to_str() {
        Some("password") => Ok(b"HIDDEN\n".to_vec()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let all = Notifications::parse(settings, &read).unwrap();
    let rules = Arc::new(all.rules);
    let make = |channel| {
        let later = later.clone();
        Notifier {
            store: world.store.clone(),
            channel,
            rules: rules.clone(),
            window: all.window,
            network: NetworkOptions { retries: 0, ..NetworkOptions::default() },
            owner: "one".to_owned(),
            clock: Arc::new(move || later.now()),
            metrics: world.metrics.clone(),
        }
    };
    all.channels.into_iter().map(make).collect()
}

async fn step(notifiers: &[Notifier]) {
    for notifier in notifiers {
        while notifier.step().await.unwrap() {}
    }
}

fn bodies(server: &Server) -> Vec<Value> {
    server.requests().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}

fn digest(image: &BuiltImage) -> Digest {
    image.digest().parse().unwrap()
}

/// A world with images under tags, all scanned.
async fn world_of(images: &[(&BuiltImage, &str)]) -> World {
    let mut content = Content::new();
    for (image, tag) in images {
        content = content.image(tag, image);
    }
    let world = World::start(content, &database(&[], BUILT), None).await;
    for (image, tag) in images {
        world.push(&world.registry.host(), tag, &image.digest()).await;
    }
    world.work().await;
    world
}

/// Plays a feed that learns of a vulnerability of flask, or unlearns it.
async fn feed(world: &World, from: (i64, bool), to: (i64, bool)) {
    let of = |(built, is_known): (i64, bool)| {
        let known: &[(&str, &str, &str)] = if is_known { &[("CVE-2024-1", "flask", "9")] } else { &[] };
        database(known, Timestamp(BUILT.0 + built))
    };
    rematch_all(&world.store, &of(from), (&of(to), false), now()).await.unwrap();
}

#[test]
fn each_is_told_what_its_rules_say_grouped_by_image_and_service() {
    run(async {
        let (api, dev) = (image(&[("flask", "1")]), image(&[("flask", "2")]));
        let world = world_of(&[(&api, "1.0"), (&dev, "pr-7")]).await;
        let mut work = world.store.begin().await.unwrap();
        for name in ["pay", "shop"] {
            work.deploy(&Service { environment: "production", name }, &digest(&api), now()).await.unwrap();
        }
        work.commit().await.unwrap();
        let slack = Server::start(|_| Reply::new(200, "ok"));
        let hook = Server::start(|_| Reply::new(200, "{}"));
        let settings = format!(
            "channels:\n  - {{ name: chat, slack: {{ url: 'http://{}/services/T/B/HIDDEN' }} }}\n  - {{ name: hook, webhook: {{ url: 'http://{}/' }} }}\n\
             teams: {{ money: {{ services: ['pa*'] }} }}\n\
             rules:\n  - {{ teams: [money], channels: [chat], urgency: page }}\n  - {{ environments: [production], channels: [hook], urgency: ticket }}\n  \
             - {{ kinds: [finding-appeared], channels: [chat] }}\n  - {{ urgency: none }}\n\
             snooze:\n  - {{ tags: ['pr-*'] }}\n",
            slack.host(),
            hook.host()
        );
        let later = Later::default();
        let notifiers = notifiers(&world, &settings, &later);
        step(&notifiers).await;
        feed(&world, (0, false), (60, true)).await;
        step(&notifiers).await;
        let (to_slack, to_hook) = (bodies(&slack), bodies(&hook));
        assert_eq!((to_slack.len(), to_hook.len()), (1, 1));
        assert_eq!(to_slack[0]["text"], "Assay – page: one piece of news about one image, critical at worst");
        let shown = to_slack[0]["blocks"][1]["text"]["text"].as_str().unwrap();
        assert!(shown.contains("/team/app:1.0 in production/pay\n• CVE-2024-1 (critical)"), "{shown}");
        assert_eq!(
            to_slack[0]["blocks"][2]["elements"][0]["text"],
            format!("page · team money · {}", api.digest())
        );
        let told = &to_hook[0]["images"][0];
        assert_eq!(
            (&told["service"], &told["environment"], &told["urgency"]),
            (&"shop".into(), &"production".into(), &"ticket".into())
        );
        assert_eq!(to_hook[0]["images"].as_array().unwrap().len(), 1);

        // The image that was only ever a pull request's is somewhere else as well now: that counts.
        let mut work = world.store.begin().await.unwrap();
        let place = Place {
            registry: "r.example".to_owned(),
            repository: "app".to_owned(),
            tag: Some("2.0".to_owned()),
        };
        work.see(&digest(&dev), &place, now()).await.unwrap();
        work.commit().await.unwrap();
        later.wait(8 * 86_400);
        feed(&world, (60, true), (120, false)).await;
        feed(&world, (120, false), (180, true)).await;
        step(&notifiers).await;
        let last = bodies(&slack).pop().unwrap().to_string();
        assert!(last.contains(&dev.digest()) && last.contains(&api.digest()), "{last}");
    });
}

#[test]
fn of_one_image_is_not_spoken_twice_within_the_window_and_nothing_is_lost() {
    run(async {
        let app = image(&[("flask", "1")]);
        let world = world_of(&[(&app, "1.0")]).await;
        let hook = Server::start(|_| Reply::new(200, "{}"));
        let settings = format!(
            "channels:\n  - {{ name: hook, webhook: {{ url: 'http://{}/' }} }}\nwindow: 10m\n",
            hook.host()
        );
        let later = Later::default();
        let all = notifiers(&world, &settings, &later);
        step(&all).await;
        let happen = async |kind: &str| {
            let mut work = world.store.begin().await.unwrap();
            let detail = serde_json::json!({ "image": kind });
            work.record("watch-ended", Some(&digest(&app)), &detail, later.now()).await.unwrap();
            work.commit().await.unwrap();
        };
        happen("a").await;
        step(&all).await;
        happen("b").await;
        later.wait(300);
        happen("c").await;
        step(&all).await;
        assert_eq!(bodies(&hook).len(), 1);
        // Also a server that was started anew knows what was told when.
        let again = notifiers(&world, &settings, &later);
        later.wait(301);
        step(&again).await;
        let told = bodies(&hook);
        assert_eq!(told.len(), 2);
        let events: Vec<&str> = told[1]["images"][0]["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["detail"]["image"].as_str().unwrap())
            .collect();
        assert_eq!(events, ["b", "c"]);
    });
}

#[test]
fn an_alert_manager_is_told_when_it_begins_again_and_again_and_when_it_is_over() {
    run(async {
        let app = image(&[("flask", "1")]);
        let world = world_of(&[(&app, "1.0")]).await;
        let manager = Server::start(|_| Reply::new(200, ""));
        let settings = format!(
            "channels:\n  - {{ name: manager, alertmanager: {{ url: 'http://{}/prefix/', username: assay, password-file: password }} }}\n",
            manager.host()
        );
        let later = Later::default();
        let all = notifiers(&world, &settings, &later);
        step(&all).await;
        feed(&world, (0, false), (60, true)).await;
        step(&all).await;
        let requests = manager.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].target, "/prefix/api/v2/alerts");
        // `assay:HIDDEN`
        assert_eq!(requests[0].header("authorization"), Some("Basic YXNzYXk6SElEREVO"));
        let first = bodies(&manager)[0][0].clone();
        let labels = &first["labels"];
        assert_eq!(
            (&labels["alertname"], &labels["severity"], &labels["urgency"], &labels["digest"]),
            (&"AssayFinding".into(), &"critical".into(), &"page".into(), &app.digest().into())
        );
        let ends = |alert: &Value| alert["endsAt"].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert!(ends(&first) > later.now().timestamp());
        later.wait(200);
        step(&all).await;
        assert_eq!(manager.requests().len(), 1, "it is told again before it needs to be");
        later.wait(200);
        step(&all).await;
        let again = bodies(&manager)[1][0].clone();
        assert_eq!((&again["labels"], &again["startsAt"]), (labels, &first["startsAt"]));
        assert!(ends(&again) > ends(&first));
        feed(&world, (60, true), (120, false)).await;
        later.wait(400);
        step(&all).await;
        let over = bodies(&manager)[2][0].clone();
        assert_eq!(&over["labels"], labels);
        assert!(ends(&over) <= later.now().timestamp());
        later.wait(4000);
        step(&all).await;
        assert_eq!(manager.requests().len(), 3);
        // It comes back within the week in which people are not told again; an alert manager is.
        feed(&world, (120, false), (180, true)).await;
        step(&all).await;
        assert_eq!(&bodies(&manager)[3][0]["labels"], labels);
        // The image is pruned: nobody will say any more that it is over.
        let mut work = world.store.begin().await.unwrap();
        assert_eq!(work.prune(later.now(), 9).await.unwrap().len(), 1);
        work.commit().await.unwrap();
        later.wait(10);
        step(&all).await;
        assert!(ends(&bodies(&manager)[4][0]) <= later.now().timestamp());
        later.wait(4000);
        step(&all).await;
        assert_eq!(manager.requests().len(), 5);
        // It is pushed again, with what it had.
        let events = world.store.events(None, 0, 1000).await.unwrap();
        let before = events.iter().rfind(|event| event.kind == "finding-appeared").unwrap();
        let mut work = world.store.begin().await.unwrap();
        let place = Place {
            registry: world.registry.host(),
            repository: "team/app".to_owned(),
            tag: Some("1.0".to_owned()),
        };
        work.see(&digest(&app), &place, later.now()).await.unwrap();
        let detail: Value = serde_json::from_str(&before.detail).unwrap();
        work.record(&before.kind, Some(&digest(&app)), &detail, later.now()).await.unwrap();
        work.commit().await.unwrap();
        step(&all).await;
        assert_eq!(&bodies(&manager)[5][0]["labels"], labels);
    });
}

/// A mail server that takes one kind of authentication, and what it was sent.
fn mail_server() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let sessions = Arc::new(Mutex::new(Vec::new()));
    let kept = sessions.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let mut session = String::new();
            let mut is_data = false;
            stream.write_all(b"220 test ESMTP\r\n").unwrap();
            while let Some(Ok(line)) = lines.next() {
                session.push_str(&line);
                session.push('\n');
                let answer: &[u8] = match line.as_str() {
                    "." => {
                        is_data = false;
                        b"250 taken\r\n"
                    }
                    _ if is_data => continue,
                    "DATA" => {
                        is_data = true;
                        b"354 go on\r\n"
                    }
                    "QUIT" => b"221 bye\r\n",
                    line if line.starts_with("EHLO") => b"250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN\r\n",
                    // "\0assay\0HIDDEN"
                    line if line.starts_with("AUTH") => match line {
                        "AUTH PLAIN AGFzc2F5AEhJRERFTg==" => b"235 welcome\r\n",
                        _ => b"535 go away\r\n",
                    },
                    _ => b"250 ok\r\n",
                };
                stream.write_all(answer).unwrap();
            }
            kept.lock().unwrap().push(session);
        }
    });
    (port, sessions)
}

#[test]
fn mail_is_authenticated_and_what_images_say_stays_in_its_line() {
    run(async {
        let app = image(&[("flask", "1")]);
        let world = world_of(&[(&app, "1.0")]).await;
        let (port, sessions) = mail_server();
        let settings = |name: &str| {
            format!(
                "channels:\n  - {{ name: {name}, email: {{ server: '127.0.0.1:{port}', tls: none, username: {name}, password-file: password, \
                 from: 'Assay <assay@example.org>', to: [security@example.org, 'On Call <oncall@example.org>'] }} }}\n"
            )
        };
        let later = Later::default();
        let (good, wrong) =
            (notifiers(&world, &settings("assay"), &later), notifiers(&world, &settings("stranger"), &later));
        step(&good).await;
        step(&wrong).await;
        let mut work = world.store.begin().await.unwrap();
        let forged = "x\r\n.\r\nMAIL FROM:<evil@example.org>\r\nSubject: forged\u{202e}";
        work.record("watch-ended", Some(&digest(&app)), &serde_json::json!({ "image": forged }), now())
            .await
            .unwrap();
        work.commit().await.unwrap();
        step(&good).await;
        step(&wrong).await;
        // Of the one that is not welcome the server hears nothing more, and its password is told to nobody.
        let metrics = world.metrics.render(&[], 0, now());
        assert!(metrics.contains("assay_notifications_total 1\n"), "{metrics}");
        assert!(metrics.contains("assay_notification_failures_total 1\n"), "{metrics}");
        assert!(!metrics.contains("process_cpu"), "nobody can tell");
        world.metrics.busy.set(|| Some(std::time::Duration::from_millis(1500))).unwrap();
        assert!(world.metrics.render(&[], 0, now()).contains("\nprocess_cpu_seconds_total 1.5\n"));
        assert_eq!(world.ask("GET", "/api/v1/channels", Some(Role::Viewer), "").await.0, 403);
        let (status, channels) = world.ask("GET", "/api/v1/channels", Some(Role::Security), "").await;
        assert!(status == 200 && !channels.contains("HIDDEN"), "{channels}");
        let channels: Value = serde_json::from_str(&channels).unwrap();
        let stranger = &channels["items"][1];
        assert_eq!(
            (&stranger["name"], &stranger["failures"], &stranger["pending"]),
            (&"channel email stranger".into(), &1.into(), &1.into())
        );
        assert!(stranger["error"].as_str().unwrap().contains("go away"), "{stranger}");
        let sessions = sessions.lock().unwrap();
        let mail = sessions.iter().find(|session| session.contains("DATA")).unwrap();
        for line in [
            "MAIL FROM:<assay@example.org>",
            "RCPT TO:<security@example.org>",
            "RCPT TO:<oncall@example.org>",
            "Auto-Submitted: auto-generated",
            "Content-Type: text/plain; charset=utf-8",
            "Subject: [Assay] ticket: one piece of news about one image, high at",
        ] {
            assert!(mail.lines().any(|found| found.starts_with(line)), "{line} is not in\n{mail}");
        }
        assert_eq!(mail.lines().filter(|line| line.starts_with("MAIL FROM")).count(), 1, "{mail}");
        assert_eq!(mail.lines().filter(|line| line.starts_with("Subject:")).count(), 1, "{mail}");
        assert!(mail.lines().any(|line| line.starts_with("Message-ID: <assay.")), "{mail}");
    });
}

#[test]
fn what_is_wrong_with_the_installation_is_told_and_so_is_that_it_is_over() {
    run(async {
        let world = world_of(&[]).await;
        let hook = Server::start(|_| Reply::new(200, "{}"));
        let settings = format!(
            "channels:\n  - {{ name: hook, webhook: {{ url: 'http://{}/' }} }}\nwindow: 1s\n\
             thresholds: {{ authentication-failures: 3, authentication-window: 5m, feed-age: 2d }}\n",
            hook.host()
        );
        let thresholds = Notifications::parse(&settings, &|_| Err(std::io::ErrorKind::NotFound.into()))
            .unwrap()
            .thresholds;
        let later = Later::default();
        let all = notifiers(&world, &settings, &later);
        step(&all).await;
        let broken = Mutex::new(true);
        let failure = UpdateFailure { feed: "osv".to_owned(), error: "503".to_owned() };
        let check = async || {
            let failures = if *broken.lock().unwrap() { vec![failure.clone()] } else { Vec::new() };
            check_conditions(&world.app, &thresholds, &move || failures.clone(), later.now()).await.unwrap();
            step(&all).await;
        };
        world
            .store
            .describe_database(BUILT.into(), r#"{"built_at":1,"built_in":false,"feeds":[],"ecosystems":[]}"#)
            .await
            .unwrap();
        for _ in 0..2 {
            world.ask_as("GET", "/api/v1/images", Some("wrong"), "").await;
        }
        check().await;
        let titles = |from: usize| -> Vec<String> {
            let told = bodies(&hook);
            let others = told.iter().skip(from).flat_map(|message| message["others"].as_array().unwrap());
            others
                .map(|other| {
                    format!("{} {}", other["state"].as_str().unwrap(), other["title"].as_str().unwrap())
                })
                .collect()
        };
        assert_eq!(titles(0), ["firing cannot update osv: 503"]);
        world.ask_as("GET", "/api/v1/images", Some("wrong"), "").await;
        check().await;
        check().await;
        assert_eq!(titles(1), ["firing many failed attempts to authenticate from 127.0.0.1"]);
        // The feed works again, nobody tries any more; but nobody fetches the database either.
        *broken.lock().unwrap() = false;
        later.wait(3 * 86_400);
        check().await;
        later.wait(61);
        check().await;
        assert_eq!(
            titles(2),
            [
                "firing the data of the vulnerability database are older than 2 days",
                "cleared many failed attempts to authenticate from 127.0.0.1",
                "cleared cannot update osv: 503"
            ]
        );
        let age = Timestamp(BUILT.0 + 3 * 86_400);
        world
            .store
            .describe_database(age.into(), r#"{"built_at":1,"built_in":false,"feeds":[],"ecosystems":[]}"#)
            .await
            .unwrap();
        later.wait(61);
        check().await;
        later.wait(61);
        check().await;
        assert_eq!(titles(3), ["cleared the data of the vulnerability database are older than 2 days"]);
        let events = world.get("/api/v1/events?kind=feed-stale-cleared").await;
        assert_eq!(events["items"].as_array().unwrap().len(), 1);
    });
}
