//! Kubernetes' ValidatingAdmissionPolicy (<https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>):
//! the rules that need nothing but the pod, which then hold even while Assay is down.

use crate::define::Params;
use crate::policy::{Policy, PolicyRule, Tier};
use crate::verdict::Effect;
use crate::yaml::{Out, write};

/// All images of a pod, written out in full: `nginx` is `docker.io/library/nginx`.
const IMAGES: &str = "(object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : []) + (has(object.spec.ephemeralContainers) ? object.spec.ephemeralContainers : [])).map(c, c.image.contains('/') && (c.image.split('/')[0].contains('.') || c.image.split('/')[0].contains(':') || c.image.split('/')[0] == 'localhost') ? c.image : (c.image.contains('/') ? 'docker.io/' + c.image : 'docker.io/library/' + c.image))";

/// Returns policies and bindings as a stream of YAML documents, and what could not be said in them.
pub fn validating_admission_policy(policy: &Policy) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut notes = Vec::new();
    let tiers: Vec<Option<&Tier>> =
        if policy.tiers.is_empty() { vec![None] } else { policy.tiers.iter().map(Some).collect() };
    for rule in &policy.rules {
        let Some(validations) = validations(rule) else {
            notes.push(format!("`{}` needs more than the pod: Assay's own admission holds it", rule.id));
            continue;
        };
        if rule.selector != crate::selector::Selector::default() || rule.canary.is_some() {
            notes.push(format!("`{}` is for some images only, which cannot be said there", rule.id));
            continue;
        }
        if rule.rule.id() == "nonRoot" {
            notes.push(format!("`{}` is asked of the pod: the image's own user is not seen there", rule.id));
        }
        let name = format!("assay-{}-{}", label(&policy.name), label(&rule.id));
        let mut documents = vec![definition(&name, validations)];
        for tier in &tiers {
            let for_tier = tier.is_none_or(|tier| rule.tiers.is_empty() || rule.tiers.contains(&tier.name));
            let effect = tier.map_or(Some(rule.effect), |tier| {
                let own = rule.effects.get(&tier.name).copied().unwrap_or(Some(rule.effect));
                own.map(|effect| effect.min(tier.mode))
            });
            let Some(effect) = effect.filter(|_| for_tier) else { continue };
            match selector(*tier) {
                Ok(namespaces) => documents.push(binding(&name, *tier, effect, namespaces)),
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
    (text, notes)
}

/// Returns the expressions and messages of a rule that needs nothing but the pod.
fn validations(rule: &PolicyRule) -> Option<Vec<(String, String)>> {
    let params = &rule.params;
    let all = |condition: &str| format!("variables.images.all(i, {condition})");
    match rule.rule.id() {
        "registries" => {
            let mut validations = Vec::new();
            if !params.list("allow").is_empty() {
                let condition = all(&format!("i.matches('{}')", names(params, "allow")));
                validations.push((condition, "the image comes from no allowed registry".to_owned()));
            }
            if !params.list("deny").is_empty() {
                let condition = all(&format!("!i.matches('{}')", names(params, "deny")));
                validations.push((condition, "images of this registry are denied".to_owned()));
            }
            Some(validations)
        }
        "tags" => {
            // No tag means `latest`.
            let of = |key: &str| format!("({})", params.texts(key).iter().map(|tag| regular(tag)).collect::<Vec<_>>().join("|"));
            let tagged = "i.matches('^.*/[^/]*:[^/]*$')";
            let is = |tags: &str, latest: bool| format!("({tagged} ? i.matches('^.*:{tags}$') : {latest})");
            let mut validations = Vec::new();
            if !params.list("forbid").is_empty() {
                let latest = crate::pattern::any(&params.texts("forbid"), "latest");
                let condition = all(&format!("i.contains('@') || !{}", is(&of("forbid"), latest)));
                validations.push((condition, "the image's tag must not be used".to_owned()));
            }
            if !params.list("allow").is_empty() {
                let latest = crate::pattern::any(&params.texts("allow"), "latest");
                let condition = all(&format!("i.contains('@') || {}", is(&of("allow"), latest)));
                validations.push((condition, "the image's tag is not one of those allowed".to_owned()));
            }
            Some(validations)
        }
        "pinned" => Some(vec![(
            all("i.matches('@sha(256:[0-9a-f]{64}|512:[0-9a-f]{128})$')"),
            "the image is not named by its digest".to_owned(),
        )]),
        "nonRoot" => Some(vec![(
            "(has(object.spec.securityContext) && has(object.spec.securityContext.runAsNonRoot) && object.spec.securityContext.runAsNonRoot) || (object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : [])).all(c, has(c.securityContext) && has(c.securityContext.runAsNonRoot) && c.securityContext.runAsNonRoot)".to_owned(),
            "the pod may run as root: set runAsNonRoot".to_owned(),
        )]),
        _ => None,
    }
}

fn names(params: &Params, key: &str) -> String {
    let patterns: Vec<String> = params.texts(key).iter().map(|pattern| regular(pattern)).collect();
    format!("^({})([:@].*)?$", patterns.join("|"))
}

/// Returns a pattern as a regular expression of RE2, inside a text of CEL.
fn regular(pattern: &str) -> String {
    let mut regular = String::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' if letters.next_if_eq(&'*').is_some() => regular.push_str(".*"),
            '*' => regular.push_str("[^/:@]*"),
            letter if letter.is_ascii_alphanumeric() || "-_/:@".contains(letter) => regular.push(letter),
            // A class of its own needs no backslash, which CEL would read, too.
            '\\' | '^' | '\'' | '[' | ']' => regular.push('.'),
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
                    Out::List(vec![Out::map([
                        ("name", Out::text("images")),
                        ("expression", Out::text(IMAGES)),
                    ])]),
                ),
                ("validations", Out::List(validations)),
            ]),
        ),
    ])
}

fn binding(name: &str, tier: Option<&Tier>, effect: Effect, namespaces: Vec<Out>) -> Out {
    let action = match effect {
        Effect::Deny => "Deny",
        Effect::Warn => "Warn",
        Effect::Audit => "Audit",
    };
    let suffix = tier.map(|tier| format!("-{}", label(&tier.name))).unwrap_or_default();
    let mut spec = vec![
        ("policyName".to_owned(), Out::text(name)),
        ("validationActions".to_owned(), Out::texts([action])),
    ];
    if !namespaces.is_empty() {
        let selector = Out::map([("matchExpressions", Out::List(namespaces))]);
        spec.push(("matchResources".to_owned(), Out::map([("namespaceSelector", selector)])));
    }
    Out::map([
        ("apiVersion", Out::text("admissionregistration.k8s.io/v1")),
        ("kind", Out::text("ValidatingAdmissionPolicyBinding")),
        ("metadata", Out::map([("name", Out::text(format!("{name}{suffix}")))])),
        ("spec", Out::Map(spec)),
    ])
}

/// Returns the expressions that select a tier's namespaces; patterns with stars cannot be said there.
fn selector(tier: Option<&Tier>) -> Result<Vec<Out>, &'static str> {
    let Some(tier) = tier else { return Ok(Vec::new()) };
    let selector = &tier.selector;
    let plain = crate::selector::Selector {
        namespaces: Vec::new(),
        namespace_labels: std::collections::BTreeMap::new(),
        ..selector.clone()
    };
    if plain != crate::selector::Selector::default() {
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
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn static_rules_are_exported_and_the_others_told() {
        let policy = Policy::parse(
            "apiVersion: assay.dev/v1\nkind: ImagePolicy\nmetadata: {name: Prod}\ntiers:\n  - {name: production, match: {namespaceLabels: {tier: prod}}}\n  - {name: rest, match: {namespaces: [\"dev-*\"]}}\nrules:\n  - registries: {allow: [\"registry.example/**\"], deny: [\"docker.io/*\"]}\n  - tags: {}\n  - pinned: {}\n    effect: warn\n  - secrets: {}\n",
        )
        .unwrap();
        let (text, notes) = validating_admission_policy(&policy);
        let documents = tree::documents(&text).unwrap();
        assert_eq!(documents.len(), 6, "{text}");
        assert_eq!(documents[0].text_at(&["metadata", "name"]).unwrap(), "assay-prod-registries");
        assert!(text.contains("^(registry[.]example/.*)([:@].*)?$"), "{text}");
        assert!(text.contains("validationActions: [Warn]"));
        assert!(
            notes.iter().any(|note| note.contains("`secrets`"))
                && notes.iter().any(|note| note.contains("`rest`")),
            "{notes:?}"
        );
    }
}
