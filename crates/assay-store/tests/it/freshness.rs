//! By which database reports hold.

use crate::fixture::{at, digest, on_each, scan};
use assay_store::Depth;
use std::collections::BTreeSet;

/// When the database of all reports of the fixture was built.
const BUILT: i64 = 1_700_000_000;

#[test]
fn reports_hold_by_a_newer_database_unless_they_were_written_again_meanwhile() {
    on_each(async |store| {
        for number in 1..=3 {
            scan(&store, &digest(number), Depth::Fast, &[], at(1)).await;
        }
        let (old, new) = (at(BUILT), at(BUILT + 60));
        let mut reports = store.reports_of(old).await.unwrap();
        assert_eq!(reports.len(), 3);
        reports.retain(|report| report.digest != digest(3));
        // A scan by the old database ends after it was looked at.
        scan(&store, &digest(2), Depth::Fast, &[], at(2)).await;
        assert_eq!(store.advance(&reports, old, new, at(5)).await.unwrap(), 1);
        let status = store.report_status(&digest(1)).await.unwrap().unwrap();
        assert_eq!((status.database, status.created, status.evaluated), (new, at(1), at(5)));
        let report = store.report(&digest(1), None).await.unwrap().unwrap();
        assert_eq!((report.database, report.evaluated), (new, at(5)));
        assert_eq!(store.behind(new).await.unwrap(), BTreeSet::from([digest(2), digest(3)]));
        assert_eq!(store.behind(old).await.unwrap(), BTreeSet::new());
        assert_eq!(store.database_description(new).await.unwrap(), None);
        for text in ["{}", "{\"later\": 1}"] {
            store.describe_database(new, text).await.unwrap();
        }
        assert_eq!(store.database_description(new).await.unwrap().as_deref(), Some("{}"));
        // Once more is nothing.
        assert_eq!(store.advance(&reports, old, new, at(6)).await.unwrap(), 0);
    });
}

#[test]
fn only_the_deepest_report_can_be_behind() {
    on_each(async |store| {
        scan(&store, &digest(1), Depth::Fast, &[], at(1)).await;
        scan(&store, &digest(1), Depth::Deep, &[], at(2)).await;
        let (old, new) = (at(BUILT), at(BUILT + 60));
        let mut reports = store.reports_of(old).await.unwrap();
        assert_eq!(reports.len(), 2);
        reports.reverse();
        for report in reports {
            store.advance(&[report], old, new, at(3)).await.unwrap();
        }
        assert_eq!(store.behind(new).await.unwrap(), BTreeSet::new());
        scan(&store, &digest(1), Depth::Fast, &[], at(4)).await;
        assert_eq!(store.behind(new).await.unwrap(), BTreeSet::new());
        scan(&store, &digest(1), Depth::Deep, &[], at(5)).await;
        assert_eq!(store.behind(new).await.unwrap(), BTreeSet::from([digest(1)]));
    });
}

#[test]
fn more_reports_than_fit_into_one_statement() {
    on_each(async |store| {
        let numbered = |number: u16| {
            let mut bytes = [0; 32];
            bytes[..2].copy_from_slice(&number.to_be_bytes());
            assay_model::Digest::Sha256(bytes)
        };
        for number in 0..405 {
            scan(&store, &numbered(number), Depth::Fast, &[], at(1)).await;
        }
        let reports = store.reports_of(at(BUILT)).await.unwrap();
        assert_eq!(store.advance(&reports, at(BUILT), at(BUILT + 1), at(2)).await.unwrap(), 405);
    });
}
