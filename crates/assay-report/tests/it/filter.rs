//! A filter changes what is shown, and says how much it left out.

use crate::sample::report;
use crate::{options, render};
use assay_model::Severity;
use assay_report::{Filter, Options, summary};

/// Checks which findings a filter shows, and how many it counts as hidden.
#[track_caller]
fn check(severities: &[Severity], only_fixed: bool, want: &[&str], hidden: u64) {
    let filter = Filter { severities: severities.to_vec(), only_fixed, ..Filter::default() };
    let (shown, count) = filter.apply(report());
    let rules: Vec<&str> = shown.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!((rules, count), (want.to_vec(), hidden));
    // What is not a finding stays whole.
    assert_eq!((shown.inventory, shown.coverage), (report().inventory, report().coverage));
}

#[test]
fn findings_are_chosen_by_severity_and_fix() {
    let all: Vec<String> = report().findings.into_iter().map(|finding| finding.rule).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    check(&[], false, &all, 0);
    check(&[Severity::Critical], false, &["CVE-2021-44228", "aws-access-key"], 8);
    check(
        &[Severity::High, Severity::Critical],
        false,
        &["CVE-2021-44228", "CVE-2022-4450", "CVE-2019-14234", "aws-access-key"],
        6,
    );
    check(&[], true, &["CVE-2021-44228", "CVE-2019-14234", "CVE-2023-1"], 7);
    check(&[Severity::High], true, &["CVE-2019-14234"], 9);
    check(&[Severity::Unknown], true, &[], 10);
}

#[test]
fn every_format_says_how_much_was_left_out() {
    let (shown, hidden) =
        Filter { severities: vec![Severity::Critical], only_fixed: false, ..Filter::default() }
            .apply(report());
    let options = Options { hidden, ..options() };
    assert!(render("table", &shown, &options).contains("8 left out by filters"));
    assert!(render("json", &shown, &options).contains("\"hidden\": 8"));
    assert!(render("sarif", &shown, &options).contains("\"hidden\": 8"));
}

#[test]
fn findings_are_counted_by_severity() {
    // The licence is suppressed.
    let counts = "9 findings: 2 critical, 2 high, 2 medium, 1 low, 1 negligible, 1 unknown";
    assert_eq!(summary::headline(&report()), counts);
    let (one, _) =
        Filter { severities: vec![Severity::Low], only_fixed: false, ..Filter::default() }.apply(report());
    assert_eq!(summary::headline(&one), "1 finding: 1 low");
    let (none, _) =
        Filter { severities: vec![Severity::Low], only_fixed: true, ..Filter::default() }.apply(report());
    assert_eq!(summary::headline(&none), "no findings");
}
