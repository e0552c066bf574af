//! Evidence as each trust root of a policy sees it, and the statements of those whom the policy believes: pure, by bytes, roots and time.

use super::AttachedEvidence;
use assay_match::{Trust, VexDocument};
use assay_model::{Digest, Timestamp};
use assay_policy::facts::{Candidate, Claim, Evidence};
use assay_policy::predicate;
use assay_sign::statement::SIGN;
use assay_sign::verify::{
    CandidateOutcome, Code, Format, Judgement, Request, Signer, TrustRoot, Verified, Wanted, image, people,
};
use std::collections::BTreeMap;

impl AttachedEvidence {
    /// Judges every piece by every trust root, as facts for a policy. What is of no known form is left out; what is listed and could
    /// not be read is there as such.
    pub fn judge(&self, roots: &[TrustRoot], now: Timestamp) -> Vec<Candidate> {
        let (judged, unread) = self.pieces(roots, now);
        judged.into_iter().flatten().chain(unread).collect()
    }

    /// Judges as [`AttachedEvidence::judge`] does: first what each of the candidates comes to, in their order, then what could not be
    /// read. Of what is of no known form, and of what is one too many, there is nothing.
    pub fn pieces(&self, roots: &[TrustRoot], now: Timestamp) -> (Vec<Option<Candidate>>, Vec<Candidate>) {
        let request = Request {
            media_type: Some(self.media_type.as_str()).filter(|kind| !kind.is_empty()),
            size: Some(self.size),
            wanted: Wanted::Anything,
            ..Request::signature(&self.subject)
        };
        let outcome = image(&request, &self.candidates, roots, now);
        let known = people(outcome.verified().map(|(_, _, verified)| &verified.signer));
        let judged = outcome
            .candidates
            .iter()
            .map(|one| (one.format != Format::Unknown).then(|| candidate(self.subject, one, &known)))
            .collect();
        // What is listed and cannot be read may be what was meant to prove something.
        let mut unread: Vec<Candidate> =
            self.problems.iter().map(|problem| self.unread("artifact", problem.clone())).collect();
        if outcome.skipped > 0 {
            let message = format!("{} more were not looked at: there are too many", outcome.skipped);
            unread.push(self.unread("artifacts", message));
        }
        (judged, unread)
    }

    fn unread(&self, format: &str, why: String) -> Candidate {
        Candidate {
            subject: self.subject,
            location: "registry".to_owned(),
            format: format.to_owned(),
            claim: Claim::Unreadable(why),
            signed_at: None,
            checks: BTreeMap::new(),
        }
    }
}

/// Makes a candidate of what verification came to; `known` are the signers of all of them, those who are one together.
fn candidate(digest: Digest, outcome: &CandidateOutcome, known: &[Vec<&Signer>]) -> Candidate {
    let attested = verified(outcome).find_map(|verified| {
        verified.statement.as_ref().filter(|statement| statement.predicate_type != SIGN)
    });
    let is_verified = verified(outcome).next().is_some();
    let claim = if let Some(statement) = attested {
        Claim::Attestation {
            predicate_type: statement.predicate_type.clone(),
            predicate: statement.predicate.clone(),
        }
    } else if is_verified {
        Claim::Signature
    } else if let Some(why) = unreadable(outcome) {
        Claim::Unreadable(why)
    } else if let Some(kind) = outcome.predicate_type.as_ref().filter(|kind| *kind != SIGN) {
        // Nobody vouches for what it says; its type is told for people only.
        Claim::Attestation { predicate_type: kind.clone(), predicate: serde_json::Value::Null }
    } else {
        Claim::Signature
    };
    let checks = outcome.roots.iter().map(|root| {
        let check = match &root.judgement {
            Judgement::Verified(verified) => Ok(name(&verified.signer, known)),
            Judgement::Refused(refusal) => Err(refusal.to_string()),
        };
        (root.root.clone(), check)
    });
    Candidate {
        subject: digest,
        location: outcome.found.to_string(),
        format: format(outcome.format).to_owned(),
        claim,
        signed_at: verified(outcome).filter_map(|verified| verified.signed_at).min(),
        checks: checks.collect(),
    }
}

/// Returns one name for all that are one signer, since the policy counts names.
fn name(signer: &Signer, known: &[Vec<&Signer>]) -> String {
    let person = known.iter().find(|person| person.contains(&signer)).and_then(|person| person.first());
    person.map_or_else(|| signer.to_string(), ToString::to_string)
}

fn verified(outcome: &CandidateOutcome) -> impl Iterator<Item = &Verified> {
    outcome.roots.iter().filter_map(|root| match &root.judgement {
        Judgement::Verified(verified) => Some(verified.as_ref()),
        Judgement::Refused(_) => None,
    })
}

/// Returns why a candidate cannot be read, when every root says so.
fn unreadable(outcome: &CandidateOutcome) -> Option<String> {
    let mut why = None;
    for root in &outcome.roots {
        match &root.judgement {
            Judgement::Refused(refusal) if refusal.code == Code::Malformed => {
                why.get_or_insert_with(|| refusal.message.clone());
            }
            Judgement::Refused(_) | Judgement::Verified(_) => return None,
        }
    }
    why
}

fn format(format: Format) -> &'static str {
    match format {
        Format::Bundle => "Sigstore bundle",
        Format::SimpleSigning => "cosign signature",
        Format::Dsse => "cosign attestation",
        Format::NotationJws => "Notation signature (JWS)",
        Format::NotationCose => "Notation signature (COSE)",
        Format::Unknown => "unknown artifact",
    }
}

/// Returns the statements on vulnerabilities of those whom the policy believes about an image or its index; what cannot be read states
/// nothing. Who speaks of one image of an index, or of a base, speaks of no other.
pub fn attested_vex(evidence: &Evidence, honoured: &[String], subjects: &[Digest]) -> Vec<VexDocument> {
    let mut documents = Vec::new();
    for candidate in evidence.candidates.iter().filter(|candidate| subjects.contains(&candidate.subject)) {
        let Claim::Attestation { predicate_type, predicate } = &candidate.claim else { continue };
        let by = candidate.checks.iter().find(|(root, check)| check.is_ok() && honoured.contains(root));
        if let (true, Some((root, _))) = (predicate::is_vex(predicate_type), by)
            && let Ok((mut statements, _)) = assay_sbom::vex::read(&predicate::document(predicate))
        {
            // Who signed it is who says it: another author's name in the document must not stand in for that author's own word.
            for statement in &mut statements {
                statement.author.clone_from(root);
            }
            let source = format!("attestation by `{root}` ({})", candidate.location);
            documents.push(VexDocument { source, trust: Trust::Signer, statements });
        }
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_about_one_image_is_none_about_another() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64)).parse::<Digest>().unwrap();
        let (one, index, other) = (digest("1"), digest("2"), digest("3"));
        let predicate = serde_json::json!({
            "@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "a", "version": 1, "timestamp": "2026-01-01T00:00:00Z",
            "statements": [{ "vulnerability": { "name": "CVE-2026-1" }, "products": [{ "@id": "pkg:deb/debian/openssl" }],
                "status": "not_affected", "justification": "component_not_present" }]
        });
        let evidence = Evidence {
            candidates: vec![Candidate {
                subject: one,
                location: "x".to_owned(),
                format: "x".to_owned(),
                claim: Claim::Attestation {
                    predicate_type: "https://openvex.dev/ns/v0.2.0".to_owned(),
                    predicate,
                },
                signed_at: None,
                checks: BTreeMap::from([("security".to_owned(), Ok("key".to_owned()))]),
            }],
            ..Evidence::default()
        };
        let honoured = ["security".to_owned()];
        assert_eq!(attested_vex(&evidence, &honoured, &[one, index]).len(), 1);
        assert_eq!(attested_vex(&evidence, &honoured, &[other, index]).len(), 0);
        assert_eq!(attested_vex(&evidence, &[], &[one]).len(), 0);
    }
}
