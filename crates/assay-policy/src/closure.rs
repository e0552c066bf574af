//! What is asked of evidence, over an index and its images: the index satisfies it, or every image that may run does.
//!
//! Whoever signs an index vouches for its children; whoever signs one child vouches for no other. Evidence is told by digest.

use crate::facts::{Candidate, Claim, Evidence, Facts, ImageFacts};
use crate::pattern;
use crate::reasons::Reasons;
use assay_model::Digest;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What to do when a registry does not answer.
const TRY_AGAIN: &str = "check that the registry can be reached, and try again";

/// What to do about an image that was judged away from its registry.
const NAME_IT: &str = "name the image by its registry, so that what is attached to it can be read";

/// Says whether a candidate is a signature; no attestation is one.
pub(crate) fn signature(candidate: &Candidate) -> Option<Result<(), String>> {
    match &candidate.claim {
        Claim::Signature => Some(Ok(())),
        Claim::Unreadable(why) => Some(Err(why.clone())),
        Claim::Attestation { .. } => None,
    }
}

/// Says whether a candidate is an attestation of one of these types, and lets `judge` say whether it is good enough.
pub(crate) fn attestation(
    candidate: &Candidate,
    types: &[String],
    judge: impl Fn(&Json) -> Result<(), String>,
) -> Option<Result<(), String>> {
    match &candidate.claim {
        Claim::Attestation { predicate_type, predicate } => {
            pattern::any(types, predicate_type).then(|| judge(predicate))
        }
        Claim::Unreadable(why) => Some(Err(why.clone())),
        Claim::Signature => None,
    }
}

/// Returns whether everything is known that there is about an image and its index, and adds a reason unless it is: for rules that
/// may pass because something is not there.
pub(crate) fn is_all_known(facts: &Facts<'_>, image: &ImageFacts<'_>, out: &mut Reasons<'_, '_>) -> bool {
    let evidence = &facts.evidence;
    let Some(digest) = image.digest else {
        out.missing(
            Some(image),
            "no evidence: what has no digest of a manifest has nothing attached to it",
            NAME_IT,
        );
        return false;
    };
    let subjects: Vec<Digest> = std::iter::once(digest).chain(facts.index).collect();
    if let Some(failure) = subjects.iter().find_map(|subject| evidence.failed.get(subject)) {
        out.missing(
            Some(image),
            format!("what is attached to the image could not be looked up: {failure}"),
            TRY_AGAIN,
        );
        return false;
    }
    if !subjects.iter().all(|subject| evidence.listed.contains(subject)) {
        out.missing(Some(image), "no evidence: what is attached to the image was not looked up", NAME_IT);
        return false;
    }
    let unread = evidence.candidates.iter().find_map(|one| match &one.claim {
        // What was looked at by no trust root was not fetched; what was, and makes no sense, proves nothing.
        Claim::Unreadable(why) if one.checks.is_empty() && subjects.contains(&one.subject) => Some(why),
        _ => None,
    });
    if let Some(why) = unread {
        out.missing(
            Some(image),
            format!("not all that is attached to the image could be read: {why}"),
            TRY_AGAIN,
        );
    }
    unread.is_none()
}

/// What is asked for.
pub(crate) struct Requirement<'a> {
    /// In words, to follow "no" and "has no": `signature`, `provenance`.
    pub(crate) what: &'a str,
    /// The trust roots that count.
    pub(crate) of: Vec<&'a str>,
    /// How many of them are needed.
    pub(crate) at_least: u64,
    /// How to get it: a command.
    pub(crate) remedy: String,
}

/// What one digest has.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The trust roots that vouch for it.
    pub(crate) roots: BTreeSet<String>,
    /// Who signed, each by which of the roots: two roots that trust one key are not two signers.
    signers: BTreeSet<(String, String)>,
    /// What does not count, and why.
    pub(crate) misses: Vec<String>,
    /// Whether evidence was looked for.
    pub(crate) looked: bool,
    /// Why it could not be looked for.
    pub(crate) failure: Option<String>,
    /// Whether something of the kind is there at all.
    pub(crate) any: bool,
}

impl Found {
    /// Returns how many roots there are with a signer of their own each: the size of a maximum matching of the two. A root that trusts
    /// two keys is one root, and a key that two roots trust is one signer.
    fn count(&self) -> u64 {
        let mut taken = Vec::new();
        self.roots.iter().filter(|root| self.seat(root, &mut taken, &mut BTreeSet::new())).count() as u64
    }

    /// Finds a signer for a root; one that is taken is given up by its root if that finds itself another.
    fn seat<'a>(
        &'a self,
        root: &str,
        taken: &mut Vec<(&'a str, String)>,
        tried: &mut BTreeSet<&'a str>,
    ) -> bool {
        for (_, signer) in self.signers.iter().filter(|(by, _)| by == root) {
            if !tried.insert(signer) {
                continue;
            }
            let holder = taken.iter().find(|(other, _)| other == signer).map(|(_, holder)| holder.clone());
            if holder.is_none_or(|holder| self.seat(&holder, taken, tried)) {
                taken.retain(|(other, _)| other != signer);
                taken.push((signer, root.to_owned()));
                return true;
            }
        }
        false
    }
}

/// Looks through what there is about one digest. `accept` says of a candidate whether it is of the wanted kind (`None` when it is
/// not), and why it is not good enough.
pub(crate) fn look(
    evidence: &Evidence,
    digest: Digest,
    of: &[&str],
    accept: &dyn Fn(&Candidate) -> Option<Result<(), String>>,
) -> Found {
    let mut found = Found {
        looked: evidence.listed.contains(&digest),
        failure: evidence.failed.get(&digest).cloned(),
        ..Found::default()
    };
    for candidate in evidence.candidates.iter().filter(|candidate| candidate.subject == digest) {
        let what = candidate.what();
        let Some(judged) = accept(candidate) else {
            found.misses.push(format!("{what}: is something else"));
            continue;
        };
        found.any = true;
        let mut whys = Vec::new();
        for root in of {
            match candidate.checks.get(*root) {
                Some(Ok(signer)) => match &judged {
                    Ok(()) => {
                        found.roots.insert((*root).to_owned());
                        found.signers.insert(((*root).to_owned(), signer.clone()));
                    }
                    Err(why) => whys.push(why.clone()),
                },
                Some(Err(why)) => whys.push(format!("not by `{root}`: {why}")),
                None => whys.push(match &judged {
                    Ok(()) => format!("not checked against `{root}`"),
                    Err(why) => why.clone(),
                }),
            }
        }
        whys.dedup();
        if !whys.is_empty()
            && !found.roots.iter().any(|root| candidate.checks.get(root).is_some_and(Result::is_ok))
        {
            found.misses.push(format!("{what}: {}", whys.join("; ")));
        }
    }
    found
}

/// Adds a reason unless the index, or every image that may run, has what is asked for.
pub(crate) fn require(
    facts: &Facts<'_>,
    requirement: &Requirement<'_>,
    accept: &dyn Fn(&Candidate) -> Option<Result<(), String>>,
    out: &mut Reasons<'_, '_>,
) {
    let evidence = &facts.evidence;
    let enough = |found: &Found| found.count() >= requirement.at_least;
    let mut of_index = None;
    if let Some(index) = facts.index {
        let found = look(evidence, index, &requirement.of, accept);
        if enough(&found) {
            return;
        }
        of_index = Some(found);
    }
    for image in &facts.images {
        let Some(digest) = image.digest else {
            out.missing(
                Some(image),
                format!("no {}: what has no digest of a manifest cannot have any", requirement.what),
                requirement.remedy.clone(),
            );
            continue;
        };
        let found = look(evidence, digest, &requirement.of, accept);
        if !enough(&found) {
            lacking(image, requirement, found, of_index.as_ref(), out);
        }
    }
}

fn lacking(
    image: &ImageFacts<'_>,
    requirement: &Requirement<'_>,
    mut found: Found,
    of_index: Option<&Found>,
    out: &mut Reasons<'_, '_>,
) {
    let what = requirement.what;
    if let Some(index) = of_index {
        found.misses.extend(index.misses.iter().map(|miss| format!("of the index: {miss}")));
        found.any |= index.any;
        found.failure = found.failure.or_else(|| index.failure.clone());
    }
    if let Some(failure) = found.failure {
        return out.missing(
            Some(image),
            format!("whether there is a {what} could not be looked up: {failure}"),
            TRY_AGAIN,
        );
    }
    if !found.looked {
        return out.missing(
            Some(image),
            format!("no evidence: whether there is a {what} was not looked up"),
            NAME_IT,
        );
    }
    let wanted = requirement.of.iter().map(|root| format!("`{root}`")).collect::<Vec<_>>().join(", ");
    if !found.any && found.roots.is_empty() {
        let count = found.misses.len();
        let beside = if count == 0 { String::new() } else { format!("; of {count} other attached") };
        out.missing_with(
            Some(image),
            format!("no evidence: the image has no {what} (wanted by {wanted}){beside}"),
            found.misses,
            requirement.remedy.clone(),
        );
        return;
    }
    let message = if requirement.at_least > 1 {
        format!("{} of {} needed {what}s by {wanted}", found.count(), requirement.at_least)
    } else {
        format!("no {what} that counts (wanted by {wanted})")
    };
    out.near_misses(Some(image), message, found.misses, requirement.remedy.clone());
}

#[cfg(test)]
mod tests {
    use super::Found;

    fn check(pairs: &[(&str, &str)], expected: u64) {
        let signers = pairs.iter().map(|(root, signer)| ((*root).to_owned(), (*signer).to_owned())).collect();
        let roots = pairs.iter().map(|(root, _)| (*root).to_owned()).collect();
        assert_eq!(Found { roots, signers, ..Found::default() }.count(), expected, "{pairs:?}");
    }

    #[test]
    fn every_root_needs_a_signer_of_its_own() {
        check(&[], 0);
        check(&[("a", "1"), ("b", "1")], 1);
        check(&[("a", "1"), ("a", "2")], 1);
        // Three roots and three signers, of whom two serve one root only.
        check(&[("a", "1"), ("a", "2"), ("a", "3"), ("b", "1"), ("c", "1")], 2);
        // Whoever comes first must give way.
        check(&[("a", "1"), ("a", "2"), ("b", "1")], 2);
        check(&[("a", "1"), ("a", "2"), ("b", "1"), ("b", "3"), ("c", "1")], 3);
        check(&[("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("c", "1"), ("c", "2")], 2);
    }
}
