//! Kubernetes' ValidatingAdmissionPolicy (<https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>):
//! the rules that need nothing but the pod, which then hold even while Assay is down.

use crate::policy::{Policy, PolicyRule, Tier};
use crate::selector::Selector;
use crate::verdict::Effect;
use crate::yaml::{Out, write};
use std::collections::{BTreeMap, BTreeSet};

/// What the expressions build on, in the order in which one may use the other. They use functions that Kubernetes adds to CEL
/// (<https://kubernetes.io/docs/reference/using-api/cel/>). Images are written out in full as container runtimes do it
/// (<https://github.com/distribution/reference/blob/main/normalize.go>): `nginx` is `docker.io/library/nginx`.
const VARIABLES: &[(&str, &str)] = &[
    (
        "containers",
        "object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : []) + (has(object.spec.ephemeralContainers) ? object.spec.ephemeralContainers : [])",
    ),
    (
        "volumes",
        "(has(object.spec.volumes) ? object.spec.volumes : []).filter(v, has(v.image) && has(v.image.reference))",
    ),
    // A container without an image gets it from nowhere: the API refuses it.
    (
        "named",
        "variables.containers.filter(c, has(c.image)).map(c, c.image) + variables.volumes.map(v, v.image.reference)",
    ),
    // The first part is a host when it has a dot, a colon or a capital, or is `localhost`. Hosts have no case, a port is a number
    // whatever zeros it begins with, and 443 is the one that goes without saying.
    (
        "full",
        "variables.named.map(i, i.matches('^([^/]*[.:A-Z][^/]*|localhost)/') ? i.split('/', 2)[0].lowerAscii() + '/' + i.split('/', 2)[1] : 'docker.io/' + i).map(i, i.matches('^[^/]*:0+[0-9]{1,5}/') ? i.substring(0, i.split('/', 2)[0].lastIndexOf(':') + 1) + string(int(i.split('/', 2)[0].substring(i.split('/', 2)[0].lastIndexOf(':') + 1))) + '/' + i.split('/', 2)[1] : i).map(i, i.matches('^[^/]*:443/') ? i.replace(':443/', '/', 1) : i).map(i, i.startsWith('index.docker.io/') ? i.replace('index.docker.io/', 'docker.io/', 1) : i.startsWith('registry-1.docker.io/') ? i.replace('registry-1.docker.io/', 'docker.io/', 1) : i)",
    ),
    (
        "images",
        "variables.full.map(i, i.matches('^docker[.]io/[^/]+$') ? i.replace('docker.io/', 'docker.io/library/', 1) : i)",
    ),
    // Without digest and tag.
    (
        "repositories",
        "variables.images.map(i, i.split('@', 2)[0]).map(i, i.matches(':[^/]*$') ? i.substring(0, i.lastIndexOf(':')) : i)",
    ),
    // Of images that are not named by their digest; no tag means `latest`.
    (
        "tags",
        "variables.images.filter(i, !i.contains('@')).map(i, i.matches(':[^/]*$') ? i.substring(i.lastIndexOf(':') + 1) : 'latest')",
    ),
];

/// What a container says of itself holds, or else what the pod says. A user of 0 beside `runAsNonRoot` is refused by the node only.
const NON_ROOT: &str = "variables.containers.all(c, (has(c.securityContext) && has(c.securityContext.runAsNonRoot) ? c.securityContext.runAsNonRoot : has(object.spec.securityContext) && has(object.spec.securityContext.runAsNonRoot) && object.spec.securityContext.runAsNonRoot) && (has(c.securityContext) && has(c.securityContext.runAsUser) ? c.securityContext.runAsUser != 0 : !(has(object.spec.securityContext) && has(object.spec.securityContext.runAsUser)) || object.spec.securityContext.runAsUser != 0))";

/// Returns policies and bindings as a stream of YAML documents, and what could not be said in them.
pub fn validating_admission_policy(policy: &Policy) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut notes = Vec::new();
    let (mut names, mut bindings) = (BTreeSet::new(), BTreeSet::new());
    let tiers: Vec<Option<&Tier>> =
        if policy.tiers.is_empty() { vec![None] } else { policy.tiers.iter().map(Some).collect() };
    for rule in &policy.rules {
        let Some(validations) = validations(rule) else {
            notes.push(format!("`{}` needs more than the pod: Assay's own admission holds it", rule.id));
            continue;
        };
        if rule.selector != Selector::default() || rule.canary.is_some() {
            notes.push(format!("`{}` is for some images only, which cannot be said there", rule.id));
            continue;
        }
        if rule.rule.id() == "nonRoot" {
            notes.push(format!("`{}` is asked of the pod: the image's own user is not seen there", rule.id));
        }
        let name = unused(format!("assay-{}-{}", label(&policy.name), label(&rule.id)), &mut names);
        let mut documents = vec![definition(&name, validations)];
        for tier in &tiers {
            let for_tier = tier.is_none_or(|tier| rule.tiers.is_empty() || rule.tiers.contains(&tier.name));
            let effect = tier.map_or(Some(rule.effect), |tier| {
                let own = rule.effects.get(&tier.name).copied().unwrap_or(Some(rule.effect));
                own.map(|effect| effect.min(tier.mode))
            });
            let Some(effect) = effect.filter(|_| for_tier) else { continue };
            match selector(*tier) {
                Ok(namespaces) => {
                    let of_tier = tier.map(|tier| format!("-{}", label(&tier.name))).unwrap_or_default();
                    let own = unused(format!("{name}{of_tier}"), &mut bindings);
                    documents.push(binding(own, &name, effect, namespaces));
                }
                Err(why) => {
                    let note = format!(
                        "the tier `{}` {why}",
                        tier.map(|tier| tier.name.as_str()).unwrap_or_default()
                    );
                    if !notes.contains(&note) {
                        notes.push(note);
                    }
                }
            }
        }
        // A definition without a binding does nothing.
        if documents.len() > 1 {
            for document in documents {
                text.push_str("---\n");
                text.push_str(&write(&document));
            }
        }
    }
    let everywhere = tiers.iter().any(|tier| tier.is_none_or(|tier| tier.selector == Selector::default()));
    if !text.is_empty() && !everywhere {
        notes.push(
            "in namespaces of no tier nothing of this holds, where Assay lets every tier hold".to_owned(),
        );
    }
    (text, notes)
}

/// Returns the expressions and messages of a rule that needs nothing but the pod.
fn validations(rule: &PolicyRule) -> Option<Vec<(String, String)>> {
    let params = &rule.params;
    // Rules of names: what all of some must match, or none may.
    let names = |of: &str, lists: [(&str, &str, &str); 2]| {
        lists
            .into_iter()
            .filter(|(key, ..)| !params.list(key).is_empty())
            .map(|(key, not, message)| {
                let patterns: Vec<String> = params.texts(key).iter().map(|one| regular(one)).collect();
                let condition =
                    format!("variables.{of}.all(i, {not}i.matches('^({})$'))", patterns.join("|"));
                (condition, message.to_owned())
            })
            .collect()
    };
    match rule.rule.id() {
        "registries" => Some(names(
            "repositories",
            [
                ("allow", "", "the image comes from no allowed registry"),
                ("deny", "!", "images of this registry are denied"),
            ],
        )),
        "tags" => Some(names(
            "tags",
            [
                ("forbid", "!", "the image's tag must not be used"),
                ("allow", "", "the image's tag is not one of those allowed"),
            ],
        )),
        "pinned" => Some(vec![(
            "variables.images.all(i, i.matches('@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$'))".to_owned(),
            "the image is not named by its digest".to_owned(),
        )]),
        "nonRoot" => {
            Some(vec![(NON_ROOT.to_owned(), "the pod may run as root: set runAsNonRoot".to_owned())])
        }
        _ => None,
    }
}

/// Returns a pattern as a regular expression of RE2, inside a text of CEL.
fn regular(pattern: &str) -> String {
    let mut regular = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => regular.push_str(".*"),
            '*' => regular.push_str("[^/]*"),
            letter if letter.is_ascii_alphanumeric() || "-_/:@".contains(letter) => regular.push(letter),
            // In a class of its own it needs no backslash, which CEL would read, too. No image's name has one of these.
            '\\' | '^' | '\'' | '[' | ']' => regular.push_str("[^a-zA-Z0-9._:/@-]"),
            letter if letter.is_control() => regular.push_str("[^a-zA-Z0-9._:/@-]"),
            letter => {
                regular.push('[');
                regular.push(letter);
                regular.push(']');
            }
        }
    }
    regular
}

fn definition(name: &str, validations: Vec<(String, String)>) -> Out {
    let rule = Out::map([
        ("apiGroups", Out::texts([""])),
        ("apiVersions", Out::texts(["v1"])),
        ("operations", Out::texts(["CREATE", "UPDATE"])),
        ("resources", Out::texts(["pods", "pods/ephemeralcontainers"])),
    ]);
    let validations = validations
        .into_iter()
        .map(|(expression, message)| {
            Out::map([("expression", Out::text(expression)), ("message", Out::text(message))])
        })
        .collect();
    Out::map([
        ("apiVersion", Out::text("admissionregistration.k8s.io/v1")),
        ("kind", Out::text("ValidatingAdmissionPolicy")),
        ("metadata", Out::map([("name", Out::text(name))])),
        (
            "spec",
            Out::map([
                ("failurePolicy", Out::text("Fail")),
                ("matchConstraints", Out::map([("resourceRules", Out::List(vec![rule]))])),
                (
                    "variables",
                    Out::List(
                        VARIABLES
                            .iter()
                            .map(|(name, expression)| {
                                Out::map([("name", Out::text(*name)), ("expression", Out::text(*expression))])
                            })
                            .collect(),
                    ),
                ),
                ("validations", Out::List(validations)),
            ]),
        ),
    ])
}

fn binding(own: String, policy: &str, effect: Effect, namespaces: Vec<Out>) -> Out {
    let action = match effect {
        Effect::Deny => "Deny",
        Effect::Warn => "Warn",
        Effect::Audit => "Audit",
    };
    let mut spec = vec![
        ("policyName".to_owned(), Out::text(policy)),
        ("validationActions".to_owned(), Out::texts([action])),
    ];
    if !namespaces.is_empty() {
        let selector = Out::map([("matchExpressions", Out::List(namespaces))]);
        spec.push(("matchResources".to_owned(), Out::map([("namespaceSelector", selector)])));
    }
    Out::map([
        ("apiVersion", Out::text("admissionregistration.k8s.io/v1")),
        ("kind", Out::text("ValidatingAdmissionPolicyBinding")),
        ("metadata", Out::map([("name", Out::text(own))])),
        ("spec", Out::Map(spec)),
    ])
}

/// Returns the expressions that select a tier's namespaces; patterns with stars cannot be said there.
fn selector(tier: Option<&Tier>) -> Result<Vec<Out>, &'static str> {
    let Some(tier) = tier else { return Ok(Vec::new()) };
    let selector = &tier.selector;
    let plain = Selector { namespaces: Vec::new(), namespace_labels: BTreeMap::new(), ..selector.clone() };
    if plain != Selector::default() {
        return Err("is selected by more than namespaces, which cannot be said there");
    }
    let expression = |key: &str, values: Vec<String>| {
        Out::map([("key", Out::text(key)), ("operator", Out::text("In")), ("values", Out::texts(values))])
    };
    let mut expressions = Vec::new();
    let exact: Vec<String> = selector.namespaces.iter().filter(|name| !name.contains('*')).cloned().collect();
    if exact.len() < selector.namespaces.len() {
        return Err("selects namespaces by a pattern, which cannot be said there; give them a label");
    }
    if !exact.is_empty() {
        expressions.push(expression("kubernetes.io/metadata.name", exact));
    }
    for (key, value) in &selector.namespace_labels {
        if value.contains('*') {
            return Err("selects labels by a pattern, which cannot be said there");
        }
        expressions.push(expression(key, vec![value.clone()]));
    }
    Ok(expressions)
}

/// Returns a name that nothing else has: names that differ only in what Kubernetes does not take must not replace each other in the
/// cluster.
fn unused(mut name: String, names: &mut BTreeSet<String>) -> String {
    while !names.insert(name.clone()) {
        name.push_str("-x");
    }
    name
}

/// Returns a name that Kubernetes takes (RFC 1123).
fn label(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .take(60)
        .collect();
    clean.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
