//! Notation's trust policy
//! (<https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md>).

use super::Draft;
use crate::tree::Node;
use crate::yaml::Out;

/// Reads a trust policy.
pub(super) fn read(document: &Node, draft: &mut Draft) {
    for policy in document.items_at(&["trustPolicies"]) {
        let name = policy.written_at(&["name"]).unwrap_or_else(|| "notation".to_owned());
        let level =
            policy.written_at(&["signatureVerification", "level"]).unwrap_or_else(|| "strict".to_owned());
        if level == "skip" {
            draft.note(format!("`{name}` skips verification: nothing is asked of its images"));
            continue;
        }
        if policy.at(&["signatureVerification", "override"]).is_some() {
            draft.note(format!("`{name}`: the overrides of its level were left out"));
        }
        let scopes: Vec<String> =
            policy.items_at(&["registryScopes"]).iter().filter_map(Node::written).collect();
        // A lone star stands for everything.
        let images: Vec<String> = scopes
            .iter()
            .filter(|scope| *scope != "*")
            .flat_map(|scope| [scope.clone(), format!("{scope}:*"), format!("{scope}*@*")])
            .collect();
        let (mut authorities, mut stamps) = (Vec::new(), Vec::new());
        for store in policy.items_at(&["trustStores"]).iter().filter_map(Node::written) {
            match store.split_once(':') {
                Some(("ca", store)) => authorities.push(format!("truststore/x509/ca/{store}")),
                Some(("tsa", store)) => stamps.push(format!("truststore/x509/tsa/{store}")),
                _ => draft.note(format!("`{name}`: the trust store `{store}` has no counterpart")),
            }
        }
        if authorities.is_empty() {
            draft.note(format!("`{name}` names no certificate authority and was left out"));
            continue;
        }
        draft.note(format!(
            "`{name}`: check that the paths of its certificates are right, relative to the policy"
        ));
        let identities: Vec<String> =
            policy.items_at(&["trustedIdentities"]).iter().filter_map(Node::written).collect();
        if identities.is_empty() {
            draft.note(format!("`{name}` names no identity, which would trust anybody, and was left out"));
            continue;
        }
        let mut root = vec![("ca".to_owned(), Out::texts(authorities))];
        if !identities.iter().any(|identity| identity == "*") {
            // Notation writes `x509.subject: C=US, …`.
            root.push(("identities".to_owned(), Out::texts(identities)));
        }
        if !stamps.is_empty() {
            root.push(("timestampAuthorities".to_owned(), Out::texts(stamps)));
        }
        if level == "permissive" {
            draft.note(format!(
                "`{name}` was permissive: here an expired or unchecked certificate is refused"
            ));
        }
        let trust = draft.trust(&name, "notation", Out::Map(root));
        let effect = if level == "audit" { "audit" } else { "deny" };
        draft.rule(
            &format!("{name}-signed"),
            "signed",
            Out::map([("of", Out::texts([trust]))]),
            &images,
            effect,
        );
    }
}
