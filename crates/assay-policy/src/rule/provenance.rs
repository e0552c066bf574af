//! Where the image was built, and from what (SLSA, <https://slsa.dev/spec/v1.1/provenance>).

use super::Rule;
use super::signed::threshold;
use crate::closure::{Requirement, require};
use crate::define::{Field, Kind, Params};
use crate::facts::{Candidate, Claim, Facts};
use crate::pattern;
use crate::predicate;
use crate::reasons::Reasons;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("of", Kind::List(&Kind::Trust), "The trust roots that count."),
    Field::or("atLeast", Kind::Count, "1", "How many of them must have attested it."),
    Field::optional("builders", Kind::List(&Kind::Pattern), "Identifiers of builders."),
    Field::optional(
        "sources",
        Kind::List(&Kind::Pattern),
        "Addresses of sources: `git+https://github.com/acme/*`.",
    ),
    Field::optional("buildTypes", Kind::List(&Kind::Pattern), "Kinds of builds."),
];

/// The rule.
pub(super) struct Provenance;

impl Rule for Provenance {
    fn id(&self) -> &'static str {
        "provenance"
    }

    fn about(&self) -> &'static str {
        "Provenance by enough of these trust roots says that one of these builders made the image from one of these sources."
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
            what: "provenance",
            of: params.texts("of"),
            at_least: params.count("atLeast").unwrap_or(1),
            remedy: "attest it where the image is built: `assay attest --key NAME.key --type slsa IMAGE`"
                .to_owned(),
        };
        let types = predicate::types("slsa");
        let (builders, sources, build_types) =
            (params.texts("builders"), params.texts("sources"), params.texts("buildTypes"));
        let accept = |candidate: &Candidate| {
            let (own, body) = match &candidate.claim {
                Claim::Attestation { predicate_type, predicate } => (predicate_type, predicate),
                Claim::Unreadable(why) => return Some(Err(why.clone())),
                Claim::Signature => return None,
            };
            if !types.iter().any(|wanted| pattern::matches(wanted, own)) {
                return None;
            }
            let said = predicate::provenance(body);
            let wrong = |what: &str, have: &[String], want: &[&str]| {
                let have =
                    if have.is_empty() { "none".to_owned() } else { format!("`{}`", have.join("`, `")) };
                Some(Err(format!("wrong {what}: have {have}, want `{}`", want.join("`, `"))))
            };
            let fits = |want: &[&str], have: &[String]| {
                want.is_empty() || have.iter().any(|one| pattern::any(want, one))
            };
            if !fits(&builders, &said.builder) {
                return wrong("builder", &said.builder, &builders);
            }
            if !fits(&sources, &said.source) {
                return wrong("source", &said.source, &sources);
            }
            if !fits(&build_types, &said.build_type) {
                return wrong("build type", &said.build_type, &build_types);
            }
            Some(Ok(()))
        };
        require(facts, &requirement, &accept, out);
    }
}
