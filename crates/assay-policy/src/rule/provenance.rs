//! Where the image was built, and from what (SLSA, <https://slsa.dev/spec/v1.1/provenance>).

use super::Rule;
use super::signed::threshold;
use crate::closure::{Requirement, attestation, require};
use crate::define::{Field, Kind, Params};
use crate::facts::{Candidate, Facts};
use crate::pattern;
use crate::predicate;
use crate::reasons::Reasons;
use serde_json::Value as Json;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("of", Kind::List(&Kind::Trust), "The trust roots that count."),
    Field::or("atLeast", Kind::Count, "1", "How many of them must have attested it."),
    Field::optional("builders", Kind::List(&Kind::Pattern), "Identifiers of builders."),
    Field::optional(
        "sources",
        Kind::List(&Kind::Pattern),
        "Addresses of sources, such as `https://github.com/acme/*`; every repository that the provenance names must match one.",
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
        let accept = |candidate: &Candidate| attestation(candidate, &types, |body| judge(params, body));
        require(facts, &requirement, &accept, out);
    }
}

/// Compares everything that provenance names: one builder or source that is allowed vouches for no other beside it.
fn judge(params: &Params, body: &Json) -> Result<(), String> {
    let said = predicate::provenance(body);
    for (what, key, have) in [
        ("builder", "builders", &said.builder),
        ("source", "sources", &said.source),
        ("build type", "buildTypes", &said.build_type),
    ] {
        let want = params.texts(key);
        let fits = |one: &String| {
            pattern::any(&want, one)
                // A builder of another revision is another builder; a source is a source at any.
                || key == "sources" && predicate::spellings(one).iter().any(|other| pattern::any(&want, other))
        };
        if want.is_empty() || !have.is_empty() && have.iter().all(fits) {
            continue;
        }
        let wrong: Vec<&str> = have.iter().filter(|one| !fits(one)).map(String::as_str).collect();
        let have = if wrong.is_empty() { "none".to_owned() } else { format!("`{}`", wrong.join("`, `")) };
        return Err(format!("wrong {what}: have {have}, want `{}`", want.join("`, `")));
    }
    Ok(())
}
