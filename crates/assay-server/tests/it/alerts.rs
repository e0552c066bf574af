//! The rules that are shipped for Prometheus speak of metrics that there are, and each has a test and something to do.

use crate::fixture::{BUILT, World, database, image, run};
use assay_store::{Role, Service};
use assay_test::registry::Content;
use std::collections::BTreeSet;
use std::path::Path;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// Returns the words of a text that begin so.
fn words<'a>(text: &'a str, start: &str) -> BTreeSet<&'a str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(|letter| !is_part(letter)).filter(|word| word.starts_with(start)).collect()
}

#[test]
fn every_metric_of_the_rules_and_of_the_manual_is_one_that_the_server_has() {
    run(async {
        let app = image(&[("flask", "1")]);
        let world = World::start(Content::new().image("1.0", &app), &database(&[], BUILT), None).await;
        world.push(&world.registry.host(), "1.0", &app.digest()).await;
        world.work().await;
        let mut work = world.store.begin().await.unwrap();
        let service = Service { environment: "production", name: "api" };
        work.deploy(&service, &app.digest().parse().unwrap(), crate::fixture::now()).await.unwrap();
        work.commit().await.unwrap();
        world.store.describe_database(BUILT.into(), "{}").await.unwrap();
        let (status, metrics) = world.ask("GET", "/metrics", Some(Role::Viewer), "").await;
        assert_eq!(status, 200);
        let known: BTreeSet<&str> =
            metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        for path in ["deploy/prometheus/alerts.yaml", "docs/manual/metrics.md"] {
            let text = read(path);
            let unknown: Vec<&str> = words(&text, "assay_").difference(&known).copied().collect();
            assert_eq!(unknown, Vec::<&str>::new(), "{path}");
        }
        let manual = read("docs/manual/metrics.md");
        let untold: Vec<&str> = known.difference(&words(&manual, "assay_")).copied().collect();
        assert_eq!(untold, Vec::<&str>::new(), "the manual does not tell of them");
    });
}

#[test]
fn the_chart_has_the_alerts_that_are_shipped() {
    let (shipped, of_chart) =
        (read("deploy/prometheus/alerts.yaml"), read("deploy/chart/assay/files/alerts.yaml"));
    assert!(
        shipped == of_chart,
        "copy deploy/prometheus/alerts.yaml to deploy/chart/assay/files/alerts.yaml: charts hold all that they use"
    );
}

#[test]
fn every_alert_is_played_and_says_what_to_do() {
    let (rules, tests, manual) = (
        read("deploy/prometheus/alerts.yaml"),
        read("deploy/prometheus/tests.yaml"),
        read("docs/manual/alerts.md"),
    );
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 15, "{alerts:?}");
    for alert in &alerts {
        assert!(rules.contains(&format!("alerts.md#{}\n", alert.to_lowercase())), "{alert} leads nowhere");
        assert!(manual.contains(&format!("\n## {alert}\n")), "{alert} is not in the manual");
        let played = tests
            .split("  - name: ")
            .find(|test| test.starts_with(&format!("{alert}\n")))
            .unwrap_or_default();
        assert_eq!(played.matches("exp_alerts: []").count(), 2, "{alert} is not played from quiet to clear");
        assert_eq!(played.matches("exp_labels").count(), 1, "{alert} does not fire");
    }
}
