//! The escape hatch: anything that an expression in CEL can say about the facts.

use super::Rule;
use crate::closure::is_all_known;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::variables;

/// What to do about a scan that is too narrow.
const SCAN: &str = "scan the image for all kinds of findings, with a current database: `assay db update`";

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("expression", Kind::Expression, "What must hold."),
    Field::required("message", Kind::Text, "What to say when it does not."),
    Field::optional("remedy", Kind::Text, "What to do about it."),
];

/// The rule.
pub(super) struct Cel;

impl Rule for Cel {
    fn id(&self) -> &'static str {
        "cel"
    }

    fn about(&self) -> &'static str {
        "An expression in CEL holds of every image; what it can look at is in the manual."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn needs_evidence(&self, params: &Params) -> bool {
        params.expression("expression").is_some_and(|expression| expression.looks_at(variables::EVIDENCE))
    }

    fn looks_at_placement(&self, params: &Params) -> bool {
        params.expression("expression").is_some_and(|expression| expression.looks_at("placement"))
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let Some(expression) = params.expression("expression") else { return };
        let message = params.text("message").unwrap_or_default();
        let remedy = params.text("remedy").unwrap_or("change the image so that the expression holds");
        let of_evidence = self.needs_evidence(params);
        for (image, report) in out.reports() {
            // An expression may hold because something is not there.
            if of_evidence && !is_all_known(facts, image, out) {
                continue;
            }
            // One that looks at what the scan looked for has thought of that.
            let unseen = variables::unseen(report, |name| expression.speaks_of(name));
            if let Some(why) = unseen.filter(|_| !expression.looks_at("scan")) {
                out.missing(Some(image), why, SCAN);
                continue;
            }
            // Exceptions take single findings out of counts; from an expression only the whole rule can be excepted.
            let open: Vec<_> =
                report.findings.iter().filter(|finding| finding.suppression.is_none()).collect();
            let seen = variables::of(facts, image, report, &open, out.now());
            match expression.holds(&seen) {
                Ok(true) => {}
                Ok(false) => out.violation(Some(image), message, remedy),
                Err(error) => out.missing(
                    Some(image),
                    format!("`{}` cannot be decided: {error}", expression.source()),
                    "mend the expression: `assay policy test` tries it",
                ),
            }
        }
    }
}
