//! Build records.

use crate::fixture::{at, digest, on_each, scan};
use assay_store::{Build, BuildFilter, BuildOutcome, Depth, Input, RecordedBuild, Store};
use std::time::Duration;

/// A build by this commit, with one input.
pub(crate) fn build(recipe: &str, result: Option<u8>, second: i64) -> Build {
    Build {
        digest: result.map(digest),
        image: "registry.example/team/app".to_owned(),
        platform: "linux/amd64".to_owned(),
        source: "git+https://git.example/app".to_owned(),
        recipe: recipe.to_owned(),
        inputs: vec![Input { name: "golang:1.22".to_owned(), digest: digest(99).to_string() }],
        outcome: if result.is_some() { BuildOutcome::Success } else { BuildOutcome::Failure },
        started: at(second),
        duration: Duration::from_millis(1500),
        invocation: String::new(),
    }
}

/// Records it, with a log.
pub(crate) async fn record(store: &Store, build: &Build, log: &[u8], second: i64) -> RecordedBuild {
    let log = store.document("build log", "app", log).await.unwrap();
    let mut work = store.begin().await.unwrap();
    let recorded = work.record_build(build, &log, "ci", at(second)).await.unwrap();
    work.commit().await.unwrap();
    recorded
}

#[test]
fn builds_are_recorded_also_failed_ones_and_of_images_that_were_never_pushed() {
    on_each(async |store| {
        let failed = build("0123abc", None, 1);
        let good = build("0123abc", Some(7), 2);
        let other = Build { inputs: Vec::new(), ..build("4567def", Some(8), 3) };
        let log = b"step 1\n".repeat(1000);
        for (build, number) in [(&failed, 1), (&good, 2), (&other, 3)] {
            assert_eq!(record(&store, build, &log, 10).await, RecordedBuild::New(number));
        }
        let all = store.builds(&BuildFilter::default(), 0, 10).await.unwrap();
        let builds: Vec<&Build> = all.iter().map(|known| &known.build).collect();
        assert_eq!(builds, [&failed, &good, &other]);
        assert_eq!((all[0].recorded, all[0].recorder.as_str(), all[0].log_size), (at(10), "ci", 7000));
        assert_eq!(store.build_log(2).await.unwrap(), Some(log));
        assert_eq!(store.build_log(4).await.unwrap(), None);
        let count = async |filter: BuildFilter| store.builds(&filter, 0, 10).await.unwrap().len();
        assert_eq!(count(BuildFilter { digest: Some(digest(7)), ..BuildFilter::default() }).await, 1);
        assert_eq!(count(BuildFilter { digest: Some(digest(1)), ..BuildFilter::default() }).await, 0);
        assert_eq!(
            count(BuildFilter { recipe: Some("0123abc".to_owned()), ..BuildFilter::default() }).await,
            2
        );
        assert_eq!(
            count(BuildFilter { outcome: Some(BuildOutcome::Success), ..BuildFilter::default() }).await,
            2
        );
        assert_eq!(count(BuildFilter { image: Some("other".to_owned()), ..BuildFilter::default() }).await, 0);
        // Page by page.
        assert_eq!(store.builds(&BuildFilter::default(), 1, 1).await.unwrap(), all[1..2]);
    });
}

#[test]
fn what_is_sent_again_is_the_same_build() {
    on_each(async |store| {
        let one = build("c", Some(7), 1);
        assert_eq!(record(&store, &one, b"log", 5).await, RecordedBuild::New(1));
        assert_eq!(record(&store, &one, b"log", 6).await, RecordedBuild::Known(1));
        let again = Build { invocation: "https://ci.example/2".to_owned(), ..one.clone() };
        assert!(matches!(record(&store, &again, b"log", 6).await, RecordedBuild::New(_)));
        assert!(matches!(record(&store, &one, b"another", 6).await, RecordedBuild::New(_)));
        assert_eq!(store.builds(&BuildFilter::default(), 0, 10).await.unwrap().len(), 3);
    });
}

#[test]
fn builds_of_images_that_are_not_known_are_forgotten() {
    on_each(async |store| {
        scan(&store, &digest(7), Depth::Fast, &[], at(1)).await;
        record(&store, &build("known", Some(7), 1), b"", 10).await;
        for number in 0..3 {
            record(&store, &build(&format!("unknown {number}"), Some(8), 1), b"", 10).await;
        }
        record(&store, &build("failed", None, 1), b"", 11).await;
        record(&store, &build("late", None, 1), b"", 20).await;
        let forget = async |before, limit| {
            let mut work = store.begin().await.unwrap();
            let gone = work.forget_builds(at(before), limit).await.unwrap();
            work.commit().await.unwrap();
            gone
        };
        assert_eq!((forget(10, 9).await, forget(20, 2).await, forget(20, 9).await), (0, 2, 2));
        let left = store.builds(&BuildFilter::default(), 0, 10).await.unwrap();
        let left: Vec<&str> = left.iter().map(|known| known.build.recipe.as_str()).collect();
        assert_eq!(left, ["known", "late"]);
    });
}
