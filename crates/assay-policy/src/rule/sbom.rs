//! A bill of materials is attached, signed, and as complete as the scan knows it should be.

use super::Rule;
use super::signed::threshold;
use crate::closure::{Requirement, attestation, require};
use crate::define::{Field, Kind, Params};
use crate::facts::{Candidate, Facts};
use crate::predicate;
use crate::reasons::Reasons;
use assay_sbom::document::Class;
use std::collections::BTreeSet;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("of", Kind::List(&Kind::Trust), "The trust roots that count."),
    Field::or("atLeast", Kind::Count, "1", "How many of them must have attested it."),
    Field::or(
        "formats",
        Kind::List(&Kind::Word(&["cyclonedx", "spdx"])),
        "[cyclonedx, spdx]",
        "The formats that count.",
    ),
    Field::or("minPackages", Kind::Count, "1", "How many packages it must name."),
    Field::optional("minScore", Kind::Share, "How complete it must be by the minimum elements of NTIA."),
    Field::optional(
        "minRecall",
        Kind::Share,
        "The share of the packages found by the scan that it must name.",
    ),
];

/// The rule.
pub(super) struct Sbom;

impl Rule for Sbom {
    fn id(&self) -> &'static str {
        "sbom"
    }

    fn about(&self) -> &'static str {
        "The image has a signed bill of materials that names enough, and what the scan found."
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
            what: "bill of materials",
            of: params.texts("of"),
            at_least: params.count("atLeast").unwrap_or(1),
            remedy: "make and attest one: `assay sbom IMAGE --format cyclonedx --output sbom.json`, then `assay attest --key NAME.key --type cyclonedx --predicate sbom.json IMAGE`".to_owned(),
        };
        let types: Vec<String> = params.texts("formats").into_iter().flat_map(predicate::types).collect();
        // What a bill of materials is held against: all that may run. One of an index speaks of all its images.
        let found: BTreeSet<String> = facts
            .images
            .iter()
            .filter_map(|image| image.report)
            .flat_map(|report| {
                report
                    .inventory
                    .packages
                    .iter()
                    .map(|package| key(&package.purl(report.inventory.os.as_ref()).to_string()))
            })
            .collect();
        let accept =
            |candidate: &Candidate| attestation(candidate, &types, |body| judge(params, body, &found));
        require(facts, &requirement, &accept, out);
    }
}

#[expect(clippy::cast_precision_loss, reason = "no image has 2^52 packages")]
fn judge(params: &Params, body: &serde_json::Value, found: &BTreeSet<String>) -> Result<(), String> {
    let document = assay_sbom::read(&predicate::document(body))
        .map_err(|error| format!("the bill of materials cannot be read: {error}"))?;
    let score = assay_sbom::score(&document);
    if let Some(wanted) = params.count("minPackages").filter(|wanted| score.packages < *wanted) {
        return Err(format!("it names {} packages, fewer than {wanted}", score.packages));
    }
    if let Some(wanted) = params.share("minScore") {
        let have = score.total() as f64 / 100.0;
        if have < wanted {
            return Err(format!("its completeness is {have}, less than {wanted}"));
        }
    }
    if let Some(wanted) = params.share("minRecall") {
        if found.is_empty() {
            return Err("what it should name is not known: the image was not scanned".to_owned());
        }
        let named: BTreeSet<String> = document
            .components
            .iter()
            .filter(|component| matches!(component.class, Class::Library | Class::Application))
            .filter_map(|component| component.purl.as_deref().map(key))
            .collect();
        let have = found.intersection(&named).count() as f64 / found.len() as f64;
        if have < wanted {
            let missing = found.difference(&named).next().cloned().unwrap_or_default();
            return Err(format!(
                "it names {have:.2} of what the scan found, less than {wanted}; missing is `{missing}`"
            ));
        }
    }
    Ok(())
}

/// Returns a package URL without qualifiers, which tools write differently.
fn key(purl: &str) -> String {
    purl.split(['?', '#']).next().unwrap_or_default().to_lowercase()
}
