//! Which records are one vulnerability.

use crate::database_of;
use assay_advisories::Database;

fn record(id: &str, names: &str) -> String {
    format!(
        r#"{{"id":"{id}","modified":"2024-01-01T00:00:00Z",{names}"affected":[{{"package":{{"ecosystem":"npm","name":"p"}},"ranges":[{{"type":"SEMVER","events":[{{"introduced":"0"}}]}}]}}]}}"#
    )
}

/// Builds a database of records and compares `vulnerability: aliases` of all statements about the package.
#[track_caller]
fn check(records: &[(&str, &str)], want: &[&str]) {
    let records: Vec<String> = records.iter().map(|(id, names)| record(id, names)).collect();
    let mut orders = vec![records.clone()];
    orders.push(records.into_iter().rev().collect());
    for records in orders {
        let bytes = database_of(&records.iter().map(String::as_str).collect::<Vec<_>>());
        let db = Database::from_bytes(bytes).unwrap();
        let mut got: Vec<String> = db
            .affected(&"npm".parse().unwrap(), "p")
            .unwrap()
            .map(|statement| {
                let vulnerability = db.vulnerability(statement.unwrap().vulnerability).unwrap();
                format!("{}: {}", vulnerability.id, vulnerability.aliases.join(" "))
            })
            .collect();
        got.sort();
        got.dedup();
        assert_eq!(got, want);
    }
}

#[test]
fn the_cve_is_the_vulnerability() {
    check(
        &[("GHSA-1", r#""aliases":["CVE-2024-1"],"#), ("PYSEC-1", r#""aliases":["CVE-2024-1"],"#)],
        &["CVE-2024-1: GHSA-1 PYSEC-1"],
    );
}

#[test]
fn an_identifier_that_aliases_a_cve_elsewhere_is_that_cve() {
    check(
        &[
            ("A-1", r#""aliases":["CVE-2024-1","GHSA-1"],"#),
            ("GHSA-1", ""),
            ("RUSTSEC-1", r#""aliases":["GHSA-1"],"#),
        ],
        &["CVE-2024-1: A-1 GHSA-1 RUSTSEC-1"],
    );
}

#[test]
fn without_a_cve_the_best_identifier_names_it() {
    check(
        &[("RUSTSEC-1", r#""aliases":["X-1"],"#), ("X-1", r#""aliases":["GHSA-1"],"#), ("GHSA-2", "")],
        &["GHSA-1: RUSTSEC-1 X-1", "GHSA-2: "],
    );
}

#[test]
fn several_cves_are_never_joined() {
    check(
        &[
            ("GO-1", r#""aliases":["CVE-2024-1","CVE-2024-2","GHSA-1"],"#),
            ("GHSA-1", r#""aliases":["CVE-2024-1"],"#),
            ("DSA-1-1", r#""upstream":["CVE-2024-2","CVE-2024-3"],"#),
        ],
        &["CVE-2024-1: GHSA-1", "CVE-2024-2: ", "CVE-2024-3: "],
    );
}
