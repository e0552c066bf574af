//! What holds of every verdict: it is total, more findings never make it milder, and exceptions only take out what they name.

use crate::facts::*;
use assay_model::{Finding, FindingKind, FixState, Priority, Severity};
use assay_policy::profile::PROFILES;
use assay_policy::{Decision, Policy, evaluate};
use proptest::prelude::*;

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let one = (0usize..5, 0usize..6, 0u8..6, any::<bool>(), any::<bool>(), 0usize..5, any::<bool>())
        .prop_map(|(kind, severity, number, is_fixed, kev, priority, base)| {
            let rule =
                if kind == 3 && number == 0 { "image-root-user".to_owned() } else { format!("CVE-{number}") };
            let mut one = finding(FindingKind::ALL[kind], &rule, Severity::ALL[severity]);
            if kev {
                one.kev = exploited("x").kev;
                one.epss = exploited("x").epss;
            }
            one.fix = if is_fixed { FixState::Fixed } else { FixState::EndOfLife };
            one.priority = Priority::ALL.get(priority).copied();
            one.in_base = Some(base);
            one
        });
    proptest::collection::vec(one, 0..12)
}

/// A policy of all rules that only count findings.
fn counting() -> Policy {
    policy(
        "  - vulnerabilities: {max: {critical: 1, medium: 2}, ownOnly: true}\n  - id: fixed\n    vulnerabilities: {max: {high: 0}, fix: fixed}\n    effect: warn\n  - priority: {max: {act: 1, track-closely: 2}}\n  - fixAge: {max: {high: 7d}}\n  - knownExploited: {max: 1}\n  - exploitForecast: {from: 0.5, max: 1}\n  - accumulation: {max: 3, olderThan: 1d, maxGrowth: 1}\n  - secrets: {max: 1}\n  - malware: {}\n    effect: audit\n  - misconfigurations: {max: {low: 1}}\n  - nonRoot: {}\n  - endOfLife: {}\n  - unused: {vulnerableOnly: true}\n",
        "",
    )
}

fn policies() -> Vec<Policy> {
    let mut all: Vec<Policy> = PROFILES.iter().map(|profile| Policy::parse(profile.text).unwrap()).collect();
    all.push(counting());
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn more_findings_never_soften(some in findings(), more in findings()) {
        let mut case = Case::clean();
        case.report.findings = some;
        for policy in policies() {
            let before = case.judge(&policy);
            let mut worse = case.clone();
            worse.report.findings.extend(more.clone());
            let after = worse.judge(&policy);
            prop_assert!(after.decision >= before.decision);
            for reason in &before.reasons {
                prop_assert!(
                    after.reasons.iter().any(|other| other.rule == reason.rule && other.effect == reason.effect),
                    "{} is gone", reason.rule
                );
            }
        }
    }

    #[test]
    fn exceptions_only_remove_what_they_name(some in findings(), number in 0u8..6) {
        let mut case = Case::clean();
        case.report.findings = some;
        let plain = counting();
        let mut excepting = counting();
        let text = format!("exceptions:\n  - {{id: E, advisories: [CVE-{number}], owner: o, reason: r, approvedBy: a, expires: 2027-01-01}}\n");
        excepting.exceptions = policy("  - secrets: {}\n", &text).exceptions;
        let (before, after) = (case.judge(&plain), case.judge(&excepting));
        prop_assert!(after.decision <= before.decision);
        // It is as if the named findings were not there.
        let mut without = case.clone();
        without.report.findings.retain(|finding| finding.rule != format!("CVE-{number}"));
        let judged = without.judge(&plain);
        prop_assert_eq!(after.decision, judged.decision);
        let rules = |verdict: &assay_policy::Verdict| verdict.reasons.iter().map(|one| (one.rule.clone(), one.effect)).collect::<Vec<_>>();
        // A package is unused by itself, whatever its findings.
        let ours = rules(&after).into_iter().filter(|(rule, _)| rule != "unused").collect::<Vec<_>>();
        let theirs = rules(&judged).into_iter().filter(|(rule, _)| rule != "unused").collect::<Vec<_>>();
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn evaluation_is_total_and_pure(some in findings(), scanned in any::<bool>(), listed in any::<bool>(), now in any::<i64>()) {
        let mut case = Case::clean();
        case.report.findings = some;
        case.scanned = scanned;
        if !listed {
            case.evidence = Default::default();
        }
        for policy in policies() {
            let facts = case.facts();
            let now = assay_model::Timestamp(now);
            let verdict = evaluate(&policy, None, &facts, now);
            prop_assert_eq!(&verdict, &evaluate(&policy, None, &facts, now));
            prop_assert!(scanned || verdict.decision == Decision::Deny || verdict.decision == Decision::Warn);
        }
    }

    #[test]
    fn any_text_is_survived(text in "(apiVersion: assay.dev/v1\n|kind: ImagePolicy\n|rules:\n|  - secrets: \\{\\}\n|  - cel: \\{expression: \"|trust:\n|tiers:\n|exceptions:\n|[\\PC\\n:\\-\\[\\]{}&*#'\"|> ]){0,30}") {
        let _ = Policy::parse(&text);
        let _ = assay_policy::fixture::Suite::parse(&text);
        let _ = assay_policy::expression::Expression::compile(&text);
    }
}
