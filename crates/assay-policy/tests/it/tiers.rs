//! Tiers: the strictest of those that match wins, and the judged takes itself out of none.

use crate::facts::*;
use assay_model::Severity;
use assay_policy::facts::Obstacle;
use assay_policy::verdict::Cause;
use assay_policy::{Decision, evaluate};

const TIERS: &str = "tiers:\n  - {name: production, match: {namespaces: [\"prod-*\"]}}\n  - {name: staging, match: {namespaces: [\"staging\"]}, mode: warn}\n  - {name: lab, match: {labels: {tier: lab}}, mode: audit}\n  - {name: hardened, match: {labels: {tier: hard}}}\n";

#[track_caller]
fn check(tier: Option<&str>, namespace: Option<&str>, label: Option<&str>, want: Decision, tiers: &[&str]) {
    let mut case = Case::clean();
    case.report.findings.push(vulnerability("CVE-1", Severity::Critical));
    let policy = policy("  - vulnerabilities: {max: {critical: 0}}\n", TIERS);
    let mut facts = case.facts();
    facts.placement.namespace = namespace.map(str::to_owned);
    if let Some(label) = label {
        facts.placement.labels.insert("tier".into(), label.into());
    }
    let verdict = evaluate(&policy, tier, &facts, NOW);
    assert_eq!(
        (verdict.decision, verdict.tiers.as_slice()),
        (want, tiers.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>().as_slice())
    );
}

#[test]
fn a_tier_is_named_or_matches() {
    check(Some("production"), None, None, Decision::Deny, &["production"]);
    check(Some("staging"), None, None, Decision::Warn, &["staging"]);
    check(None, Some("prod-eu"), None, Decision::Deny, &["production"]);
    check(None, Some("staging"), None, Decision::Warn, &["staging"]);
}

#[test]
fn labels_only_add_tiers() {
    check(None, Some("staging"), Some("hard"), Decision::Deny, &["staging", "hardened"]);
    check(Some("staging"), None, Some("hard"), Decision::Deny, &["staging", "hardened"]);
    check(None, Some("prod-eu"), Some("lab"), Decision::Deny, &["production", "lab"]);
    // Nothing but its own label places it: every tier holds.
    check(None, None, Some("lab"), Decision::Deny, &["production", "staging", "lab", "hardened"]);
}

#[test]
fn a_policy_knows_by_which_labels_it_judges() {
    let check = |rule: &str, name: &str, want| {
        assert_eq!(policy(rule, TIERS).judges_by_label(name), want, "{rule} {name}");
    };
    check("  - secrets: {}\n", "tier", true);
    check("  - secrets: {}\n", "app", false);
    check("  - secrets: {}\n    match: {labels: {app: x}}\n", "app", true);
    check("  - cel: {expression: image.pinned, message: m}\n", "app", false);
    // Which one cannot be said of an expression.
    check("  - cel: {expression: \"'app' in placement.labels\", message: m}\n", "app", true);
}

#[test]
fn what_no_tier_matches_is_judged_by_all() {
    check(None, Some("elsewhere"), None, Decision::Deny, &["production", "staging", "lab", "hardened"]);
}

#[test]
fn a_tier_that_is_not_there_is_a_denial() {
    let case = Case::clean();
    let verdict = evaluate(&policy("  - secrets: {}\n", TIERS), Some("prod"), &case.facts(), NOW);
    assert_eq!((verdict.decision, verdict.evaluated), (Decision::Deny, false));
    // A policy without tiers is the same for all.
    let verdict = evaluate(&policy("  - secrets: {}\n", ""), Some("prod"), &case.facts(), NOW);
    assert_eq!((verdict.decision, verdict.tiers), (Decision::Admit, vec!["prod".to_owned()]));
}

#[test]
fn what_holds_without_being_written_holds_wherever_it_is_not_written() {
    let mut case = Case::clean();
    case.report.inventory.warnings.push(assay_model::Warning::unscanned(
        "damaged",
        None,
        "a layer is damaged",
    ));
    let judge = |case: &Case, rule: &str, namespace: &str| {
        let policy = policy(&format!("  - scan: {{complete: false}}\n{rule}"), TIERS);
        let mut facts = case.facts();
        facts.placement.namespace = Some(namespace.into());
        evaluate(&policy, None, &facts, NOW).decision
    };
    assert_eq!(judge(&case, "", "prod-eu"), Decision::Admit);
    for other in [
        "    tiers: [staging]\n",
        "    match: {repositories: [\"registry.example/other/*\"]}\n",
        "    canary: {namespaces: [prod-us]}\n",
    ] {
        assert_eq!(judge(&case, other, "prod-eu"), Decision::Deny, "{other}");
    }
    // With labels the judged would take itself out.
    case.report.image.labels.insert("legacy".into(), "yes".into());
    let own = "    match: {labels: {legacy: 'yes'}}\n";
    assert_eq!(judge(&case, own, "prod-eu"), Decision::Deny);
    assert_eq!(judge(&case, "    tiers: [staging]\n", "staging"), Decision::Admit);
    assert_eq!(judge(&case, "    tiers: [production]\n", "staging"), Decision::Warn);
    assert_eq!(
        judge(&case, "    effects: {production: 'off'}\n", "prod-eu"),
        Decision::Admit,
        "it is written"
    );
    // An image that is in two tiers is judged by both.
    let policy = policy(
        "  - scan: {complete: false}\n    tiers: [lax]\n",
        "tiers: [{name: strict, match: {namespaces: [a]}}, {name: lax, match: {namespaces: [\"*\"]}}]\n",
    );
    let mut facts = case.facts();
    facts.placement.namespace = Some("a".into());
    let verdict = evaluate(&policy, None, &facts, NOW);
    assert_eq!((verdict.decision, verdict.reasons[0].tier.as_deref()), (Decision::Deny, Some("strict")));
}

#[test]
fn an_obstacle_is_a_denial_in_every_mode() {
    let case = Case::clean();
    let mut facts = case.facts();
    facts.problems.push(Obstacle {
        code: "registry-unreachable".into(),
        message: "m".into(),
        remedy: "r".into(),
    });
    let verdict = evaluate(&policy("  - secrets: {}\n", TIERS), Some("staging"), &facts, NOW);
    assert_eq!(verdict.decision, Decision::Deny);
    assert_eq!(verdict.reasons[0].cause, Cause::NotEvaluated);
    facts.problems.clear();
    facts.images.clear();
    assert_eq!(
        evaluate(&policy("  - secrets: {}\n", TIERS), Some("staging"), &facts, NOW).decision,
        Decision::Deny
    );
}

#[test]
fn effects_differ_by_tier_and_a_canary_rolls_a_rule_out() {
    let mut case = Case::clean();
    case.report.findings.push(vulnerability("CVE-1", Severity::Critical));
    let judge = |rule: &str, namespace: &str| {
        let policy = policy(&format!("  - vulnerabilities: {{max: {{critical: 0}}}}\n    {rule}\n"), TIERS);
        let mut facts = case.facts();
        facts.placement.namespace = Some(namespace.into());
        evaluate(&policy, None, &facts, NOW).decision
    };
    assert_eq!(judge("effects: {production: warn}", "prod-eu"), Decision::Warn);
    assert_eq!(judge("effects: {production: 'off'}", "prod-eu"), Decision::Admit);
    assert_eq!(judge("tiers: [staging]", "prod-eu"), Decision::Admit);
    assert_eq!(judge("canary: {namespaces: [prod-eu]}", "prod-eu"), Decision::Deny);
    assert_eq!(judge("canary: {namespaces: [prod-eu]}", "prod-us"), Decision::Admit);
    assert_eq!(judge("match: {repositories: [\"registry.example/other/*\"]}", "prod-eu"), Decision::Admit);
}
