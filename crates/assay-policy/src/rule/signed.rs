//! The image is signed by those who are trusted. An attestation by the same signer is no signature.

use super::Rule;
use crate::closure::{Requirement, require, signature};
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("of", Kind::List(&Kind::Trust), "The trust roots that count."),
    Field::or("atLeast", Kind::Count, "1", "How many of them must have signed."),
];

/// The rule.
pub(super) struct Signed;

impl Rule for Signed {
    fn id(&self) -> &'static str {
        "signed"
    }

    fn about(&self) -> &'static str {
        "The image, or the index it is part of, is signed by enough of these trust roots."
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
        let requirement = Requirement {
            what: "signature",
            of: params.texts("of"),
            at_least: params.count("atLeast").unwrap_or(1),
            remedy: "sign the image by its digest: `assay sign --key NAME.key IMAGE`".to_owned(),
        };
        require(facts, &requirement, &signature, out);
    }
}

/// Checks that a threshold can be met.
pub(super) fn threshold(params: &Params) -> Result<(), String> {
    let of = params.texts("of").len() as u64;
    match params.count("atLeast") {
        Some(0) => Err("asks for no signer at all: `atLeast` is 0".to_owned()),
        Some(at_least) if at_least > of => {
            Err(format!("asks for {at_least} signers and names {of} trust roots"))
        }
        _ if of == 0 => Err("names no trust root in `of`".to_owned()),
        _ => Ok(()),
    }
}
