//! Kyverno's ImageValidatingPolicy (<https://kyverno.io/docs/policy-types/image-validating-policy/>).
//!
//! Its validations are CEL. Those that do nothing but ask how many of some attestors have signed are taken over; what is written in
//! any other way is left out and told, as it may say anything.

use super::kyverno::{Group, Root, widened};
use super::{Draft, Identity, keyless, keys, short_type};
use crate::spelling::shortened;
use crate::tree::Node;
use crate::yaml::Out;

const NOT_UNDERSTOOD: &str = "only whether some attestors have signed is understood; write the rest in CEL";

/// Reads the policy.
pub(super) fn read(document: &Node, draft: &mut Draft) {
    let name = document.written_at(&["metadata", "name"]).unwrap_or_else(|| "policy".to_owned());
    let effect = effect(document);
    let mut images = Vec::new();
    for reference in document.items_at(&["spec", "matchImageReferences"]) {
        match reference.written_at(&["glob"]) {
            Some(glob) => images.extend(widened(&glob)),
            None => draft.note(format!(
                "`{name}`: a selection of images by an expression has no counterpart: its rules are for all"
            )),
        }
    }
    // A selection that could not be said must not leave out what it selects.
    if document.items_at(&["spec", "matchImageReferences"]).iter().any(|one| one.get("glob").is_none()) {
        images.clear();
    }
    for key in ["matchConditions", "auditAnnotations", "variables"] {
        if document.at(&["spec", key]).is_some() {
            draft.note(format!("`{name}`: `spec.{key}` has no counterpart"));
        }
    }
    let attestors: Vec<(String, Result<Vec<Root>, String>)> = document
        .items_at(&["spec", "attestors"])
        .iter()
        .map(|node| (node.written_at(&["name"]).unwrap_or_default(), attestor(node)))
        .collect();
    let attestations: Vec<(String, String)> = document
        .items_at(&["spec", "attestations"])
        .iter()
        .map(|node| {
            let kind =
                node.written_at(&["intoto", "type"]).or_else(|| node.written_at(&["referrer", "type"]));
            (node.written_at(&["name"]).unwrap_or_default(), kind.unwrap_or_default())
        })
        .collect();
    for validation in document.items_at(&["spec", "validations"]) {
        let expression = validation.written_at(&["expression"]).unwrap_or_default();
        let plain: String = expression.chars().filter(|letter| !letter.is_whitespace()).collect();
        let found = asked(&plain).ok_or_else(|| NOT_UNDERSTOOD.to_owned()).and_then(|asked| {
            let kind = match asked.attestation {
                None => None,
                Some(own) => Some(
                    attestations
                        .iter()
                        .find(|(other, _)| *other == own)
                        .map(|(_, kind)| kind)
                        .ok_or_else(|| format!("there is no attestation `{own}`"))?,
                ),
            };
            Ok((kind, group(&asked, &attestors)?))
        });
        match found {
            Ok((None, group)) => {
                let params = Out::Map(group.params(&name, draft));
                draft.rule(&format!("{name}-signed"), "signed", params, &images, effect);
            }
            Ok((Some(kind), group)) => {
                let mut params = vec![("type".to_owned(), Out::text(short_type(kind)))];
                params.extend(group.params(&name, draft));
                draft.rule(&format!("{name}-attested"), "attested", Out::Map(params), &images, effect);
            }
            Err(why) => draft
                .note(format!("`{name}`: the validation `{}` was left out: {why}", shortened(&expression))),
        }
    }
}

/// Returns what a policy leads to: the strictest of its actions, which all are done.
fn effect(document: &Node) -> &'static str {
    let node = document.at(&["spec", "validationActions"]);
    let actions: Vec<String> = match node {
        Some(node) if node.items().is_empty() => node.written().into_iter().collect(),
        Some(node) => node.items().iter().filter_map(Node::written).collect(),
        None => Vec::new(),
    };
    let any = |name: &str| actions.iter().any(|action| action.eq_ignore_ascii_case(name));
    match (any("deny"), any("warn"), any("audit")) {
        (false, true, _) => "warn",
        (false, false, true) => "audit",
        // Without any that is known it denies, as Kyverno does.
        _ => "deny",
    }
}

/// Returns the trust roots of which any one speaks for an attestor.
fn attestor(node: &Node) -> Result<Vec<Root>, String> {
    for key in [&["cosign", "annotations"][..], &["cosign", "certificate"], &["cosign", "keyless", "roots"]] {
        if node.at(key).is_some() {
            return Err(format!("`{}` of an attestor has no counterpart", key.join(".")));
        }
    }
    let mut roots = Vec::new();
    let key = ["data", "kms"].iter().find_map(|key| node.written_at(&["cosign", "key", key]));
    if let Some(keys) = key.as_deref().and_then(keys) {
        roots.push(("keys", Out::List(keys)));
    } else if node.at(&["cosign", "key"]).is_some() {
        return Err("the key of an attestor lies in the cluster; put it into a file".to_owned());
    }
    for identity in node.items_at(&["cosign", "keyless", "identities"]) {
        let root = keyless(identity, Identity::Exact);
        roots.push((
            "keyless",
            root.ok_or("an identity has no issuer or no subject, which would trust anybody")?,
        ));
    }
    if let Some(certificates) =
        node.written_at(&["notary", "certs", "value"]).or_else(|| node.written_at(&["notary", "certs"]))
    {
        roots.push(("notation", Out::map([("ca", Out::texts([certificates]))])));
    }
    if roots.is_empty() {
        Err("an attestor has nothing that could be taken over".to_owned())
    } else {
        Ok(roots)
    }
}

/// What a validation asks for.
#[derive(Debug, PartialEq, Eq)]
struct Asked<'a> {
    attestation: Option<&'a str>,
    attestors: Vec<&'a str>,
    at_least: usize,
}

fn group(asked: &Asked<'_>, attestors: &[(String, Result<Vec<Root>, String>)]) -> Result<Group, String> {
    let mut all: Vec<Vec<Root>> = Vec::new();
    for name in &asked.attestors {
        let found = attestors.iter().find(|(own, _)| own == name).map(|(_, roots)| roots);
        all.push(found.ok_or_else(|| format!("there is no attestor `{name}`"))?.clone()?);
    }
    if asked.at_least == 0 || asked.at_least > all.len() {
        return Err(format!("it asks for {} of {} attestors", asked.at_least, all.len()));
    }
    if asked.at_least > 1 && all.iter().any(|roots| roots.len() > 1) {
        return Err("several attestors are needed, one of which is known in several ways".to_owned());
    }
    let mut roots: Vec<Root> = Vec::new();
    for root in all.into_iter().flatten() {
        if !roots.contains(&root) {
            roots.push(root);
        } else if asked.at_least > 1 {
            return Err("several attestors are needed, two of which are the same".to_owned());
        }
    }
    Ok(Group { roots, at_least: asked.at_least })
}

/// Understands `images.containers.map(image, verifyImageSignatures(image, [attestors.a, attestors.b])).all(e, e > 0)` without its
/// blanks, and the same of `verifyAttestationSignatures(image, attestations.x, […])`.
fn asked(expression: &str) -> Option<Asked<'_>> {
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_alphanumeric() || "_-".contains(letter))
    };
    let (which, rest) = expression.strip_prefix("images.")?.split_once(".map(")?;
    let (image, rest) = rest.split_once(',')?;
    let (call, rest) = rest.split_once('(')?;
    let rest = rest.strip_prefix(image)?.strip_prefix(',')?;
    let (attestation, rest) = match call {
        "verifyImageSignatures" => (None, rest),
        "verifyAttestationSignatures" => {
            let (name, rest) = rest.strip_prefix("attestations.")?.split_once(',')?;
            (Some(name), rest)
        }
        _ => return None,
    };
    let (list, rest) = rest.strip_prefix('[')?.split_once("])).all(")?;
    let attestors: Vec<&str> =
        list.split(',').map(|one| one.strip_prefix("attestors.")).collect::<Option<_>>()?;
    let (count, rest) = rest.split_once(',')?;
    let compared = rest.strip_prefix(count)?.strip_suffix(')')?;
    let number = |text: &str| text.parse::<usize>().ok();
    let at_least = if let Some(least) = compared.strip_prefix(">=") {
        number(least)?
    } else if let Some(less) = compared.strip_prefix('>') {
        number(less)?.checked_add(1)?
    } else {
        // Exactly so many is at least so many only of all.
        compared.strip_prefix("==").and_then(number).filter(|exact| *exact == attestors.len())?
    };
    let names = [which, image, count].into_iter().chain(attestation).chain(attestors.iter().copied());
    names.into_iter().all(is_name).then_some(Asked { attestation, attestors, at_least })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_understood_wholly_is_taken_over() {
        let check = |text: &str, want: Option<(Option<&str>, &[&str], usize)>| {
            let got = asked(text);
            let want = want.map(|(attestation, attestors, at_least)| Asked {
                attestation,
                attestors: attestors.to_vec(),
                at_least,
            });
            assert_eq!(got, want, "{text}");
        };
        let call = "images.containers.map(i,verifyImageSignatures(i,[attestors.a,attestors.b]))";
        check(&format!("{call}.all(e,e>0)"), Some((None, &["a", "b"], 1)));
        check(&format!("{call}.all(e,e>=2)"), Some((None, &["a", "b"], 2)));
        check(&format!("{call}.all(e,e==2)"), Some((None, &["a", "b"], 2)));
        check(&format!("{call}.all(e,e==1)"), None);
        check(&format!("{call}.all(e,e>0||true)"), None);
        check(&format!("{call}.exists(e,e>0)"), None);
        check(&format!("{call}.all(e,e>0)&&{call}.all(e,e>0)"), None);
        check(&format!("!{call}.all(e,e>0)"), None);
        check("images.containers.map(i,verifyImageSignatures(j,[attestors.a])).all(e,e>0)", None);
        check(
            "images.all.map(i,verifyAttestationSignatures(i,attestations.sbom,[attestors.a])).all(e,e>0)",
            Some((Some("sbom"), &["a"], 1)),
        );
    }
}
