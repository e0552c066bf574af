//! Kyverno's rules about images: `verifyImages` of a ClusterPolicy (<https://kyverno.io/docs/policy-types/cluster-policy/verify-images/>)
//! and ImageValidatingPolicy (<https://kyverno.io/docs/policy-types/image-validating-policy/>).

use super::{Draft, keyless, keys};
use crate::tree::Node;
use crate::yaml::Out;

/// Reads a ClusterPolicy.
pub(super) fn cluster_policy(document: &Node, draft: &mut Draft) {
    let name = document.text_at(&["metadata", "name"]).unwrap_or_else(|| "policy".to_owned());
    let action = document.text_at(&["spec", "validationFailureAction"]);
    for rule in document.items_at(&["spec", "rules"]) {
        let own = rule.text_at(&["name"]).unwrap_or_else(|| name.clone());
        if rule.items_at(&["verifyImages"]).is_empty() {
            draft.note(format!("the rule `{own}` of `{name}` verifies no images and was left out"));
            continue;
        }
        for key in ["exclude", "preconditions", "context"] {
            if rule.get(key).is_some() {
                draft.note(format!(
                    "`{own}`: `{key}` has no counterpart; the rule holds for all that its images match"
                ));
            }
        }
        for verify in rule.items_at(&["verifyImages"]) {
            let action = verify.text_at(&["failureAction"]).or_else(|| action.clone());
            let effect = if action.is_some_and(|action| action.eq_ignore_ascii_case("enforce")) {
                "deny"
            } else {
                "audit"
            };
            self::verify(verify, &own, effect, draft);
        }
    }
}

fn verify(verify: &Node, own: &str, effect: &str, draft: &mut Draft) {
    let images = patterns(verify.items_at(&["imageReferences"]));
    if !verify.items_at(&["skipImageReferences"]).is_empty() {
        draft.note(format!("`{own}`: the images that it skips are not skipped"));
    }
    for set in verify.items_at(&["attestors"]) {
        let (roots, at_least) = attestors(set, own, draft);
        if !roots.is_empty() {
            let params = of(&roots, at_least);
            draft.rule(&format!("{own}-signed"), "signed", Out::Map(params), &images, effect);
        }
    }
    for attestation in verify.items_at(&["attestations"]) {
        let kind = attestation
            .text_at(&["type"])
            .or_else(|| attestation.text_at(&["predicateType"]))
            .unwrap_or_default();
        let mut roots = Vec::new();
        let mut at_least = None;
        for set in attestation.items_at(&["attestors"]) {
            let (more, needed) = attestors(set, own, draft);
            roots.extend(more);
            at_least = needed;
        }
        if !attestation.items_at(&["conditions"]).is_empty() {
            draft.note(format!(
                "`{own}`: the conditions on `{kind}` have to be written as `conditions` in CEL"
            ));
        }
        if roots.is_empty() {
            draft.note(format!(
                "`{own}`: the attestation `{kind}` names no attestor that could be taken over"
            ));
            continue;
        }
        let mut params = vec![("type".to_owned(), Out::text(short_type(&kind)))];
        params.extend(of(&roots, at_least));
        draft.rule(&format!("{own}-attested"), "attested", Out::Map(params), &images, effect);
    }
    if verify.text_at(&["verifyDigest"]).as_deref() != Some("false") && verify.get("verifyDigest").is_some() {
        draft.rule(&format!("{own}-pinned"), "pinned", Out::Map(Vec::new()), &images, effect);
    }
}

/// Returns the trust roots of a set of attestors, and how many are needed where that is not all.
fn attestors(set: &Node, own: &str, draft: &mut Draft) -> (Vec<String>, Option<String>) {
    let mut roots = Vec::new();
    let entries = set.items_at(&["entries"]);
    for entry in entries {
        if let Some(root) = entry.text_at(&["keys", "publicKeys"]).as_deref().and_then(keys) {
            roots.push(draft.trust(own, "keys", root));
        } else if let Some(root) = entry.text_at(&["keys", "kms"]).as_deref().and_then(keys) {
            roots.push(draft.trust(own, "keys", root));
        } else if let Some(identity) = entry.get("keyless") {
            match keyless(identity) {
                Some(root) => roots.push(draft.trust(own, "keyless", root)),
                None => draft.note(format!(
                    "`{own}`: a keyless attestor has no issuer or no subject, which would trust anybody"
                )),
            }
        } else if let Some(certificate) =
            entry.text_at(&["certificates", "certChain"]).or_else(|| entry.text_at(&["certificates", "cert"]))
        {
            roots.push(draft.trust(own, "notation", Out::map([("ca", Out::texts([certificate]))])));
        } else {
            draft.note(format!(
                "`{own}`: an attestor that is neither keys, keyless nor certificates was left out"
            ));
        }
        for key in ["annotations", "repository"] {
            if entry.get(key).is_some() {
                draft.note(format!("`{own}`: `{key}` of an attestor has no counterpart"));
            }
        }
    }
    // Without a count all entries are needed.
    let at_least = set.text_at(&["count"]).unwrap_or_else(|| entries.len().to_string());
    let at_least = at_least.parse::<usize>().unwrap_or(entries.len());
    if at_least > roots.len() {
        draft.note(format!(
            "`{own}`: {at_least} attestors were needed, and {} could be taken over",
            roots.len()
        ));
    }
    roots.dedup();
    let at_least = at_least.min(roots.len());
    (roots, (at_least > 1).then(|| at_least.to_string()))
}

fn of(roots: &[String], at_least: Option<String>) -> Vec<(String, Out)> {
    let mut params = vec![("of".to_owned(), Out::texts(roots.iter().cloned()))];
    params.extend(at_least.map(|count| ("atLeast".to_owned(), Out::Plain(count))));
    params
}

/// Reads an ImageValidatingPolicy.
pub(super) fn image_validating_policy(document: &Node, draft: &mut Draft) {
    let name = document.text_at(&["metadata", "name"]).unwrap_or_else(|| "policy".to_owned());
    let actions: Vec<String> =
        document.items_at(&["spec", "validationActions"]).iter().filter_map(Node::text).collect();
    let effect = match actions.first().map(String::as_str) {
        Some("Audit") => "audit",
        Some("Warn") => "warn",
        _ => "deny",
    };
    let mut images = Vec::new();
    for reference in document.items_at(&["spec", "matchImageReferences"]) {
        match reference.text_at(&["glob"]) {
            Some(glob) => images.push(widened(&glob)),
            None => draft.note(format!("`{name}`: a selection of images by an expression was left out")),
        }
    }
    let mut attestors = Vec::new();
    for attestor in document.items_at(&["spec", "attestors"]) {
        let own = attestor.text_at(&["name"]).unwrap_or_else(|| "attestor".to_owned());
        let key = ["data", "kms"].iter().find_map(|key| attestor.text_at(&["cosign", "key", key]));
        let mut roots = Vec::new();
        if let Some(root) = key.as_deref().and_then(keys) {
            roots.push(draft.trust(&own, "keys", root));
        }
        for identity in attestor.items_at(&["cosign", "keyless", "identities"]) {
            match keyless(identity) {
                Some(root) => roots.push(draft.trust(&own, "keyless", root)),
                None => draft.note(format!(
                    "`{name}`: an identity of `{own}` has no issuer or no subject, which would trust anybody"
                )),
            }
        }
        if let Some(certificates) =
            attestor.text_at(&["notary", "certs", "value"]).or_else(|| attestor.text_at(&["notary", "certs"]))
        {
            roots.push(draft.trust(&own, "notation", Out::map([("ca", Out::texts([certificates]))])));
        }
        if roots.is_empty() {
            draft.note(format!("`{name}`: the attestor `{own}` has nothing that could be taken over"));
        }
        attestors.push((own, roots));
    }
    let mut attestations = Vec::new();
    for attestation in document.items_at(&["spec", "attestations"]) {
        let own = attestation.text_at(&["name"]).unwrap_or_default();
        let kind =
            attestation.text_at(&["intoto", "type"]).or_else(|| attestation.text_at(&["referrer", "type"]));
        attestations.push((own, kind.unwrap_or_default()));
    }
    for validation in document.items_at(&["spec", "validations"]) {
        let expression = validation.text_at(&["expression"]).unwrap_or_default();
        let roots: Vec<String> = attestors
            .iter()
            .filter(|(own, _)| mentions(&expression, &format!("attestors.{own}")))
            .flat_map(|(_, roots)| roots.clone())
            .collect();
        let kind = attestations
            .iter()
            .find(|(own, _)| mentions(&expression, &format!("attestations.{own}")))
            .map(|(_, kind)| kind.clone());
        let of = Out::texts(roots.iter().cloned());
        if roots.is_empty() {
            draft.note(format!(
                "`{name}`: the validation `{}` was left out",
                crate::read::shortened(&expression)
            ));
        } else if expression.contains("verifyImageSignatures(") {
            draft.rule(&format!("{name}-signed"), "signed", Out::map([("of", of)]), &images, effect);
        } else if let (true, Some(kind)) = (expression.contains("verifyAttestationSignatures("), kind) {
            let params = Out::map([("type", Out::text(short_type(&kind))), ("of", of)]);
            draft.rule(&format!("{name}-attested"), "attested", params, &images, effect);
        } else {
            draft.note(format!(
                "`{name}`: the validation `{}` was left out",
                crate::read::shortened(&expression)
            ));
        }
        if expression.contains("||") || expression.contains('!') || expression.contains("extractPayload") {
            draft.note(format!(
                "`{name}`: more of the validation `{}` than its signers has to be written in CEL",
                crate::read::shortened(&expression)
            ));
        }
    }
}

/// Returns whether an expression names something, and not merely something longer.
fn mentions(expression: &str, name: &str) -> bool {
    expression.match_indices(name).any(|(at, _)| {
        let after = expression.get(at + name.len()..).and_then(|rest| rest.chars().next());
        !after.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
    })
}

fn patterns(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(Node::text).map(|pattern| widened(&pattern)).collect()
}

/// Kyverno's `*` crosses slashes.
fn widened(pattern: &str) -> String {
    let mut widened = String::new();
    for letter in pattern.chars() {
        if letter == '*' {
            if !widened.ends_with('*') {
                widened.push_str("**");
            }
        } else {
            widened.push(letter);
        }
    }
    widened
}

/// Returns the short name of a predicate's type, where there is one.
pub(super) fn short_type(kind: &str) -> String {
    let known = ["slsa", "cyclonedx", "spdx", "vuln", "openvex"];
    let short = known.into_iter().find(|short| {
        crate::predicate::types(short).iter().any(|pattern| crate::pattern::matches(pattern, kind))
    });
    match (short, kind) {
        (Some(short), _) => short.to_owned(),
        (None, "slsaprovenance" | "slsaprovenance02" | "slsaprovenance1") => "slsa".to_owned(),
        (None, "spdxjson") => "spdx".to_owned(),
        (None, "") => "**".to_owned(),
        (None, other) => other.to_owned(),
    }
}
