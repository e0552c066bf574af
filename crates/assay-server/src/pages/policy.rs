//! The policy that admission judges by: its tiers, rules and exceptions.

use super::ask::Ask;
use super::error::PageError;
use super::render::View;
use super::table::{Cell, Table, columns};
use super::{About, Page};
use assay_policy::Policy;
use assay_policy::exception::{Exception, Standing};
use assay_policy::policy::{Pending, PolicyRule, Tier};
use assay_policy::selector::Selector;
use assay_store::{Moment, Role};

pub(super) const PAGE: Page = Page {
    path: "/policy",
    menu: Some("Policy"),
    role: Role::Viewer,
    about: About::Fleet,
    view: |ask| Box::pin(view(ask)),
};

async fn view(ask: &Ask) -> Result<View, PageError> {
    let Some(admission) = &ask.app().admission else {
        let sentences = vec![
            "The server judges nothing: it was started without a policy.".to_owned(),
            "Start it with --policy FILE; write a first one with assay policy init --profile baseline."
                .to_owned(),
        ];
        return Ok(View::plain("Policy", sentences, Vec::new()));
    };
    let policy = admission.judge.policy();
    let mut sentences =
        vec![format!("{}, by the digest of its text {}.", policy.name, admission.judge.digest())];
    if let Some(owner) = &policy.owner {
        sentences.push(format!("{owner} answers for it."));
    }
    if policy.needs_evidence() {
        sentences.push(
            "It asks for signatures or attestations, which the server does not gather yet: its rules about them deny.".to_owned(),
        );
    }
    Ok(View::plain("Policy", sentences, vec![tiers(policy), rules(policy), exceptions(policy, ask.now)]))
}

fn tiers(policy: &Policy) -> Table {
    let row = |tier: &Tier| {
        let pending = match tier.on_pending {
            Pending::Deny => "deny",
            Pending::AdmitAndWatch => "admit and watch",
            Pending::Wait => "wait",
        };
        vec![
            Cell::text(&tier.name),
            Cell::list(&selected(&tier.selector)),
            Cell::text(tier.mode.name()),
            Cell::text(pending),
        ]
    };
    Table {
        name: "tiers",
        title: "Tiers".to_owned(),
        caption: "How strictly what is judged; where several match, the strictest wins".to_owned(),
        columns: columns([
            ("tier", "Tier", ""),
            ("match", "What belongs to it", ""),
            ("mode", "At most", ""),
            ("pending", "Not scanned yet", ""),
        ]),
        rows: policy.tiers.iter().map(row).collect(),
        empty: "There is one for everything.",
        next: None,
        first: None,
    }
}

fn rules(policy: &Policy) -> Table {
    let row = |rule: &PolicyRule| {
        let tiers: Vec<String> = rule.tiers.iter().cloned().collect();
        let effects: Vec<String> = rule
            .effects
            .iter()
            .map(|(tier, effect)| format!("{tier}: {}", effect.map_or("off", assay_policy::Effect::name)))
            .collect();
        vec![
            Cell::text(&rule.id),
            Cell::text(rule.rule.about()),
            Cell::word(rule.effect.name()),
            Cell::list(&effects),
            Cell::list(&tiers),
            Cell::list(&selected(&rule.selector)),
            Cell::list(&rule.canary.as_ref().map(selected).unwrap_or_default()),
        ]
    };
    Table {
        name: "rules",
        title: "Rules".to_owned(),
        caption: "In the order of the policy".to_owned(),
        columns: columns([
            ("rule", "Rule", "mono"),
            ("about", "What it asks for", ""),
            ("effect", "Leads to", ""),
            ("effects", "In single tiers", ""),
            ("tiers", "Only in", ""),
            ("match", "Only for", ""),
            ("canary", "Already in effect for", ""),
        ]),
        rows: policy.rules.iter().map(row).collect(),
        empty: "It has none.",
        next: None,
        first: None,
    }
}

fn exceptions(policy: &Policy, now: Moment) -> Table {
    let row = |one: &Exception| {
        let accepts: Vec<String> = [&one.rules, &one.advisories, &one.packages, &one.findings, &one.paths]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        let mut about = selected(&one.selector);
        about.extend(one.digests.iter().map(ToString::to_string));
        vec![
            Cell::text(&one.id),
            Cell::text(state(policy, one, now)),
            Cell::list(&accepts),
            Cell::list(&about),
            Cell::text(&one.reason),
            Cell::text(&one.owner),
            Cell::text(&one.approved_by),
            Cell::time(one.expires.map(Moment::from)),
            Cell::text(if one.until_fixed { "yes" } else { "no" }),
        ]
    };
    Table {
        name: "exceptions",
        title: "Exceptions".to_owned(),
        caption: "What is accepted, by whom, and until when".to_owned(),
        columns: columns([
            ("id", "Exception", "mono"),
            ("state", "State", ""),
            ("accepts", "Accepts", "mono"),
            ("match", "Only for", ""),
            ("reason", "Why", ""),
            ("owner", "Owner", ""),
            ("approvedBy", "Approved by", ""),
            ("expires", "Ends", ""),
            ("untilFixed", "Until a fix ships", ""),
        ]),
        rows: policy.exceptions.iter().map(row).collect(),
        empty: "Nothing is accepted.",
        next: None,
        first: None,
    }
}

fn state(policy: &Policy, one: &Exception, now: Moment) -> &'static str {
    match one.standing(policy, now.timestamp()) {
        Standing::InForce => "in force",
        Standing::Expiring => "ends soon",
        Standing::Expired => "over",
        Standing::TooLong if one.expires.is_none() => "no end, no effect",
        Standing::TooLong => "too long, no effect",
    }
}

/// Returns the patterns of a selector in words; nothing when it is about everything.
fn selected(selector: &Selector) -> Vec<String> {
    let mut words = Vec::new();
    for (name, patterns) in [
        ("image", &selector.images),
        ("registry", &selector.registries),
        ("repository", &selector.repositories),
        ("namespace", &selector.namespaces),
        ("service", &selector.services),
        ("team", &selector.teams),
    ] {
        words.extend(patterns.iter().map(|pattern| format!("{name} {pattern}")));
    }
    for (name, labels) in [("namespace label", &selector.namespace_labels), ("label", &selector.labels)] {
        words.extend(labels.iter().map(|(key, value)| format!("{name} {key}={value}")));
    }
    words
}
