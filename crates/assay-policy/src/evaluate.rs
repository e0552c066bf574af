//! The one function that decides: command line, registry and cluster all call it.
//!
//! It is pure: the same policy, facts and time give the same verdict. More findings never make it milder, and an exception changes
//! nothing but what it names.

use crate::exception::Book;
use crate::facts::Facts;
use crate::policy::{Policy, PolicyRule, Tier};
use crate::reasons::Reasons;
use crate::rule::{RULES, Rule};
use crate::selector::Selector;
use crate::verdict::{Cause, Decision, Effect, Reason, Verdict};
use assay_model::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// Judges facts by a policy, for the tier that is named, or else for those that match.
pub fn evaluate(policy: &Policy, tier: Option<&str>, facts: &Facts<'_>, now: Timestamp) -> Verdict {
    let tiers = select(policy, tier, facts);
    let mut book = Book::new(policy, now);
    let mut reasons = Vec::new();
    // Where a policy has no tiers, all of it holds for any.
    if let Some(name) = tier.filter(|name| !policy.tiers.is_empty() && policy.tier(name).is_none()) {
        reasons.push(not_evaluated(
            "tier",
            format!("the policy has no tier `{name}`"),
            "name one of the policy's tiers with `--tier NAME`".to_owned(),
        ));
    }
    for obstacle in &facts.problems {
        reasons.push(not_evaluated(&obstacle.code, obstacle.message.clone(), obstacle.remedy.clone()));
    }
    if facts.images.is_empty() && facts.problems.is_empty() {
        reasons.push(not_evaluated(
            "scan-failed",
            "there is no image to judge".to_owned(),
            "name an image that runs on one of the policy's platforms".to_owned(),
        ));
    }
    let implied = implied(policy, &tiers, facts);
    for rule in policy.rules.iter().chain(&implied) {
        if !rule.selector.matches(facts) {
            continue;
        }
        let Some((effect, tier)) = effect(rule, &tiers) else { continue };
        let recorded_only = rule.canary.as_ref().is_some_and(|canary| !canary.matches(facts));
        let effect = if recorded_only { Effect::Audit } else { effect };
        let mut out = Reasons::new(policy, facts, now, &mut book, rule, effect, tier);
        rule.rule.evaluate(&rule.params, facts, &mut out);
        reasons.extend(out.finish());
    }
    // What did not even begin comes first, then the strictest; within one effect the policy's order holds.
    reasons.sort_by_key(|reason| {
        (std::cmp::Reverse(reason.effect), std::cmp::Reverse(reason.cause == Cause::NotEvaluated))
    });
    let decision = match reasons.iter().map(|reason| reason.effect).max() {
        Some(Effect::Deny) => Decision::Deny,
        Some(Effect::Warn) => Decision::Warn,
        Some(Effect::Audit) | None => Decision::Admit,
    };
    Verdict {
        decision,
        evaluated: !reasons.iter().any(|reason| reason.cause == Cause::NotEvaluated),
        policy: policy.name.clone(),
        tiers: match tier.filter(|_| policy.tiers.is_empty()) {
            Some(name) => vec![name.to_owned()],
            None => tiers.iter().map(|tier| tier.name.clone()).collect(),
        },
        at: now,
        source: facts.source.clone(),
        index: facts.index,
        digests: facts.images.iter().filter_map(|image| image.digest).collect(),
        exceptions: book.uses(facts),
        reasons,
    }
}

/// Returns the tiers by which facts are judged; all of them are, and the strictest wins.
///
/// A tier that looks at labels may be added by them; but when nothing else puts the image into a tier, every tier holds: what the
/// judged says of itself takes it out of none.
pub fn select<'p>(policy: &'p Policy, named: Option<&str>, facts: &Facts<'_>) -> Vec<&'p Tier> {
    let by_labels = |tier: &&Tier| tier.selector.trusts_labels() && tier.selector.matches(facts);
    let first: Vec<&Tier> = match named {
        Some(name) => policy.tiers.iter().filter(|tier| tier.name == name).collect(),
        None => policy
            .tiers
            .iter()
            .filter(|tier| !tier.selector.trusts_labels() && tier.selector.matches(facts))
            .collect(),
    };
    if first.is_empty() {
        return policy.tiers.iter().collect();
    }
    let names: BTreeSet<&str> = first.iter().map(|tier| tier.name.as_str()).collect();
    let more = policy.tiers.iter().filter(by_labels).filter(|tier| !names.contains(tier.name.as_str()));
    first.iter().copied().chain(more).collect()
}

/// Returns what a rule leads to, and the tier by which: the strictest of those it is for.
fn effect(rule: &PolicyRule, tiers: &[&Tier]) -> Option<(Effect, Option<String>)> {
    if tiers.is_empty() {
        return Some((rule.effect, None));
    }
    tiers
        .iter()
        .filter(|tier| rule.tiers.is_empty() || rule.tiers.contains(&tier.name))
        .filter_map(|tier| {
            let own = rule.effects.get(&tier.name).copied().unwrap_or(Some(rule.effect))?;
            Some((own.min(tier.mode), tier.name.clone()))
        })
        // The first of several that are equally strict.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(effect, tier)| (effect, Some(tier)))
}

/// Returns the rules that hold without being written, for the tiers in which they are not: what was not looked at is never clean.
///
/// A rule that is given for another tier, for other images, or as a canary elsewhere says nothing about this image; nor does one that
/// is given for its labels, in which the judged has a hand.
fn implied(policy: &Policy, tiers: &[&Tier], facts: &Facts<'_>) -> Vec<PolicyRule> {
    let given = |id: &str, tier: Option<&str>| {
        policy.rules.iter().any(|rule| {
            rule.rule.id() == id
                && tier.is_none_or(|tier| rule.tiers.is_empty() || rule.tiers.contains(tier))
                && !rule.selector.trusts_labels()
                && rule.selector.matches(facts)
                && rule.canary.as_ref().is_none_or(|canary| canary.matches(facts))
        })
    };
    let implied = |rule: &'static dyn Rule| {
        let names = tiers.iter().map(|tier| &tier.name);
        let open: BTreeSet<String> = names.filter(|name| !given(rule.id(), Some(name))).cloned().collect();
        let holds = if tiers.is_empty() { !given(rule.id(), None) } else { !open.is_empty() };
        holds.then(|| PolicyRule {
            id: rule.id().to_owned(),
            rule,
            params: crate::rule::defaults(rule),
            effect: Effect::Deny,
            effects: BTreeMap::new(),
            tiers: open,
            selector: Selector::default(),
            canary: None,
        })
    };
    RULES.iter().copied().filter(|rule| rule.implied()).filter_map(implied).collect()
}

fn not_evaluated(code: &str, message: String, remedy: String) -> Reason {
    Reason {
        rule: code.to_owned(),
        kind: "evaluation".to_owned(),
        tier: None,
        effect: Effect::Deny,
        cause: Cause::NotEvaluated,
        stale: false,
        digest: None,
        message,
        findings: Vec::new(),
        near_misses: Vec::new(),
        remedy,
    }
}
