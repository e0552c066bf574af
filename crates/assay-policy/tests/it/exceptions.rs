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
