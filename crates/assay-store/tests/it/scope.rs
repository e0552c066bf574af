//! What teams see: their own images, all of those and nothing else, in every list and look-up.

use crate::fixture::{at, digest, fresh, on_each, report, run};
use assay_model::Digest;
use assay_store::{
    Affected, Build, BuildFilter, BuildOutcome, DeploymentFilter, Depth, EvidenceSeen, FindingFilter, Holder,
    ImageFilter, IndexEntry, NewPromotion, NewSbom, NewTriage, Place, Question, Role, Scan, Scope, Search,
    Service, Standing, Store, StoredVerdict, Token, TriageFilter, TriageOrder, TriageScope, TriageState,
    Triaged, View, Where,
};
use std::time::Duration;

/// Returns a repository of a team: the teams here own what is below their names.
fn at_team(team: &str, tag: Option<&str>) -> Place {
    Place { registry: "r.example".to_owned(), repository: format!("{team}/app"), tag: tag.map(str::to_owned) }
}

fn owner(_: &str, repository: &str) -> Option<String> {
    let team = repository.split('/').next()?;
    (team != "nobody").then(|| team.to_owned())
}

fn teams(names: &[&str]) -> Scope {
    Scope::of(Some(names.iter().map(|&name| name.to_owned())))
}

const RED: u8 = 1;
const BLUE: u8 = 2;
const BOTH: u8 = 3;
const NOBODY: u8 = 4;

fn build(of: u8, image: &str) -> Build {
    Build {
        digest: Some(digest(of)),
        image: image.to_owned(),
        platform: String::new(),
        source: String::new(),
        recipe: format!("commit-{of}-{image}"),
        inputs: Vec::new(),
        outcome: BuildOutcome::Success,
        started: at(1),
        duration: Duration::from_secs(1),
        invocation: String::new(),
    }
}

fn decision(scope: TriageScope, by: &str) -> NewTriage {
    NewTriage {
        advisory: "CVE-1".to_owned(),
        package: None,
        scope,
        state: TriageState::Accepted,
        reason: format!("{by} says so"),
        owner: by.to_owned(),
        decided_by: by.to_owned(),
        expires: None,
    }
}

fn repository(team: &str) -> TriageScope {
    TriageScope::Repository { registry: "r.example".to_owned(), repository: format!("{team}/app") }
}

/// Fills a store with an image of the red team, one of the blue, one of both, which the blue had first, and one of nobody.
async fn fill(store: &Store) {
    for (image, places) in
        [(RED, &["red"][..]), (BLUE, &["blue"]), (BOTH, &["blue", "red"]), (NOBODY, &["nobody"])]
    {
        let packages: &[(&str, &str, &[&str])] = &[
            ("common", "1", &["CVE-1"]),
            if image == BLUE { ("bluelib", "1", &["CVE-BLUE"]) } else { ("redlib", "1", &["CVE-RED"]) },
        ];
        let index: Vec<IndexEntry> = packages
            .iter()
            .map(|(name, version, _)| IndexEntry {
                ecosystem: "PyPI".to_owned(),
                name: (*name).to_owned(),
                version: (*version).to_owned(),
            })
            .collect();
        let digest = digest(image);
        let mut work = store.begin().await.unwrap();
        for team in places {
            let place = at_team(team, Some(&format!("{team}-{image}")));
            work.see(&digest, &place, at(i64::from(image))).await.unwrap();
            let told = serde_json::json!({ "registry": place.registry, "repository": place.repository });
            work.record("tag-seen", Some(&digest), &told, at(10)).await.unwrap();
            let piece = EvidenceSeen { digest, carrier: digest, kind: format!("signature of {team}") };
            work.see_evidence(&digest, &place, &[piece], at(10)).await.unwrap();
            work.save_gathered(&digest, &place, team.as_bytes(), at(10)).await.unwrap();
            work.record_build(
                &build(image, &format!("r.example/{team}/app")),
                &store.document("build log", "x", team.as_bytes()).await.unwrap(),
                team,
                at(10),
            )
            .await
            .unwrap();
            work.decide(&decision(repository(team), team), at(11)).await.unwrap();
            let service = format!("service-of-{team}-{image}");
            let service = Service { environment: "prod", name: &service };
            work.deploy(&service, &digest, at(12)).await.unwrap();
            work.own(&service, None, Some(team)).await.unwrap();
            let detail = serde_json::json!({ "service": service.name, "team": team });
            work.record("deployed", Some(&digest), &detail, at(12)).await.unwrap();
        }
        // Whose this service is nobody said.
        let service = format!("service-of-unknown-{image}");
        work.deploy(&Service { environment: "prod", name: &service }, &digest, at(12)).await.unwrap();
        let report = report(packages);
        let scan = Scan { digest: &digest, depth: Depth::Fast, report: &report, json: b"{}", index: &index };
        work.save_scan(&scan, at(20)).await.unwrap();
        let file = assay_store::FileSeen { sha256: [9; 32], path: format!("file-{image}") };
        work.save_files(&digest, &[file]).await.unwrap();
        work.record("scanned", Some(&digest), &serde_json::json!({}), at(20)).await.unwrap();
        let document = store.document("bill of materials", "x", b"{}").await.unwrap();
        let sbom = NewSbom { format: "spdx", document: &document, score: 1, packages: 1 };
        work.keep_sbom(&digest, &sbom, at(20)).await.unwrap();
        work.commit().await.unwrap();
        let generation = store.generation(&digest).await.unwrap().unwrap();
        let mut work = store.begin().await.unwrap();
        for team in places {
            let verdict = StoredVerdict {
                policy: "p".to_owned(),
                tier: format!("tier of {team}"),
                verdict: "admit".to_owned(),
                detail: team.as_bytes().to_vec(),
                inputs: serde_json::json!({ "registry": "r.example", "repository": format!("{team}/app") })
                    .to_string(),
                decided: at(21),
                expires: None,
            };
            assert!(work.save_verdict(&digest, &verdict, generation).await.unwrap());
        }
        work.commit().await.unwrap();
    }
    let mut work = store.begin().await.unwrap();
    for (from, to, of) in [("red", "red", RED), ("blue", "blue", BLUE), ("red", "blue", BOTH)] {
        let (from, to) = (at_team(from, None), at_team(to, Some("release")));
        let promotion = NewPromotion {
            from: &from,
            to: &to,
            digest: digest(of),
            actor: "ci",
            verdict: "admit",
            policy: "p",
        };
        work.start_promotion(&promotion, at(30)).await.unwrap();
        let detail = serde_json::json!({
            "source": format!("r.example/{}", from.repository), "target": format!("r.example/{}:release", to.repository) });
        work.record("promoted", Some(&digest(of)), &detail, at(30)).await.unwrap();
    }
    work.decide(&decision(TriageScope::Image(digest(BLUE)), "blue"), at(31)).await.unwrap();
    work.record("policy-changed", None, &serde_json::json!({ "rule": "blue" }), at(31)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(store.own_new_repositories(owner).await.unwrap(), 3);
    assert_eq!(store.own_new_repositories(owner).await.unwrap(), 0);
}

/// Returns everything that somebody sees, list by list.
async fn everything(seen: View<'_>) -> Vec<(&'static str, String)> {
    macro_rules! all {
        ($($name:literal: $read:expr,)*) => { vec![$(($name, format!("{:?}", $read.await.unwrap()))),*] };
    }
    let anywhere = Where::default();
    let blue = [(("r.example".to_owned(), "blue/app".to_owned()), 0)].into();
    let affected = |triage| Affected { kind: None, triage };
    let search = |text| Search { text, limit: 100, ..Search::default() };
    let mut all = all! {
        "images": seen.images_like(&ImageFilter::default(), 0, 100),
        "images by repository": seen.images_like(
            &ImageFilter { repository: Some("blue/app".to_owned()), ..ImageFilter::default() }, 0, 100),
        "count": seen.image_count(),
        "events": seen.events_like(None, None, 0, 1000),
        "newest events": seen.newest_events("", None, None, 1000),
        "containing": seen.images_containing_in(&anywhere, None, "common", 0, 100),
        "containing blue": seen.images_containing_in(&anywhere, None, "bluelib", 0, 100),
        "affected": seen.images_affected_like(&anywhere, "CVE-1", affected(Triaged::Either), 0, 100),
        "settled": seen.images_affected_like(&anywhere, "CVE-1", affected(Triaged::Settled), 0, 100),
        "with file": seen.images_with_file(&anywhere, &[9; 32], 0, 100),
        "files": seen.files_known(),
        "where": seen.whereabouts(&[1, 2, 3, 4]),
        "without": seen.newest_without(&blue, Question::Package(None, "redlib"), |_| true),
        "search": seen.search_images(&search("")),
        "search by name": seen.search_images(&search("blue/app")),
        "search by tag": seen.search_images(&search("blue-3")),
        "spread": seen.spread("CVE-1"),
        "spread of blue": seen.spread("CVE-BLUE"),
        "severities": seen.severity_counts(),
        "scanned": seen.scanned_count(),
        "came": seen.findings_came(at(0)),
        "widespread": seen.most_widespread("high", 100),
        "packages": seen.packages_like("lib", 100),
        "builds": seen.builds(&BuildFilter::default(), 0, 100),
        "deployments": seen.deployments(&DeploymentFilter::default(), 0, 100),
        "promotions": seen.promotions(0, 100),
        "newest promotions": seen.newest_promotions(None, 100),
        "decisions": seen.triage_like(&TriageFilter::default(), TriageOrder::Newest(None), 100),
        "decisions by number": seen.triage_of(1..100),
        "tag": seen.tagged(&at_team("blue", Some("blue-2"))),
    };
    for build in 1..20 {
        all.push((
            "log",
            format!("{:?}", seen.build_log(build).await.unwrap().map(|log| String::from_utf8(log).unwrap())),
        ));
    }
    for image in [RED, BLUE, BOTH, NOBODY] {
        all.extend(of_image(seen, &digest(image)).await);
    }
    all
}

async fn of_image(seen: View<'_>, digest: &Digest) -> Vec<(&'static str, String)> {
    macro_rules! all {
        ($($name:literal: $read:expr,)*) => { vec![$(($name, format!("{:?}", $read.await.unwrap()))),*] };
    }
    let open = FindingFilter::from(Standing::Open);
    all! {
        "image": seen.image(digest),
        "places": seen.places(digest),
        "tags": seen.tags(digest),
        "children": seen.children(digest),
        "findings": seen.findings(digest),
        "some findings": seen.findings_of(digest, open, 0, 100),
        "events of": seen.events_like(Some(digest), None, 0, 100),
        "report": seen.report(digest, None),
        "report status": seen.report_status(digest),
        "severities of": seen.severities_of(digest),
        "vulnerable": seen.vulnerable_packages(digest),
        "refused": seen.refused(digest),
        "pulled": seen.last_pulled(digest),
        "generation": seen.generation(digest),
        "sboms": seen.sboms(digest),
        "sbom": seen.sbom(digest, "spdx"),
        "verdicts": seen.verdicts(digest),
        "evidence": seen.evidence(digest, 0, 100),
        "asked": seen.gathered_in(digest),
        "answer": seen.gathered(digest, &at_team("blue", None)),
        "deployments of": seen.deployments(&DeploymentFilter { digest: Some(*digest), ..DeploymentFilter::default() }, 0, 100),
        "builds of": seen.builds(&BuildFilter { digest: Some(*digest), ..BuildFilter::default() }, 0, 100),
        "job": seen.job_about("scan", digest),
    }
}

#[test]
fn nothing_of_another_team_is_in_any_list_or_look_up() {
    on_each(async |store| {
        fill(&store).await;
        let red = teams(&["red"]);
        let (blue, blue_bytes) = (digest(BLUE).to_string(), format!("{:?}", b"blue"));
        for (name, text) in everything(store.within(&red)).await {
            let text = text.to_lowercase();
            for hidden in [
                "blue",
                "nobody",
                "unknown-2",
                "unknown-3",
                "unknown-4",
                &blue,
                &blue_bytes,
                &digest(NOBODY).to_string(),
            ] {
                // The list of identifiers by which one is found is of its own finding.
                assert!(!text.contains(hidden), "{name} tells of {hidden}: {text}");
            }
        }
        // The same reads tell of it to who may see it, so they would have found it.
        let whole = everything(store.within(&Scope::Fleet)).await;
        let of_blue = everything(store.within(&teams(&["blue"]))).await;
        let silent = [
            "children",
            "refused",
            "pulled",
            "job",
            "count",
            "files",
            "scanned",
            "came",
            "severities",
            "severities of",
            "vulnerable",
            "sboms",
            "sbom",
            "generation",
            "report",
            "report status",
            "spread",
            "findings",
            "some findings",
            "widespread",
        ];
        for all in [&whole, &of_blue] {
            let names: std::collections::BTreeSet<_> = all.iter().map(|(name, _)| *name).collect();
            for name in names.into_iter().filter(|name| !silent.contains(name)) {
                let told = all.iter().any(|(one, text)| {
                    *one == name
                        && (text.to_lowercase().contains("blue")
                            || text.contains(&blue)
                            || text.contains("98, 108, 117, 101"))
                });
                assert!(told, "{name} tells nothing of blue to who may see it");
            }
        }
    });
}

#[test]
fn a_team_sees_all_of_its_own() {
    on_each(async |store| {
        fill(&store).await;
        let red = teams(&["red"]);
        let seen = store.within(&red);
        let images = seen.images_like(&ImageFilter::default(), 0, 100).await.unwrap();
        let told: Vec<_> = images.iter().map(|image| (image.digest, image.repository.as_str())).collect();
        assert_eq!(told, [(digest(RED), "red/app"), (digest(BOTH), "red/app")]);
        // A page is as long as it may be, whatever is left out in between.
        assert_eq!(seen.images_like(&ImageFilter::default(), 0, 2).await.unwrap().len(), 2);
        assert_eq!(seen.image_count().await.unwrap(), 2);
        assert_eq!(seen.scanned_count().await.unwrap(), 2);
        let services = seen.deployments(&DeploymentFilter::default(), 0, 100).await.unwrap();
        let services: Vec<&str> = services.iter().map(|one| one.service.as_str()).collect();
        assert_eq!(services, ["service-of-red-1", "service-of-unknown-1", "service-of-red-3"]);
        let kinds: Vec<String> = seen
            .events_like(None, None, 0, 100)
            .await
            .unwrap()
            .into_iter()
            .map(|event| {
                format!("{} {}", event.kind, event.digest.unwrap_or_default().get(7..9).unwrap_or_default())
            })
            .collect();
        assert_eq!(kinds, ["tag-seen 01", "scanned 01", "tag-seen 03", "scanned 03", "promoted 01"]);
        let hits =
            seen.images_affected_like(&Where::default(), "CVE-1", Affected::default(), 0, 100).await.unwrap();
        assert!(hits.iter().all(|hit| hit.deployed && hit.repository == "red/app"), "{hits:?}");
        // Both repositories have a decision, so it is settled, and red is told its own.
        let settled = seen.triage_of(hits.iter().filter_map(|hit| hit.triage)).await.unwrap();
        assert!(hits.iter().all(|hit| settled[&hit.triage.unwrap()].decision.owner == "red"), "{hits:?}");
        assert_eq!(seen.severity_counts().await.unwrap()[0].images, 2);
        assert_eq!(seen.most_widespread("high", 1).await.unwrap()[0].images, 2);
        assert_eq!(seen.spread("CVE-1").await.unwrap().images, 2);
        assert_eq!(seen.packages_like("lib", 9).await.unwrap().len(), 1);
        assert_eq!(seen.promotions(0, 9).await.unwrap().len(), 1);
        assert_eq!(seen.builds(&BuildFilter::default(), 0, 9).await.unwrap().len(), 2);
        assert_eq!(
            seen.triage_like(&TriageFilter::default(), TriageOrder::Oldest(0), 9).await.unwrap().len(),
            2
        );
        assert_eq!(seen.verdicts(&digest(BOTH)).await.unwrap().len(), 1);
        assert!(seen.sees(&digest(BOTH)).await.unwrap() && !seen.sees_all_of(&digest(BOTH)).await.unwrap());
        assert!(seen.sees_all_of(&digest(RED)).await.unwrap() && !seen.sees(&digest(BLUE)).await.unwrap());
        // The events of a team with many images are found in another way, and are the same.
        let few = seen.events_like(None, None, 0, 100).await.unwrap();
        let mut work = store.begin().await.unwrap();
        for number in 0..2100 {
            let place = Place { repository: format!("red/{number}"), ..at_team("red", None) };
            work.see(&digest(RED), &place, at(50)).await.unwrap();
        }
        work.commit().await.unwrap();
        store.own_new_repositories(owner).await.unwrap();
        assert_eq!(seen.events_like(None, None, 0, 100).await.unwrap(), few);
        assert_eq!(seen.newest_events("", None, None, 1).await.unwrap(), few[few.len() - 1..]);
        let of_blue = seen.events_like(Some(&digest(BLUE)), None, 0, 100).await.unwrap();
        assert_eq!(of_blue, []);
        // Of both teams, everything but what is nobody's.
        let both = teams(&["red", "blue", "green"]);
        assert_eq!(store.within(&both).image_count().await.unwrap(), 3);
        assert!(store.within(&both).sees_all_of(&digest(BOTH)).await.unwrap());
        for nobody in [teams(&[]), teams(&["Red"]), teams(&["red "]), teams(&["green"]), teams(&["%", "r_d"])]
        {
            assert_eq!(store.within(&nobody).image_count().await.unwrap(), 0, "{nobody:?}");
            assert_eq!(store.within(&nobody).events_like(None, None, 0, 9).await.unwrap(), []);
            assert_eq!(store.within(&nobody).files_known().await.unwrap().images, 0);
        }
    });
}

#[test]
fn owners_may_change_and_have_any_name() {
    on_each(async |store| {
        fill(&store).await;
        let odd = "o'; DROP TABLE repositories; -- \"ü\\%_ $1 ?1";
        let count = async |team: &str| store.within(&teams(&[team])).image_count().await.unwrap();
        assert_eq!((count("red").await, count(odd).await), (2, 0));
        let now = |_: &str, repository: &str| (repository == "red/app").then(|| odd.to_owned());
        assert_eq!(store.own_repositories(now).await.unwrap(), 2);
        assert_eq!(store.own_repositories(now).await.unwrap(), 0);
        assert_eq!((count("red").await, count("blue").await, count(odd).await), (0, 0, 2));
        // What is new has its owner at once, and what is seen again is not looked up again.
        let mut work = store.begin().await.unwrap();
        let place = at_team("green", None);
        work.see(&digest(8), &place, at(40)).await.unwrap();
        work.see(&digest(9), &place, at(40)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(count("green").await, 0);
        assert_eq!(store.own_new_repositories(owner).await.unwrap(), 1);
        assert_eq!(count("green").await, 2);
        let mut work = store.begin().await.unwrap();
        work.see(&digest(7), &place, at(41)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.own_new_repositories(owner).await.unwrap(), 0);
        assert_eq!(count("green").await, 3);
    });
}

#[test]
fn several_servers_may_write_down_the_owners_at_once() {
    run(async {
        for fresh in fresh().await {
            let store = Store::open(&fresh.address).await.unwrap();
            let mut work = store.begin().await.unwrap();
            for number in 0..600 {
                let place = Place {
                    registry: "r.example".to_owned(),
                    repository: format!("team{}/{number}", number % 7),
                    tag: None,
                };
                work.see(&digest(1), &place, at(1)).await.unwrap();
            }
            work.commit().await.unwrap();
            let servers = (0..4).map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.own_repositories(owner).await.unwrap() })
            });
            for server in servers.collect::<Vec<_>>() {
                server.await.unwrap();
            }
            assert_eq!(store.own_repositories(owner).await.unwrap(), 0);
            for team in 0..7 {
                let scope = teams(&[&format!("team{team}")]);
                assert!(store.within(&scope).sees(&digest(1)).await.unwrap());
            }
            store.close().await;
        }
    });
}

#[test]
fn an_image_without_any_place_is_seen_by_who_sees_everything() {
    run(async {
        for fresh in fresh().await {
            let store = Store::open(&fresh.address).await.unwrap();
            let pool = sqlx::AnyPool::connect(&crate::migration::url(&fresh.address)).await.unwrap();
            sqlx::query("INSERT INTO images (digest, registry, repository, first_seen, last_seen) VALUES ($1, 'r.example', 'red/app', 1, 1)")
                .bind(digest(6).to_string())
                .execute(&pool)
                .await
                .unwrap();
            pool.close().await;
            store.own_repositories(owner).await.unwrap();
            let red = teams(&["red"]);
            assert!(store.within(&red).image(&digest(6)).await.unwrap().is_none());
            assert!(!store.within(&red).sees_all_of(&digest(6)).await.unwrap());
            assert!(store.within(&Scope::Fleet).image(&digest(6)).await.unwrap().is_some());
            store.close().await;
        }
    });
}

#[test]
fn what_was_there_before_there_were_teams_is_bound_to_none() {
    run(async {
        for fresh in fresh().await {
            Store::open_at(&fresh.address, 14).await.unwrap().close().await;
            let pool = sqlx::AnyPool::connect(&crate::migration::url(&fresh.address)).await.unwrap();
            for sql in [
                "INSERT INTO images (digest, registry, repository, first_seen, last_seen) VALUES ($1, 'r.example', 'red/app', 1, 1)",
                "INSERT INTO image_places (image, registry, repository, last_seen) SELECT id, registry, repository, 1 FROM images WHERE '' <> $1",
                "INSERT INTO events (at, kind, digest, detail) VALUES (1, 'tag-seen', $1, '{\"registry\": \"r.example\", \"repository\": \"blue/app\"}')",
                "INSERT INTO events (at, kind, digest, detail) VALUES (2, 'scanned', $1, '{}')",
            ] {
                sqlx::query(sql).bind(digest(1).to_string()).execute(&pool).await.unwrap();
            }
            let token = Token::new([5; 32]);
            let hash = assay_model::contents::hex(&<sha2::Sha256 as sha2::Digest>::digest(
                token.reveal().as_bytes(),
            ));
            sqlx::query("INSERT INTO tokens (name, hash, role, created) VALUES ('old', $1, 'admin', 1)")
                .bind(hash)
                .execute(&pool)
                .await
                .unwrap();
            pool.close().await;
            let store = Store::open(&fresh.address).await.unwrap();
            assert_eq!(store.holder(&token, at(9)).await.unwrap().unwrap().scope, Scope::Fleet);
            assert_eq!(store.own_new_repositories(owner).await.unwrap(), 1);
            let red = teams(&["red"]);
            assert!(store.within(&red).sees_all_of(&digest(1)).await.unwrap());
            // Which repository an old event names is not known, so that only those are told that can name none.
            let events = store.within(&red).events_like(None, None, 0, 9).await.unwrap();
            assert_eq!(events.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["scanned"]);
            assert_eq!(store.events(None, 0, 9).await.unwrap().len(), 2);
            store.close().await;
        }
    });
}

#[test]
fn the_images_of_an_index_are_where_it_is() {
    on_each(async |store| {
        let mut work = store.begin().await.unwrap();
        for image in [1, 2] {
            work.see(&digest(image), &at_team("blue", None), at(1)).await.unwrap();
        }
        let child = assay_store::Child { digest: digest(2), platform: "linux/amd64".to_owned() };
        work.set_children(&digest(1), &[child]).await.unwrap();
        work.see(&digest(1), &at_team("red", None), at(2)).await.unwrap();
        work.see_children(&digest(1), &at_team("red", None), at(2)).await.unwrap();
        work.see_children(&digest(1), &at_team("red", None), at(3)).await.unwrap();
        work.commit().await.unwrap();
        store.own_repositories(owner).await.unwrap();
        let red = teams(&["red"]);
        let children = store.within(&red).children(&digest(1)).await.unwrap();
        assert_eq!(children.iter().map(|child| child.digest).collect::<Vec<_>>(), [digest(2)]);
        assert_eq!(store.within(&red).places(&digest(2)).await.unwrap(), [at_team("red", None)]);
    });
}

#[test]
fn tokens_and_logins_keep_their_teams() {
    on_each(async |store| {
        let (red, all) = (teams(&["red", "odd, [\"]"]), Scope::Fleet);
        let holder =
            |name: &str, role, scope: &Scope| Holder { name: name.to_owned(), role, scope: scope.clone() };
        let mut work = store.begin().await.unwrap();
        for (number, (name, role, scope)) in [
            ("root", Role::Admin, &all),
            ("red admin", Role::Admin, &red),
            ("red ci", Role::Viewer, &red),
            ("blue ci", Role::Viewer, &teams(&["blue"])),
        ]
        .into_iter()
        .enumerate()
        {
            let token = Token::new([u8::try_from(number).unwrap(); 32]);
            assert!(work.add_named_token(&token, &holder(name, role, scope), None, at(1)).await.unwrap());
        }
        let session = assay_store::Session::new([1; 32]);
        let by_token = work.begin_session(&Token::new([2; 32]), &session, at(2)).await.unwrap();
        assert_eq!(by_token.unwrap().scope, red);
        let login = assay_store::Session::new([2; 32]);
        work.add_login(&login, &holder("alice", Role::Viewer, &teams(&[])), "terms", at(2)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(store.holder(&Token::new([0; 32]), at(3)).await.unwrap().unwrap().scope, all);
        assert_eq!(store.holder(&Token::new([1; 32]), at(3)).await.unwrap().unwrap().scope, red);
        assert_eq!(store.session_holder(&session, None, at(3)).await.unwrap().unwrap().scope, red);
        // Of no team is not of every team.
        let alice = store.session_holder(&login, Some("terms"), at(3)).await.unwrap().unwrap();
        assert_eq!(alice.scope, teams(&[]));
        let names = async |scope: &Scope, limit| -> Vec<String> {
            let tokens = store.within(scope).tokens_like(None, None, 0, limit).await.unwrap();
            tokens.into_iter().map(|token| token.name).collect()
        };
        assert_eq!(names(&all, 9).await.len(), 4);
        assert_eq!(names(&red, 9).await, ["red admin", "red ci"]);
        assert_eq!(names(&red, 1).await, ["red admin"]);
        assert_eq!(names(&teams(&["blue"]), 1).await, ["blue ci"]);
        let mut work = store.begin().await.unwrap();
        use assay_store::Revoked;
        for (scope, name, want) in [
            (&red, "root", Revoked::Unknown),
            (&red, "blue ci", Revoked::Unknown),
            (&red, "red ci", Revoked::Done),
            // An administrator of a team is not one who could let everybody in.
            (&all, "root", Revoked::LastAdministrator),
            (&all, "red admin", Revoked::Done),
        ] {
            assert_eq!(work.revoke_named_token(scope, name, at(4)).await.unwrap(), want, "{name}");
        }
        work.commit().await.unwrap();
    });
}
