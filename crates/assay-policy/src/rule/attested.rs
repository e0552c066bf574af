//! Somebody who is trusted attests something about the image (<https://github.com/in-toto/attestation>).

use super::Rule;
use super::signed::threshold;
use crate::closure::{Requirement, attestation, require};
use crate::define::{Field, Kind, Params, Value};
use crate::expression::Variables;
use crate::facts::{Candidate, Facts};
use crate::predicate;
use crate::reasons::Reasons;
use assay_model::Timestamp;
use serde_json::Value as Json;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required(
        "type",
        Kind::Pattern,
        "The type of the predicate: slsa, cyclonedx, spdx, vuln, openvex, verdict, or an address.",
    ),
    Field::required("of", Kind::List(&Kind::Trust), "The trust roots that count."),
    Field::or("atLeast", Kind::Count, "1", "How many of them must have attested it."),
    Field::optional("maxAge", Kind::Duration, "How old it may be, by a time that is trusted."),
    Field::optional("conditions", Kind::List(&Kind::Expression), "What must hold of `predicate`, in CEL."),
];

/// The rule.
pub(super) struct Attested;

impl Rule for Attested {
    fn id(&self) -> &'static str {
        "attested"
    }

    fn about(&self) -> &'static str {
        "The image, or the index it is part of, has an attestation of this type by enough of these trust roots, and conditions on it hold."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        threshold(params)
    }

    fn needs_evidence(&self, _: &Params) -> bool {
        true
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let name = params.text("type").unwrap_or_default();
        let what = format!("attestation of type `{name}`");
        let requirement = Requirement {
            what: &what,
            of: params.texts("of"),
            at_least: params.count("atLeast").unwrap_or(1),
            remedy: format!("attest it: `assay attest --key NAME.key --type {name} --predicate FILE IMAGE`"),
        };
        let types = predicate::types(name);
        let now = out.now();
        let accept = |candidate: &Candidate| {
            attestation(candidate, &types, |predicate| judge(params, candidate.signed_at, predicate, now))
        };
        require(facts, &requirement, &accept, out);
    }
}

fn judge(
    params: &Params,
    signed_at: Option<Timestamp>,
    predicate: &Json,
    now: Timestamp,
) -> Result<(), String> {
    if let Some(limit) = params.duration("maxAge") {
        match signed_at {
            None => return Err("no trusted time says when it was signed".to_owned()),
            Some(at) if now.0.saturating_sub(at.0) > limit => {
                return Err(format!("it is from {}, too old", at.date_text()));
            }
            Some(_) => {}
        }
    }
    let mut variables = Variables::default();
    if !params.list("conditions").is_empty() {
        variables.set("predicate", predicate);
    }
    for condition in params.list("conditions") {
        let Value::Expression(condition) = condition else { continue };
        match condition.holds(&variables) {
            Ok(true) => {}
            Ok(false) => return Err(format!("`{}` does not hold", condition.source())),
            Err(error) => return Err(format!("`{}` cannot be decided: {error}", condition.source())),
        }
    }
    Ok(())
}
