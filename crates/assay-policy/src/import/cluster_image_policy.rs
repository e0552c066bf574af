//! Sigstore's policy-controller (<https://docs.sigstore.dev/policy-controller/overview/>): any one authority satisfies a policy.

use super::{Draft, Identity, keyless, keys, short_type};
use crate::tree::Node;
use crate::yaml::Out;

/// Reads a ClusterImagePolicy.
pub(super) fn read(document: &Node, draft: &mut Draft) {
    let name = document.written_at(&["metadata", "name"]).unwrap_or_else(|| "policy".to_owned());
    let effect =
        if document.written_at(&["spec", "mode"]).as_deref() == Some("warn") { "warn" } else { "deny" };
    let mut images = Vec::new();
    for image in document.items_at(&["spec", "images"]) {
        match image.written_at(&["glob"]) {
            Some(glob) => images.push(spelled(&glob)),
            None => draft.note(format!("`{name}`: a selection of images that is no pattern was left out")),
        }
    }
    if images.is_empty() {
        draft.note(format!("`{name}` names no images that could be taken over: its rules are for all"));
    }
    for key in ["match", "policy"] {
        if document.at(&["spec", key]).is_some() {
            draft.note(format!("`{name}`: `spec.{key}` has no counterpart"));
        }
    }
    let (mut signers, mut types): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    let mut conditional: Vec<String> = Vec::new();
    let mut denies_all = false;
    for (number, authority) in document.items_at(&["spec", "authorities"]).iter().enumerate() {
        let own = authority.written_at(&["name"]).unwrap_or_else(|| format!("authority-{number}"));
        if let Some(action) = authority.written_at(&["static", "action"]) {
            denies_all |= action == "fail";
            draft.note(format!("`{name}`: the authority `{own}` says `{action}` to every image, which a policy here does by its rules"));
            continue;
        }
        for key in ["source", "rfc3161timestamp", "signatureFormat"] {
            if authority.get(key).is_some() {
                draft.note(format!("`{name}`: `{key}` of the authority `{own}` has no counterpart"));
            }
        }
        let mut roots = Vec::new();
        let key = ["data", "kms"].iter().find_map(|key| authority.written_at(&["key", key]));
        if let Some(keys) = key.as_deref().and_then(keys) {
            roots.push(draft.trust(&own, "keys", Out::List(keys)));
        } else if authority.get("key").is_some() {
            draft.note(format!(
                "`{name}`: the key of the authority `{own}` lies in the cluster; put it into a file"
            ));
        }
        for identity in authority.items_at(&["keyless", "identities"]) {
            match keyless(identity, Identity::Exact) {
                Some(root) => roots.push(draft.trust(&own, "keyless", root)),
                None => draft.note(format!(
                    "`{name}`: an identity of `{own}` has no issuer or no subject, which would trust anybody"
                )),
            }
        }
        if authority.at(&["keyless", "trustRootRef"]).is_some() {
            draft.note(format!(
                "`{name}`: put the trust root of `{own}` into a file and name it as `trustedRoot`"
            ));
        }
        let attestations = authority.items_at(&["attestations"]);
        if attestations.is_empty() {
            signers.extend(roots);
            continue;
        }
        for attestation in attestations {
            let kind = attestation.written_at(&["predicateType"]).unwrap_or_default();
            if attestation.get("policy").is_some() {
                conditional.push(short_type(&kind));
                draft.note(format!("`{name}`: the CUE or Rego policy on `{kind}` of `{own}` has to be written as `conditions` in CEL; until then nothing satisfies it"));
            }
            types.extend(roots.iter().map(|root| (short_type(&kind), root.clone())));
        }
    }
    if denies_all && signers.is_empty() && types.is_empty() {
        let params = Out::map([
            ("expression", Out::text("false")),
            ("message", Out::text(format!("`{name}` admits no image"))),
        ]);
        draft.rule(&format!("{name}-static"), "cel", params, &images, effect);
    }
    if !signers.is_empty() {
        draft.rule(
            &format!("{name}-signed"),
            "signed",
            Out::map([("of", Out::texts(signers))]),
            &images,
            effect,
        );
    }
    types.sort();
    types.dedup();
    let mut kinds: Vec<String> = types.iter().map(|(kind, _)| kind.clone()).collect();
    kinds.dedup();
    for kind in kinds {
        let of = types.iter().filter(|(other, _)| *other == kind).map(|(_, root)| root.clone());
        let mut params =
            vec![("type".to_owned(), Out::text(kind.clone())), ("of".to_owned(), Out::texts(of))];
        if conditional.contains(&kind) {
            params.push(super::unwritten());
        }
        draft.rule(&format!("{name}-attested"), "attested", Out::Map(params), &images, effect);
    }
}

/// Returns a pattern of images as it is here: one without a registry means Docker Hub's, but a lone star everything.
fn spelled(glob: &str) -> String {
    let (first, rest) = glob.split_once('/').unwrap_or(("", glob));
    let is_host = first == "localhost" || first.contains(['.', ':', '*']);
    match first {
        "" if rest == "*" || rest == "**" => "**".to_owned(),
        "index.docker.io" | "docker.io" if !rest.contains('/') && !rest.contains("**") => {
            format!("docker.io/library/{rest}")
        }
        "index.docker.io" => format!("docker.io/{rest}"),
        "" => format!("docker.io/library/{rest}"),
        _ if is_host => glob.to_owned(),
        _ => format!("docker.io/{glob}"),
    }
}
