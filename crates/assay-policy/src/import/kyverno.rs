//! Kyverno's rules about images: `verifyImages` of a ClusterPolicy (<https://kyverno.io/docs/policy-types/cluster-policy/verify-images/>).
//!
//! What a set of attestors asks for is taken over exactly, or not at all and with the reason: a rule that looks alike and asks for
//! less would be worse than none.

use super::{Draft, Identity, keyless, keys, short_type};
use crate::tree::Node;
use crate::yaml::Out;

/// Sets within sets within sets are not read for ever.
const MAX_DEPTH: usize = 8;

/// A trust root: its kind, and what it holds.
pub(super) type Root = (&'static str, Out);

/// So many of these trust roots must have signed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Group {
    pub(super) roots: Vec<Root>,
    pub(super) at_least: usize,
}

impl Group {
    /// Adds the trust roots, and returns the parameters that name them.
    pub(super) fn params(self, own: &str, draft: &mut Draft) -> Vec<(String, Out)> {
        let roots: Vec<String> =
            self.roots.into_iter().map(|(kind, root)| draft.trust(own, kind, root)).collect();
        let mut params = vec![("of".to_owned(), Out::texts(roots))];
        if self.at_least > 1 {
            params.push(("atLeast".to_owned(), Out::Plain(self.at_least.to_string())));
        }
        params
    }
}

/// Reads a ClusterPolicy.
pub(super) fn cluster_policy(document: &Node, draft: &mut Draft) {
    let name = document.written_at(&["metadata", "name"]).unwrap_or_else(|| "policy".to_owned());
    for rule in document.items_at(&["spec", "rules"]) {
        let own = rule.written_at(&["name"]).unwrap_or_else(|| name.clone());
        if rule.items_at(&["verifyImages"]).is_empty() {
            draft.note(format!("the rule `{own}` of `{name}` verifies no images and was left out"));
            continue;
        }
        for key in ["match", "exclude", "preconditions", "context"] {
            if rule.get(key).is_some() {
                draft.note(format!(
                    "`{own}`: `{key}` has no counterpart; the rule holds for all that its images match"
                ));
            }
        }
        for verify in rule.items_at(&["verifyImages"]) {
            let effect = effect(document, verify, &own, draft);
            self::verify(verify, &own, effect, draft);
        }
    }
}

/// Returns what a rule leads to. Where namespaces differ, the strictest holds for all.
fn effect(document: &Node, verify: &Node, own: &str, draft: &mut Draft) -> &'static str {
    let general = verify
        .written_at(&["failureAction"])
        .or_else(|| document.written_at(&["spec", "validationFailureAction"]))
        .unwrap_or_else(|| "Audit".to_owned());
    let overrides =
        [verify.at(&["failureActionOverrides"]), document.at(&["spec", "validationFailureActionOverrides"])];
    let special =
        overrides.into_iter().flatten().flat_map(Node::items).filter_map(|one| one.written_at(&["action"]));
    let mut actions: Vec<String> = special.collect();
    actions.push(general);
    let enforced = |action: &String| action.eq_ignore_ascii_case("enforce");
    if actions.iter().any(enforced) != actions.iter().all(enforced) {
        draft.note(format!("`{own}` is enforced in some namespaces; here it is in all"));
    }
    if actions.iter().any(enforced) { "deny" } else { "audit" }
}

fn verify(verify: &Node, own: &str, effect: &str, draft: &mut Draft) {
    let images = patterns(verify.items_at(&["imageReferences"]));
    let is_notary = verify.written_at(&["type"]).is_some_and(|kind| kind.eq_ignore_ascii_case("notary"));
    if !verify.items_at(&["skipImageReferences"]).is_empty() {
        draft.note(format!("`{own}`: the images that it skips are not skipped"));
    }
    for key in ["key", "issuer", "subject", "roots", "annotations", "validate"] {
        if verify.get(key).is_some() {
            draft.note(format!("`{own}`: `{key}` beside the attestors has no counterpart and was left out"));
        }
    }
    let mut asked = false;
    for set in verify.items_at(&["attestors"]) {
        match groups(set, is_notary, 0) {
            Ok(groups) => {
                told(set, own, draft);
                for group in groups {
                    asked = true;
                    let params = group.params(own, draft);
                    draft.rule(&format!("{own}-signed"), "signed", Out::Map(params), &images, effect);
                }
            }
            Err(why) => draft.note(format!("`{own}`: a set of attestors was left out: {why}")),
        }
    }
    for attestation in verify.items_at(&["attestations"]) {
        asked |= attested(attestation, (own, is_notary), &images, effect, draft);
    }
    // Kyverno itself puts the digest there, unless it is told not to.
    let is = |key: &str, truth: &str| verify.written_at(&[key]).as_deref() == Some(truth);
    if is("verifyDigest", "true") || is("mutateDigest", "false") && !is("verifyDigest", "false") {
        asked = true;
        draft.rule(&format!("{own}-pinned"), "pinned", Out::Map(Vec::new()), &images, effect);
    }
    if !asked {
        draft.note(format!("`{own}`: nothing of it could be taken over: its images are not checked"));
    }
}

/// Adds the rules for an attestation, and returns whether there are any.
fn attested(
    attestation: &Node,
    (own, is_notary): (&str, bool),
    images: &[String],
    effect: &str,
    draft: &mut Draft,
) -> bool {
    let kind = attestation.written_at(&["type"]).or_else(|| attestation.written_at(&["predicateType"]));
    let kind = kind.unwrap_or_default();
    let left_out = |why: &str| format!("`{own}`: the attestation `{kind}` was left out: {why}");
    if is_notary {
        draft.note(left_out("those of Notation have no counterpart"));
        return false;
    }
    let sets = attestation.items_at(&["attestors"]);
    if sets.is_empty() {
        draft.note(left_out("it names no attestor, and anybody could make it"));
        return false;
    }
    let has_conditions = !attestation.items_at(&["conditions"]).is_empty();
    let mut asked = false;
    for set in sets {
        match groups(set, false, 0) {
            Ok(groups) => {
                told(set, own, draft);
                for group in groups {
                    asked = true;
                    let mut params = vec![("type".to_owned(), Out::text(short_type(&kind)))];
                    params.extend(group.params(own, draft));
                    if has_conditions {
                        params.push(super::unwritten());
                    }
                    draft.rule(&format!("{own}-attested"), "attested", Out::Map(params), images, effect);
                }
            }
            Err(why) => draft.note(left_out(&why)),
        }
    }
    if asked && has_conditions {
        draft.note(format!(
            "`{own}`: the conditions on `{kind}` have to be written as `conditions` in CEL; until then nothing satisfies them"
        ));
    }
    asked
}

/// Tells in what a set that was taken over asks for something else here; all of that is stricter, but for the log.
fn told(set: &Node, own: &str, draft: &mut Draft) {
    for entry in set.items_at(&["entries"]) {
        if entry.get("repository").is_some() {
            draft.note(format!(
                "`{own}`: signatures are looked for beside the image, not in another `repository`"
            ));
        }
        let ignores =
            |kind: &str| entry.written_at(&[kind, "rekor", "ignoreTlog"]).as_deref() == Some("true");
        if entry.get("keys").is_some() && !ignores("keys") {
            draft.note(format!(
                "`{own}`: Kyverno also asks for an entry in Rekor; of keys that is not asked here"
            ));
        }
        if ignores("keyless") {
            draft.note(format!(
                "`{own}`: Kyverno asks for no entry in Rekor; here `transparencyLog: false` would say so"
            ));
        }
        if let Some(inner) = entry.get("attestor") {
            told(inner, own, draft);
        }
    }
}

/// What one entry of a set asks for.
enum Entry {
    Root(Root),
    Set(Vec<Group>),
}

/// Returns what a set of attestors asks for: all of these groups.
fn groups(set: &Node, is_notary: bool, depth: usize) -> Result<Vec<Group>, String> {
    if depth > MAX_DEPTH {
        return Err("its sets are nested too deep".to_owned());
    }
    let mut entries = Vec::new();
    for node in set.items_at(&["entries"]) {
        entries.extend(entry(node, is_notary, depth)?);
    }
    let count = match set.written_at(&["count"]) {
        // Without a count all entries are needed.
        None => entries.len(),
        Some(text) => text.parse().map_err(|_| format!("its count is `{text}`"))?,
    };
    if count == 0 || count > entries.len() {
        return Err(format!("it asks for {count} of {} attestors", entries.len()));
    }
    let (mut roots, mut sets): (Vec<Root>, Vec<Vec<Group>>) = (Vec::new(), Vec::new());
    let all = entries.len();
    for entry in entries {
        match entry {
            Entry::Root(root) => roots.push(root),
            Entry::Set(groups) => sets.push(groups),
        }
    }
    let plain = roots.len();
    let mut distinct: Vec<Root> = Vec::new();
    for root in roots {
        if !distinct.contains(&root) {
            distinct.push(root);
        }
    }
    if count == all {
        let own = Group { at_least: distinct.len(), roots: distinct };
        return Ok(Some(own)
            .filter(|own| !own.roots.is_empty())
            .into_iter()
            .chain(sets.into_iter().flatten())
            .collect());
    }
    if count == 1 {
        // Any one: of sets, too, where any one of theirs is enough.
        for groups in sets {
            match groups.as_slice() {
                [Group { roots, at_least: 1 }] => distinct.extend(roots.iter().cloned()),
                _ => return Err("one of a set's attestors is a set of which several are needed".to_owned()),
            }
        }
        return Ok(vec![Group { roots: distinct, at_least: 1 }]);
    }
    if !sets.is_empty() {
        return Err(format!("it asks for {count} of {all} attestors, some of which are sets"));
    }
    if distinct.len() < plain {
        return Err(format!("it asks for {count} of {all} attestors, some of which are the same"));
    }
    Ok(vec![Group { roots: distinct, at_least: count }])
}

fn entry(entry: &Node, is_notary: bool, depth: usize) -> Result<Vec<Entry>, String> {
    if entry.get("annotations").is_some() {
        return Err("it asks for annotations of signatures, which have no counterpart".to_owned());
    }
    if let Some(inner) = entry.get("attestor") {
        return Ok(vec![Entry::Set(groups(inner, is_notary, depth.saturating_add(1))?)]);
    }
    if entry.get("keys").is_some() {
        let text = ["publicKeys", "kms"].iter().find_map(|key| entry.written_at(&["keys", key]));
        // Kyverno takes each of several keys in one text for an attestor of its own.
        return match text.as_deref().and_then(keys) {
            Some(keys) => {
                Ok(keys.into_iter().map(|key| Entry::Root(("keys", Out::List(vec![key])))).collect())
            }
            None => Err("a key lies in the cluster; put it into a file".to_owned()),
        };
    }
    if let Some(identity) = entry.get("keyless") {
        for key in ["roots", "additionalExtensions"] {
            if identity.get(key).is_some() {
                return Err(format!("`{key}` of a keyless attestor has no counterpart"));
            }
        }
        let root = keyless(identity, Identity::Wildcards);
        return root.map(|root| vec![Entry::Root(("keyless", root))]).ok_or_else(|| {
            "a keyless attestor has no issuer or no subject, which would trust anybody".to_owned()
        });
    }
    let certificate = entry
        .written_at(&["certificates", "certChain"])
        .or_else(|| entry.written_at(&["certificates", "cert"]));
    match certificate {
        Some(certificate) if is_notary => {
            Ok(vec![Entry::Root(("notation", Out::map([("ca", Out::texts([certificate]))])))])
        }
        Some(_) => Err("certificates are those of Notation here, and it is of cosign".to_owned()),
        None => Err("an attestor is neither keys, keyless nor certificates".to_owned()),
    }
}

pub(super) fn patterns(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(Node::written).flat_map(|pattern| widened(&pattern)).collect()
}

/// Returns what a pattern is here. Kyverno's `*` crosses slashes, its `?` is any letter, and its Docker Hub has no `library`.
pub(super) fn widened(pattern: &str) -> Vec<String> {
    let mut widened = String::new();
    for letter in pattern.chars() {
        if letter == '*' || letter == '?' {
            if !widened.ends_with('*') {
                widened.push_str("**");
            }
        } else {
            widened.push(letter);
        }
    }
    let official = widened.strip_prefix("docker.io/").filter(|name| !name.contains('/'));
    let official = official.map(|name| format!("docker.io/library/{name}"));
    std::iter::once(widened).chain(official).collect()
}
