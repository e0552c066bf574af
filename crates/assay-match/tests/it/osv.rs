//! From a folder with a team's own OSV files to findings: the whole way, through the reader of real records.

use crate::{findings, line};
use assay_advisories::{BuildOptions, Database, build_bytes};
use assay_model::Severity;
use serde_json::json;

fn database(records: &[serde_json::Value]) -> Database {
    let folder = tempfile::tempdir().unwrap();
    for record in records {
        let name = format!("{}.json", record["id"].as_str().unwrap());
        std::fs::write(folder.path().join(name), record.to_string()).unwrap();
    }
    let options = BuildOptions { built_at: crate::BUILT, ..BuildOptions::default() };
    let (bytes, summary) = build_bytes(&[folder.path().to_owned()], &options).unwrap();
    assert_eq!(summary.unrecognised, 0);
    Database::from_bytes(bytes).unwrap()
}

#[test]
fn own_advisories_match_like_any_other() {
    let range = |events: serde_json::Value| json!([{"type": "ECOSYSTEM", "events": events}]);
    let record = |id: &str, ecosystem: &str, name: &str, events: serde_json::Value| {
        json!({
            "id": id, "modified": "2023-01-01T00:00:00Z", "aliases": [], "summary": "what it is",
            "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
            "affected": [{"package": {"ecosystem": ecosystem, "name": name}, "ranges": range(events)}],
        })
    };
    let database = database(&[
        record("OWN-1", "PyPI", "Our_Library", json!([{"introduced": "0"}, {"fixed": "2.0"}])),
        record("OWN-2", "npm", "@us/app", json!([{"introduced": "1.0.0"}, {"last_affected": "1.9.9"}])),
        record("OWN-3", "Debian:12", "our-daemon", json!([{"introduced": "0"}])),
    ]);
    let packages =
        ["pypi our-library 1.5", "npm @us/app 1.9.9", "npm @us/app 2.0.0", "deb ourd 1 source=our-daemon@1"];
    let found = findings("debian 12", &packages, &database);
    let lines: Vec<String> = found.iter().map(line).collect();
    assert_eq!(lines, ["OWN-1 of 0: fixed 2.0", "OWN-3 of 3: not-fixed", "OWN-2 of 1: unknown"]);
    assert!(
        found.iter().all(|finding| finding.severity == Severity::Critical && finding.title == "what it is")
    );
}
