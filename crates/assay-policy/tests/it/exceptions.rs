//! Exceptions take out what they name, until their end, and nothing else.

use crate::facts::*;
use assay_model::Severity;
use assay_policy::Decision;
use assay_policy::verdict::ExceptionState;

const RULES: &str = "  - vulnerabilities: {max: {high: 0}}\n";

#[track_caller]
fn check(exception: &str, want: ExceptionState, decision: Decision) {
    let mut case = Case::clean();
    case.report.findings.push(fixed("CVE-2026-1", Severity::High));
    let rest = format!("exceptions:\n  - {{id: E, owner: o, reason: r, approvedBy: a, {exception}}}\n");
    let verdict = case.judge(&policy(RULES, &rest));
    assert_eq!(verdict.decision, decision, "{exception}: {:?}", verdict.reasons);
    let state = verdict.exceptions.first().map(|used| used.state);
    assert_eq!(state, Some(want), "{exception}");
}

#[test]
fn a_finding_is_named_by_any_of_its_identifiers_and_its_package() {
    for scope in [
        "advisories: [CVE-2026-1]",
        "advisories: [alias-cve-2026-1]",
        "packages: [openssl]",
        "packages: [openssl@3.0.1]",
        "packages: [\"pkg:deb/debian/openssl\"]",
        "findings: [id-CVE-2026-1]",
        "advisories: [CVE-2026-1], packages: [\"open*\"]",
        "advisories: [CVE-2026-1], repositories: [\"registry.example/team/*\"]",
        "advisories: [CVE-2026-1], images: [\"registry.example/team/app:1.0\"]",
        "advisories: [CVE-2026-1], digests: [\"sha256:0101010101010101010101010101010101010101010101010101010101010101\"]",
        "rules: [vulnerabilities]",
    ] {
        check(&format!("{scope}, expires: 2027-06-01"), ExceptionState::Used, Decision::Admit);
    }
}

#[test]
fn what_is_not_named_stays() {
    for scope in [
        "advisories: [CVE-2026-10]",
        "packages: [openssl@3.0.2]",
        "advisories: [CVE-2026-1], packages: [curl]",
        "rules: [secrets]",
        "rules: [secrets], advisories: [CVE-2026-1]",
    ] {
        check(&format!("{scope}, expires: 2027-06-01"), ExceptionState::Unused, Decision::Deny);
    }
}

#[test]
fn one_about_another_image_is_not_reported() {
    let mut case = Case::clean();
    case.report.findings.push(fixed("CVE-2026-1", Severity::High));
    let rest = "exceptions:\n  - {id: E, advisories: [CVE-2026-1], repositories: [\"registry.example/other\"], owner: o, reason: r, approvedBy: a, expires: 2027-01-01}\n";
    let verdict = case.judge(&policy(RULES, rest));
    assert_eq!((verdict.decision, verdict.exceptions.len()), (Decision::Deny, 0));
}

#[test]
fn it_ends_on_its_day_or_when_a_fix_ships() {
    check("advisories: [CVE-2026-1], expires: 2026-11-27", ExceptionState::Expired, Decision::Deny);
    check("advisories: [CVE-2026-1], expires: 2026-11-28", ExceptionState::Used, Decision::Admit);
    check("advisories: [CVE-2026-1], until: fix-available", ExceptionState::Ended, Decision::Deny);
}

#[test]
fn what_no_fix_ends_is_refused_or_has_no_effect() {
    let rules = "  - secrets: {}\n  - id: mine\n    cel: {expression: \"false\", message: m}\n";
    for name in ["secrets", "mine", "cel", "nonRoot", "signed", "endOfLife"] {
        let exception = |end: &str| {
            format!(
                "apiVersion: assay.dev/v1\nkind: ImagePolicy\nrules:\n{rules}exceptions:\n  - {{id: E, rules: [{name}], owner: o, reason: r, approvedBy: a, {end}}}\n"
            )
        };
        let problems = assay_policy::Policy::parse(&exception("until: fix-available")).unwrap_err();
        assert!(problems[0].message.contains("would never end"), "{problems:?}");
        assert!(assay_policy::Policy::parse(&exception("until: fix-available, expires: 2027-01-01")).is_ok());
    }
    // Named without its rule, a secret is no vulnerability either.
    let mut case = Case::clean();
    case.report.findings.push(finding(assay_model::FindingKind::Secret, "aws-key", Severity::Critical));
    let judge = |case: &Case, rules: &str, end: &str| {
        let rest = format!("exceptions:\n  - {{id: E, {end}, owner: o, reason: r, approvedBy: a}}\n");
        let verdict = case.judge(&policy(rules, &rest));
        (verdict.decision, verdict.exceptions[0].state)
    };
    let secret = "advisories: [aws-key]";
    let until = format!("{secret}, until: fix-available");
    assert_eq!(judge(&case, "  - secrets: {}\n", &until), (Decision::Deny, ExceptionState::Unused));
    let both = format!("{until}, expires: 2027-01-01");
    assert_eq!(judge(&case, "  - secrets: {}\n", &both), (Decision::Admit, ExceptionState::Used));
    // An exception from a rule that counts vulnerabilities is none from its evidence.
    let mut blind = Case::clean();
    blind.report.scanners.clear();
    let from_rule = "rules: [vulnerabilities], until: fix-available";
    let rules = "  - vulnerabilities: {max: {high: 0}}\n  - scan: {scanners: []}\n";
    assert_eq!(judge(&blind, rules, from_rule).0, Decision::Deny);
    let mut unfixed = Case::clean();
    unfixed.report.findings.push(vulnerability("CVE-1", Severity::High));
    assert_eq!(judge(&unfixed, RULES, from_rule), (Decision::Admit, ExceptionState::Used));
    // What is at the end of its life never gets one.
    unfixed.report.findings[0].fix = assay_model::FixState::EndOfLife;
    assert_eq!(judge(&unfixed, RULES, from_rule).0, Decision::Deny);
}

#[test]
fn what_is_elsewhere_too_is_not_only_where_it_was_accepted() {
    let mut case = Case::clean();
    let mut secret = finding(assay_model::FindingKind::Secret, "aws-key", Severity::Critical);
    let place = |path: &str| assay_model::Place { path: path.into(), line: None, layer: None };
    secret.locations = vec![place("tests/fixtures/key")];
    case.report.findings.push(secret);
    let rest = "exceptions:\n  - {id: E, rules: [secrets], paths: [\"tests/**\"], owner: o, reason: r, approvedBy: a, expires: 2027-01-01}\n";
    let policy = policy("  - secrets: {}\n", rest);
    assert_eq!(case.judge(&policy).decision, Decision::Admit);
    case.report.findings[0].locations.push(place("srv/app/key"));
    assert_eq!(case.judge(&policy).decision, Decision::Deny);
    case.report.findings[0].locations.clear();
    assert_eq!(case.judge(&policy).decision, Decision::Deny);
}

#[test]
fn it_may_not_run_longer_than_allowed_and_soon_ends() {
    let mut case = Case::clean();
    case.report.findings.push(vulnerability("CVE-1", Severity::High));
    let judge = |end: &str| {
        let rest = format!(
            "exceptionLimits: {{maxLifetime: 90d, warnBefore: 10d}}\nexceptions:\n  - {{id: E, advisories: [CVE-1], owner: o, reason: r, approvedBy: a, {end}}}\n"
        );
        let used = case.judge(&policy(RULES, &rest)).exceptions.remove(0);
        (used.state, used.expiring)
    };
    assert_eq!(judge("expires: 2026-12-01"), (ExceptionState::Used, true));
    assert_eq!(judge("expires: 2027-01-15"), (ExceptionState::Used, false));
    assert_eq!(judge("expires: 2027-11-01"), (ExceptionState::TooLong, false));
    assert_eq!(judge("until: fix-available"), (ExceptionState::TooLong, false));
}
