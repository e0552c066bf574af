//! What verification of an image came to: who signed it, and for each piece of evidence why it counts or does not.

use super::image::{Request, Wanted};
use super::{Code, Format, Found, Refusal, Signer, Verified};
use assay_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What verification of an image came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The image.
    pub subject: Digest,
    /// Whether enough distinct signers are proven.
    pub verified: bool,
    /// How many distinct signers there must be.
    pub threshold: usize,
    /// The distinct signers that are proven.
    pub signers: Vec<Signer>,
    /// In one line, what was found and what became of it.
    pub summary: String,
    /// Every piece of evidence.
    pub candidates: Vec<CandidateOutcome>,
    /// How many pieces were not looked at, because there are too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: usize,
}

/// What became of one piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateOutcome {
    /// Where it was found.
    pub found: Found,
    /// What kind of evidence it is.
    pub format: Format,
    /// What it claims to claim; not proven unless a root says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// What each trust root says.
    pub roots: Vec<RootOutcome>,
}

/// What one trust root says about one piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RootOutcome {
    /// The name of the trust root.
    pub root: String,
    /// What it says.
    #[serde(flatten)]
    pub judgement: Judgement,
}

/// Whether evidence counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Judgement {
    /// It counts.
    Verified(Box<Verified>),
    /// It does not.
    Refused(Refusal),
}

impl From<Result<Verified, Refusal>> for Judgement {
    fn from(result: Result<Verified, Refusal>) -> Self {
        match result {
            Ok(verified) => Self::Verified(Box::new(verified)),
            Err(refusal) => Self::Refused(refusal),
        }
    }
}

impl Outcome {
    /// Returns what is proven, with the name of the root that says so.
    pub fn verified(&self) -> impl Iterator<Item = (&str, &CandidateOutcome, &Verified)> {
        self.candidates.iter().flat_map(|candidate| {
            candidate.roots.iter().filter_map(move |root| match &root.judgement {
                Judgement::Verified(verified) => Some((root.root.as_str(), candidate, verified.as_ref())),
                Judgement::Refused(_) => None,
            })
        })
    }

    /// Returns the distinct signers that one trust root vouches for.
    pub fn signers_of(&self, root: &str) -> Vec<&Signer> {
        distinct(
            self.verified().filter(|(name, _, _)| *name == root).map(|(_, _, verified)| &verified.signer),
        )
    }
}

impl CandidateOutcome {
    /// Returns the refusal of the root that came nearest, or `None` when one verified it.
    pub fn refusal(&self) -> Option<&Refusal> {
        let mut nearest: Option<&Refusal> = None;
        for root in &self.roots {
            match &root.judgement {
                Judgement::Verified(_) => return None,
                Judgement::Refused(refusal) => {
                    if nearest.is_none_or(|known| known.code.nearness() < refusal.code.nearness()) {
                        nearest = Some(refusal);
                    }
                }
            }
        }
        nearest
    }
}

/// Returns the signers of which none is another by another name: two certificates of one key are one signer.
pub fn distinct<'a>(signers: impl Iterator<Item = &'a Signer>) -> Vec<&'a Signer> {
    people(signers).into_iter().filter_map(|names| names.first().copied()).collect()
}

/// Returns the signers, those who are one together. In which order they come makes no difference: one that has a name of each of two
/// others is both, which were one all along.
pub fn people<'a>(signers: impl Iterator<Item = &'a Signer>) -> Vec<Vec<&'a Signer>> {
    let mut people: Vec<Person<'a>> = Vec::new();
    for (at, signer) in signers.enumerate() {
        let names: BTreeSet<String> = signer.identifiers().into_iter().collect();
        let mut person = Person { members: vec![(at, signer)], names };
        let (same, others): (Vec<_>, Vec<_>) =
            people.into_iter().partition(|known| !known.names.is_disjoint(&person.names));
        for known in same {
            person.members.extend(known.members);
            person.names.extend(known.names);
        }
        person.members.sort_by_key(|(at, _)| *at);
        people = others;
        people.push(person);
    }
    people.sort_by_key(|person| person.members.first().map(|(at, _)| *at));
    people.into_iter().map(|person| person.members.into_iter().map(|(_, signer)| signer).collect()).collect()
}

/// Signers who are one, each with where it came.
struct Person<'a> {
    members: Vec<(usize, &'a Signer)>,
    names: BTreeSet<String>,
}

pub(super) fn conclude(request: &Request<'_>, candidates: Vec<CandidateOutcome>, skipped: usize) -> Outcome {
    // No threshold means one: nothing is verified by nobody.
    let threshold = request.threshold.max(1);
    let mut outcome = Outcome {
        subject: *request.subject,
        verified: false,
        threshold,
        signers: Vec::new(),
        summary: String::new(),
        candidates,
        skipped,
    };
    let signers: Vec<Signer> =
        distinct(outcome.verified().map(|(_, _, verified)| &verified.signer)).into_iter().cloned().collect();
    outcome.verified = signers.len() >= threshold;
    outcome.signers = signers;
    outcome.summary = summary(&outcome, &request.wanted);
    outcome
}

/// Writes what was found and what became of it: "3 bundles found: 2 wrong predicate, 1 wrong identity (signed by …)".
fn summary(outcome: &Outcome, wanted: &Wanted) -> String {
    let what = match wanted {
        Wanted::Signature => "signature",
        Wanted::Attestation(_) => "attestation",
        Wanted::Anything => "evidence",
    };
    if outcome.candidates.is_empty() {
        return format!("no {what} found");
    }
    let mut formats: BTreeMap<Format, usize> = BTreeMap::new();
    let mut refusals: BTreeMap<Code, (usize, &str)> = BTreeMap::new();
    for candidate in &outcome.candidates {
        let format =
            if candidate.format == Format::NotationCose { Format::NotationJws } else { candidate.format };
        *formats.entry(format).or_default() += 1;
        if let Some(refusal) = candidate.refusal() {
            refusals.entry(refusal.code).or_insert((0, &refusal.message)).0 += 1;
        }
    }
    let found: Vec<String> =
        formats.iter().map(|(format, count)| format!("{count} {}", format.noun(*count))).collect();
    let mut parts = Vec::new();
    let refused: usize = refusals.values().map(|(count, _)| count).sum();
    // Where nobody is trusted there is neither a refusal nor a proof.
    let unjudged = outcome.candidates.iter().filter(|candidate| candidate.roots.is_empty()).count();
    let good = outcome.candidates.len().saturating_sub(refused).saturating_sub(unjudged);
    if good > 0 {
        parts.push(format!("{good} verified"));
    }
    if unjudged > 0 {
        parts.push(format!("{unjudged} not judged (nobody is trusted)"));
    }
    for (code, (count, message)) in &refusals {
        parts.push(format!("{count} {} ({message})", code.words()));
    }
    if outcome.skipped > 0 {
        parts.push(format!("{} not looked at", outcome.skipped));
    }
    let mut text = format!("{} found: {}", found.join(", "), parts.join(", "));
    if outcome.threshold > 1 {
        text.push_str(&format!("; {} of {} signers", outcome.signers.len(), outcome.threshold));
    }
    text
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the interface of `skip_serializing_if`")]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(subject: &str, key: &str) -> Signer {
        let (subject, key) = (subject.to_owned(), key.to_owned());
        Signer::Certificate { subject, fingerprint: String::new(), key }
    }

    #[test]
    fn the_order_of_signers_makes_no_difference() {
        // The third has a name of each of the first two, and so has the key of the fourth.
        let all = [
            certificate("CN=a", "1"),
            certificate("CN=b", "2"),
            certificate("CN=a", "2"),
            Signer::Key { fingerprint: "1".to_owned() },
            certificate("CN=c", "3"),
        ];
        for turn in 0..all.len() {
            let mut order: Vec<&Signer> = all.iter().collect();
            order.rotate_left(turn);
            let signers = distinct(order.iter().copied());
            assert_eq!(signers.len(), 2, "{signers:?}");
            assert_eq!(signers[0], order[0]);
            order.reverse();
            assert_eq!(distinct(order.into_iter()).len(), 2);
        }
        assert_eq!(distinct(all[..2].iter()).len(), 2);
        assert_eq!(people(all.iter()).iter().map(Vec::len).collect::<Vec<_>>(), [4, 1]);
    }
}
