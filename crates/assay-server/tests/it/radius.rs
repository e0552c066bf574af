//! What is it in: files by their digest, secrets by their rule, packages and vulnerabilities, with all that who must act wants to know.

use crate::fixture::{BUILT, World, database, image, now, run};
use assay_server::Scanner;
use assay_store::{Role, Service};
use assay_test::image::{Builder, Tree, digest};
use assay_test::registry::Content;
use serde_json::{Value, json};
use std::sync::Arc;

const SECRET: &str = "AKIAQYLPMN5HHHFPZAM2";

/// Makes the scans of a world deep.
fn deep(world: &mut World) {
    let scanner = &world.worker.scanner;
    world.worker.scanner = Arc::new(Scanner {
        registries: scanner.registries.clone(),
        network: scanner.network.clone(),
        scratch: scanner.scratch.clone(),
        threads: scanner.threads,
        deep: true,
        deep_tags: Vec::new(),
        database: scanner.database.clone(),
        cache: scanner.cache.clone(),
    });
}

#[test]
fn a_file_is_found_by_its_digest_and_what_nobody_looked_at_is_said() {
    run(async {
        let miner = "#!/bin/sh\necho mining\n";
        let tree = |path: &str| Tree::new().program(path, miner).file("usr/share/doc/readme", "plain text");
        let with = Builder::new().layer(tree("opt/.hidden/miner"), "COPY . /").build();
        let without =
            Builder::new().layer(Tree::new().program("bin/ok", "#!/bin/sh\ntrue\n"), "COPY . /").build();
        let fast = Builder::new().layer(tree("bin/miner"), "COPY . /").build();
        let content = Content::new().image("1.0", &with).image("1.1", &without).image("0.9", &fast);
        let mut world = World::start(content, &database(&[], BUILT), None).await;
        world.push(&world.registry.host(), "0.9", &fast.digest()).await;
        world.work().await;
        deep(&mut world);
        for (tag, image) in [("1.0", &with), ("1.1", &without)] {
            world.push(&world.registry.host(), tag, &image.digest()).await;
        }
        world.work().await;
        let hash = digest(miner.as_bytes());
        let answer = world.get(&format!("/api/v1/blast-radius?file={hash}")).await;
        let items = answer["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{answer}");
        let host = world.registry.host();
        assert_eq!(items[0]["digest"], with.digest());
        assert_eq!(items[0]["path"], "opt/.hidden/miner");
        assert_eq!(items[0]["tags"], json!([format!("{host}/team/app:1.0")]));
        assert_eq!(items[0]["owner"], "team-app");
        assert_eq!(items[0]["fixedIn"], json!({ "digest": without.digest(), "tag": "1.1" }));
        // The image of the fast scan has it as well; that it was not looked at is said.
        assert_eq!(answer["files"], json!({ "images": 2, "inPart": 0, "scanned": 3 }));
        let plain = digest(b"plain text");
        let answer = world.get(&format!("/api/v1/blast-radius?file={plain}")).await;
        assert_eq!(answer["items"], json!([]), "documents are not indexed");
        let twice = format!("file={hash}&advisory=CVE-1");
        for (wrong, want) in [("file=sha256:00", 400), ("file=miner", 400), (&*twice, 422), ("file=", 400)] {
            let (status, body) =
                world.ask("GET", &format!("/api/v1/blast-radius?{wrong}"), Some(Role::Viewer), "").await;
            assert_eq!(status, want, "{wrong}: {body}");
        }
        let (status, body) = world
            .ask("GET", &format!("/api/v1/blast-radius?file={hash}&triage=open"), Some(Role::Viewer), "")
            .await;
        assert!(status == 422 && body.contains("decisions are about findings"), "{body}");
        assert_eq!(world.ask("GET", &format!("/api/v1/blast-radius?file={hash}"), None, "").await.0, 401);
    });
}

#[test]
fn a_secret_is_found_by_its_rule_and_does_not_leave() {
    run(async {
        let leaking = Tree::new().file("app/.env", format!("AWS_ACCESS_KEY_ID={SECRET}\n"));
        let leaking = Builder::new().layer(leaking, "COPY . /").build();
        let clean = Builder::new().layer(Tree::new().file("app/.env", "A=1\n"), "COPY . /").build();
        let content = Content::new().image("1.0", &leaking).image("1.1", &clean);
        let world = World::start(content, &database(&[], BUILT), None).await;
        for (tag, image) in [("1.0", &leaking), ("1.1", &clean)] {
            world.push(&world.registry.host(), tag, &image.digest()).await;
        }
        world.work().await;
        let detail = world.get(&format!("/api/v1/images/{}", leaking.digest())).await;
        let secret = detail["open"].as_array().unwrap().iter().find(|one| one["kind"] == "secret");
        let rule = secret.unwrap_or_else(|| panic!("{detail}"))["rule"].as_str().unwrap().to_owned();
        let answer = world.get(&format!("/api/v1/blast-radius?rule={rule}")).await;
        let items = answer["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{answer}");
        assert_eq!((&items[0]["digest"], &items[0]["match"]), (&json!(leaking.digest()), &json!(rule)));
        assert_eq!(items[0]["fixedIn"]["tag"], "1.1");
        // Neither it nor anything made from it alone.
        let text = answer.to_string();
        for part in [
            SECRET,
            SECRET.trim_start_matches("AKIA"),
            digest(SECRET.as_bytes()).trim_start_matches("sha256:"),
        ] {
            assert!(!text.contains(part), "{part}: {text}");
        }
        let answer = world.get("/api/v1/blast-radius?rule=CVE-2024-1").await;
        assert_eq!((&answer["items"], &answer["files"]), (&json!([]), &Value::Null));
    });
}

#[test]
fn a_blast_radius_says_where_it_is_who_answers_and_what_is_without_it() {
    run(async {
        let (bad, good) = (image(&[("django", "4.0.5")]), image(&[("django", "4.0.6")]));
        let known = database(&[("CVE-2022-1", "django", "4.0.6")], BUILT);
        let world = World::start(Content::new().image("1.0", &bad).image("1.1", &good), &known, None).await;
        world.push(&world.registry.host(), "1.0", &bad.digest()).await;
        world.work().await;
        let ask =
            async |query: &str| world.get(&format!("/api/v1/blast-radius?{query}")).await["items"].clone();
        assert_eq!(ask("advisory=CVE-2022-1").await[0]["fixedIn"], Value::Null);
        world.push(&world.registry.host(), "1.1", &good.digest()).await;
        world.work().await;
        let mut work = world.store.begin().await.unwrap();
        let service = Service { environment: "production", name: "shop" };
        work.deploy(&service, &bad.digest().parse().unwrap(), now()).await.unwrap();
        work.commit().await.unwrap();
        let fixed = json!({ "digest": good.digest(), "tag": "1.1" });
        let items = ask("advisory=CVE-2022-1").await;
        assert_eq!(items.as_array().unwrap().len(), 1);
        assert_eq!((&items[0]["fixedIn"], &items[0]["owner"]), (&fixed, &json!("team-app")));
        assert_eq!(items[0]["fixedVersions"], json!(["4.0.6"]));
        let running = &items[0]["running"][0];
        assert_eq!((&running["environment"], &running["service"]), (&json!("production"), &json!("shop")));
        // Of a range of versions: the newer image has the package too, in a version outside.
        let items = ask("package=django&ecosystem=PyPI&versions=%3C4.0.6").await;
        assert_eq!((items.as_array().unwrap().len(), &items[0]["fixedIn"]), (1, &fixed));
        let items = ask("package=django&ecosystem=PyPI").await;
        assert_eq!((items.as_array().unwrap().len(), &items[0]["fixedIn"]), (2, &Value::Null));
        assert_eq!(ask("advisory=CVE-2022-1&repository=other").await, json!([]));
    });
}
