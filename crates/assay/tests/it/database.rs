//! The database: what is said when it cannot be used, and how one is built and looked into.

use crate::{Place, image};
use serde_json::json;
use std::fs;

fn place() -> Place {
    let place = Place::new();
    place.layout("image", &image());
    place
}

#[test]
fn a_database_that_cannot_be_used() {
    let place = place();
    let good = fs::read(place.path("test.db")).unwrap();
    place.write("foreign.db", "this is no database");
    place.write("empty.db", "");
    place.write("truncated.db", &good[..good.len() / 2]);
    let mut older = good.clone();
    older[8..12].copy_from_slice(&0_u32.to_le_bytes());
    place.write("older.db", older);
    let mut changed = good;
    changed[40] ^= 1;
    place.write("changed.db", changed);
    let all = ["missing.db", "foreign.db", "empty.db", "truncated.db", "older.db", "changed.db"]
        .map(|name| place.refused(&["scan", "oci:image", "--db", name]));
    insta::assert_snapshot!(all.join("\n"));
}

fn own(id: &str, fixed: &str) -> String {
    let events = json!([{"introduced": "0"}, {"fixed": fixed}]);
    let ranges = json!([{"type": "ECOSYSTEM", "events": events}]);
    let package = json!({"ecosystem": "PyPI", "name": "django"});
    let affected = json!([{"package": package, "ranges": ranges}]);
    json!({"id": id, "modified": "2023-01-01T00:00:00Z", "summary": "our own", "affected": affected})
        .to_string()
}

#[test]
fn a_database_is_built_and_looked_into() {
    let place = place();
    place.write("ours/OWN-1.json", own("OWN-1", "3.0"));
    place.write(
        "ours/OWN-2.json",
        "{\"id\": \"OWN-2\", \"affected\": 7, \"modified\": \"2023-01-01T00:00:00Z\"}",
    );
    let mut all = Vec::new();
    for arguments in [
        &["db", "build", "--from", "ours", "--out", "out/own.db"][..],
        &["db", "status", "--verify", "--db", "out/own.db"],
        &["db", "search", "own", "--db", "out/own.db"],
        &["db", "search", "django", "--db", "out/own.db"],
        &["db", "search", "nothing-of-that-name", "--db", "out/own.db"],
        &["scan", "oci:image", "--db", "out/own.db"],
    ] {
        let ran = place.run(arguments);
        all.push(format!("$ assay {}\n{}", arguments.join(" "), place.shown(&ran)));
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn a_database_that_cannot_be_built() {
    let place = Place::new();
    place.write("ours/readme.txt", "no feed");
    let mut all = Vec::new();
    for arguments in [&["--from", "nowhere"][..], &["--from", "ours"], &["--from", "ours/readme.txt"]] {
        let ran = place.run(&[&["db", "build", "--out", "out/own.db"], arguments].concat());
        all.push(place.shown(&ran));
        assert_eq!(fs::read_dir(place.path("out")).unwrap().count(), 0);
    }
    insta::assert_snapshot!(all.join("\n"));
}

#[test]
fn what_changed_between_two_databases_is_told_with_its_reason() {
    let place = place();
    let edited = [("old", "2.1"), ("new", "3.0")];
    for (name, fixed) in edited {
        place.write(&format!("{name}/ours/OWN-1.json"), own("OWN-1", fixed));
        let (from, out) = (format!("{name}/ours"), format!("{name}.db"));
        assert_eq!(place.run(&["db", "build", "--from", &from, "--out", &out]).code, 0);
    }
    let mut all = Vec::new();
    for arguments in [
        &["db", "diff", "old.db", "new.db"][..],
        &["db", "diff", "old.db", "new.db", "oci:image"],
        &["db", "diff", "new.db", "old.db", "oci:image"],
        &["db", "diff", "new.db", "new.db", "oci:image"],
        &["db", "diff", "old.db", "new.db", "oci:image", "--format", "json"],
        &["db", "diff", "old.db", "missing.db"],
    ] {
        let ran = place.run(arguments);
        all.push(format!("$ assay {}\n{}", arguments.join(" "), place.shown(&ran)));
    }
    insta::assert_snapshot!(all.join("\n"));
}
