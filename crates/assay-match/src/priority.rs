//! How urgent a finding is, by a decision tree in the manner of SSVC, and the path through it.
//!
//! SSVC (<https://certcc.github.io/SSVC/>, <https://www.cisa.gov/stakeholder-specific-vulnerability-categorization-ssvc>)
//! replaces one number by a few questions whose answers anybody can check. The questions and outcomes here are its own; the
//! table in [`tree`] is Assay's, with usage as one more question (`docs/decisions/0011-priority.md` says why). It is a pure
//! function of its inputs, has an outcome for every combination, and no input that grows worse makes the outcome milder.

pub mod evidence;
pub mod tree;

mod context;

pub use context::{CLAIMS, Claim, of_image};

use crate::finding::order;
use assay_model::context::Context;
use assay_model::finding::Decision;
use assay_model::{Finding, Inventory, Package, Usage};
use evidence::Answer;
use std::cmp::Reverse;
use tree::{Inputs, Stakes, decide};

/// Gives every finding its priority and the path to it, and puts the most urgent first.
pub fn prioritise(findings: &mut [Finding], inventory: &Inventory, context: &Context) {
    let stakes = stakes(context);
    for finding in findings.iter_mut() {
        let package = finding.package.and_then(|index| inventory.packages.get(index as usize));
        prioritise_one(finding, package, context, &stakes);
    }
    sort_by_urgency(findings);
}

/// Puts the most urgent findings first, and what is equally urgent in a defined order.
pub fn sort_by_urgency(findings: &mut [Finding]) {
    findings.sort_by(|a, b| (Reverse(a.priority), order(a)).cmp(&(Reverse(b.priority), order(b))));
}

fn prioritise_one(
    finding: &mut Finding,
    package: Option<&Package>,
    context: &Context,
    stakes: &Answer<Stakes>,
) {
    let usage = package.map_or(Usage::Unknown, |package| package.usage);
    let exploitation = evidence::exploitation(finding);
    let automatable = evidence::automatable(finding);
    let impact = evidence::impact(finding);
    let inputs = Inputs {
        exploitation: exploitation.value,
        exposure: context.exposure.value,
        automatable: automatable.value,
        impact: impact.value,
        stakes: stakes.value,
        usage,
    };
    let outcome = decide(&inputs);
    let exposure = &context.exposure;
    finding.priority = Some(outcome.priority);
    finding.priority_path = vec![
        Decision {
            point: "exploitation".into(),
            value: exploitation.value.name().into(),
            reason: exploitation.reason,
        },
        Decision {
            point: "exposure".into(),
            value: assay_model::context::Grade::name(exposure.value).into(),
            reason: stated(&exposure.origin),
        },
        Decision {
            point: "automatable".into(),
            value: automatable.value.name().into(),
            reason: automatable.reason,
        },
        Decision {
            point: "technical-impact".into(),
            value: impact.value.name().into(),
            reason: impact.reason,
        },
        Decision { point: "stakes".into(), value: stakes.value.name().into(), reason: stakes.reason.clone() },
        Decision {
            point: "usage".into(),
            value: usage_name(usage).into(),
            reason: usage_reason(package, usage, &outcome),
        },
    ];
}

fn stated(origin: &str) -> String {
    if origin == "default" {
        "nobody states it; this is the default".to_owned()
    } else {
        format!("{origin} says so")
    }
}

/// Sums up what depends on an image, once for all its findings.
fn stakes(context: &Context) -> Answer<Stakes> {
    fn part<T: assay_model::context::Grade>(setting: &assay_model::context::Setting<T>) -> String {
        format!("{} is {} ({})", T::KEY, setting.value.name(), setting.origin)
    }
    Answer {
        value: tree::stakes(context.environment.value, context.data.value, context.criticality.value),
        reason: [part(&context.environment), part(&context.data), part(&context.criticality)].join(", "),
    }
}

fn usage_name(usage: Usage) -> &'static str {
    match usage {
        Usage::Used => "used",
        Usage::Unused => "unused",
        Usage::Unknown => "unknown",
    }
}

fn usage_reason(package: Option<&Package>, usage: Usage, outcome: &tree::Outcome) -> String {
    // The last step of the chain is the nearest to the package; the report has all of it with the package.
    let last =
        package.and_then(|package| package.usage_evidence.last()).map(|step| match step.path.as_str() {
            "" => format!(": {}", step.how),
            path => format!(": `{path}`, {}", step.how),
        });
    let last = last.unwrap_or_default();
    match usage {
        Usage::Used => format!("the entry point reaches the package{last}"),
        Usage::Unknown => format!("there is not enough evidence, which counts as used{last}"),
        Usage::Unused if outcome.before_usage == outcome.priority => {
            "nothing that the entry point reaches needs the package".to_owned()
        }
        Usage::Unused => format!(
            "nothing that the entry point reaches needs the package, which lowers {} to {}",
            outcome.before_usage, outcome.priority
        ),
    }
}

#[cfg(test)]
mod tests;
