//! Hostile sources that are quickly built and scanned, each under 512 MB of memory; the heavy ones are in `real-tests`.

use assay_test::hostile::{Weight, cases, run};
use std::path::Path;

#[test]
fn hostile_sources_are_survived_and_the_rest_is_found() {
    let program = Path::new(env!("CARGO_BIN_EXE_assay"));
    let folder = tempfile::tempdir().unwrap();
    let mut failed = Vec::new();
    for case in cases().filter(|case| case.weight == Weight::Light) {
        let outcome = run(&case, program, &folder.path().join(case.name));
        println!("{:42} {:6.2} s {:5} MB", case.name, outcome.seconds, outcome.peak / 1024);
        failed.extend(outcome.problems.iter().map(|problem| format!("{}: {problem}", case.name)));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
