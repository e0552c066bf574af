//! A damaged database gives an error or the right answer, never a panic and never a wrong answer.

use crate::database_of;
use assay_advisories::Database;
use assay_advisories::database::{FORMAT_VERSION, OpenDatabaseError};
use proptest::prelude::*;
use std::sync::OnceLock;

fn sample() -> &'static [u8] {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let records: Vec<String> = (0..60)
            .map(|number| {
                format!(
                    r#"{{"id":"GHSA-{number}","summary":"bad","modified":"2024-01-01T00:00:00Z","aliases":["CVE-2024-{number}"],"affected":[{{"package":{{"ecosystem":"npm","name":"p{}"}},
                    "ranges":[{{"type":"SEMVER","events":[{{"introduced":"1.0.{number}"}},{{"fixed":"2.0.0"}}]}}]}}]}}"#,
                    number % 40
                )
            })
            .collect();
        database_of(&records.iter().map(String::as_str).collect::<Vec<_>>())
    })
}

/// Asks for everything; `None` is an error.
fn ask(db: &Database, name: &str) -> Option<String> {
    let statements: Vec<_> =
        db.affected(&"npm".parse().unwrap(), name).ok()?.collect::<Result<_, _>>().ok()?;
    let vulnerabilities: Vec<_> = statements
        .iter()
        .map(|statement| db.vulnerability(statement.vulnerability))
        .collect::<Result<_, _>>()
        .ok()?;
    let advisories: Vec<_> =
        statements.iter().map(|statement| db.advisory(statement.advisory)).collect::<Result<_, _>>().ok()?;
    let packages: Vec<_> =
        advisories.iter().map(|advisory| db.packages_of(advisory)).collect::<Result<_, _>>().ok()?;
    let named = db.by_id("ghsa-7").ok()?;
    Some(format!("{statements:?} {vulnerabilities:?} {advisories:?} {packages:?} {named:?}"))
}

#[test]
fn each_kind_of_wrong_file_is_named() {
    let good = sample().to_vec();
    let check = |change: fn(&mut Vec<u8>), want: fn(&OpenDatabaseError) -> bool| {
        let mut bytes = good.clone();
        change(&mut bytes);
        let error = Database::from_bytes(bytes).unwrap_err();
        assert!(want(&error), "{error:?}");
    };
    check(Vec::clear, |error| matches!(error, OpenDatabaseError::Foreign));
    check(|bytes| bytes[0] = b'S', |error| matches!(error, OpenDatabaseError::Foreign));
    check(|bytes| bytes.truncate(100), |error| matches!(error, OpenDatabaseError::Length { .. }));
    check(|bytes| bytes.truncate(bytes.len() - 1), |error| matches!(error, OpenDatabaseError::Length { .. }));
    check(|bytes| bytes.push(0), |error| matches!(error, OpenDatabaseError::Length { .. }));
    check(|bytes| bytes[24] ^= 1, |error| matches!(error, OpenDatabaseError::Header));
    check(
        |bytes| bytes[8] = 99,
        |error| matches!(error, OpenDatabaseError::FormatVersion { found: 99, expected: FORMAT_VERSION }),
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_flipped_bit_is_noticed(at: prop::sample::Index, bit in 0u8..8, package in 0u8..40) {
        let good = Database::from_bytes(sample()).unwrap();
        let mut bytes = sample().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(damaged) = Database::from_bytes(bytes) {
            prop_assert!(damaged.verify().is_err());
            let name = format!("p{package}");
            if let Some(answer) = ask(&damaged, &name) {
                prop_assert_eq!(Some(answer), ask(&good, &name));
            }
            let _ = (damaged.feeds(), damaged.coverages(), damaged.search("p", 10));
        }
    }
}
