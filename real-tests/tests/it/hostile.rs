//! The whole hostile corpus, the heavy cases too, with a table of what each took.
//!
//! Each runs under 512 MB of memory, and its time is printed, not judged: the machine may be busy. `ASSAY_BIN` names a release
//! build to measure; `ASSAY_HOSTILE` chooses cases by a part of their name.

use assay_test::hostile::{cases, run};

#[test]
fn hostile_sources_are_survived_and_the_rest_is_found() {
    let Some(_bash) = real_tests::tool("bash") else { return };
    let program = real_tests::assay();
    let chosen = std::env::var("ASSAY_HOSTILE").unwrap_or_default();
    let folder = tempfile::tempdir().unwrap();
    let (mut failed, mut slowest, mut largest) = (Vec::new(), 0.0_f64, 0);
    for case in cases().filter(|case| case.name.contains(&chosen)) {
        let outcome = run(&case, &program, &folder.path().join(case.name));
        let state = if outcome.problems.is_empty() { "ok" } else { "FAILED" };
        println!(
            "{:42} {:7.2} s {:7.2} s CPU {:5} MB  {state}",
            case.name,
            outcome.seconds,
            outcome.cpu,
            outcome.peak / 1024
        );
        (slowest, largest) = (slowest.max(outcome.seconds), largest.max(outcome.peak));
        for problem in &outcome.problems {
            println!("    {problem}");
            failed.push(format!("{}: {problem}", case.name));
        }
    }
    println!("slowest {slowest:.2} s, largest {} MB", largest / 1024);
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
