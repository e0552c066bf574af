//! Verdicts for all kinds of readers: the same facts, safely escaped.

use crate::facts::*;
use assay_model::Severity;
use assay_policy::render::{FORMS, Options, by_name};
use assay_policy::{Decision, Verdict};

fn verdict() -> Verdict {
    let mut case = Case::clean();
    let mut finding = fixed("CVE-1", Severity::Critical);
    finding.remediation = "run\u{1b}[31m `x`\n::error::<script>".into();
    case.report.findings.push(finding);
    case.report.findings.push(vulnerability("CVE-2", Severity::High));
    let rest = "exceptions:\n  - {id: \"E|1\", advisories: [CVE-2], owner: o, reason: r, approvedBy: a, expires: 2026-12-01}\n";
    case.judge(&policy("  - vulnerabilities: {max: {high: 0}}\n  - pinned: {}\n    effect: warn\n", rest))
}

fn written(name: &str, verdict: &Verdict) -> String {
    let mut bytes = Vec::new();
    (by_name(name).unwrap().write)(verdict, &Options::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn json_has_what_programs_rely_on() {
    let json: serde_json::Value = serde_json::from_str(&written("json", &verdict())).unwrap();
    assert_eq!(json["schema"], "assay.verdict/v1");
    assert_eq!(json["verdict"], "deny");
    let reason = &json["reasons"][0];
    assert_eq!(
        (&reason["rule"], &reason["effect"], &reason["cause"]),
        (&"vulnerabilities".into(), &"deny".into(), &"violation".into())
    );
    assert_eq!(reason["findings"][0]["rule"], "CVE-1");
    assert_eq!(reason["findings"][0]["fixed_versions"][0], "3.0.2");
    assert!(reason["remedy"].as_str().unwrap().contains("run"));
    assert_eq!(json["exceptions"][0]["state"], "used");
    assert_eq!(json["exceptions"][0]["expiring"], true);
}

#[test]
fn nothing_steers_who_reads_it() {
    let verdict = verdict();
    for form in FORMS {
        let text = written(form.name, &verdict);
        assert!(!text.contains('\u{1b}'), "{}", form.name);
        assert!(text.contains("CVE-1"), "{}", form.name);
    }
    assert!(written("github", &verdict).lines().all(|line| line.starts_with("::notice")
        || line.starts_with("::error title")
        || line.starts_with("::warning title")));
    assert!(!written("markdown", &verdict).contains("<script>"));
    assert!(!written("junit", &verdict).contains("<script>"));
    let sarif: serde_json::Value = serde_json::from_str(&written("sarif", &verdict)).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["level"], "error");
}

#[test]
fn an_admitted_image_says_so() {
    let verdict = Case::clean().judge(&policy("  - secrets: {}\n", ""));
    assert_eq!(verdict.decision, Decision::Admit);
    assert!(written("table", &verdict).contains("every rule holds"));
    assert!(written("junit", &verdict).contains("tests=\"1\" failures=\"0\""));
}

#[test]
fn of_one_package_only_the_furthest_upgrade_is_advised() {
    let mut case = Case::clean();
    for (rule, version) in [("CVE-2026-1", "3.0.9"), ("CVE-2026-2", "3.0.10"), ("CVE-2026-3", "3.0.2")] {
        let mut finding = fixed(rule, Severity::High);
        finding.fixed_versions = vec![version.into()];
        finding.package = Some(1);
        finding.remediation = format!("upgrade `left` to {version}");
        case.report.findings.push(finding);
    }
    let verdict = case.judge(&policy("  - vulnerabilities: {max: {high: 0}}\n", ""));
    assert_eq!(verdict.reasons[0].remedy, "upgrade `left` to 3.0.10");
}
