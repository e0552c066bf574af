//! How old an image may be.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::{Candidate, Claim, Facts, ImageFacts};
use crate::reasons::Reasons;
use assay_model::Timestamp;
use assay_model::timestamp::DAY;

/// Clocks of builders are not all right; more than this ahead is a lie.
const SKEW: i64 = DAY;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("max", Kind::Duration, "How old it may be."),
    Field::or(
        "clock",
        Kind::Word(&["created", "signed"]),
        "created",
        "What counts: when it claims to be built, or when it was signed first, by a time that is trusted.",
    ),
];

/// The rule.
pub(super) struct ImageAge;

impl Rule for ImageAge {
    fn id(&self) -> &'static str {
        "imageAge"
    }

    fn about(&self) -> &'static str {
        "The image is younger than this, by its own word or by that of a signer."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn needs_evidence(&self, params: &Params) -> bool {
        params.text("clock") == Some("signed")
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let max = params.duration("max").unwrap_or_default();
        if params.text("clock") == Some("signed") {
            for image in &facts.images {
                match signed(facts, image) {
                    Some(at) => judge(image, at, max, "was signed", out),
                    None => out.missing(
                        Some(image),
                        "no signature says by a trusted time when the image was signed",
                        "sign it with a time stamp or an entry in a transparency log",
                    ),
                }
            }
            return;
        }
        for (image, report) in out.reports() {
            // Reproducible builds say 1970, which says nothing.
            match report.image.created.filter(|created| created.0 > DAY) {
                Some(at) => judge(image, at, max, "was built", out),
                None => out.missing(
                    Some(image),
                    "the image does not say when it was built",
                    "set its time when it is built: `SOURCE_DATE_EPOCH`",
                ),
            }
        }
    }
}

/// Returns since when an image is known to be there: its first trusted signature or attestation, or that of its index. It must have
/// a signature with a time; but signing it again makes no image younger.
fn signed(facts: &Facts<'_>, image: &ImageFacts<'_>) -> Option<Timestamp> {
    let subjects = [image.digest, facts.index];
    let trusted: Vec<&Candidate> = facts
        .evidence
        .candidates
        .iter()
        .filter(|one| subjects.contains(&Some(one.subject)) && one.checks.values().any(Result::is_ok))
        .filter(|one| one.signed_at.is_some())
        .collect();
    let is_signed = trusted.iter().any(|one| one.claim == Claim::Signature);
    trusted.iter().filter(|_| is_signed).filter_map(|one| one.signed_at).min()
}

fn judge(image: &ImageFacts<'_>, at: Timestamp, max: i64, what: &str, out: &mut Reasons<'_, '_>) {
    let age = out.now().0.saturating_sub(at.0);
    if age < -SKEW {
        out.violation(
            Some(image),
            format!("the image {what} on {}, which is in the future", at.date_text()),
            "build it again with a clock that is right",
        );
    } else if age > max {
        out.violation(
            Some(image),
            format!(
                "the image {what} on {}, {} days ago; accepted are {}",
                at.date_text(),
                age / DAY,
                max / DAY
            ),
            "build the image again",
        );
    }
}
