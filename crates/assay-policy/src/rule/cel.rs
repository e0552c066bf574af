//! The escape hatch: anything that an expression in CEL can say about the facts.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::variables;

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

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let Some(expression) = params.expression("expression") else { return };
        let message = params.text("message").unwrap_or_default();
        let remedy = params.text("remedy").unwrap_or("change the image so that the expression holds");
        for (image, report) in out.reports() {
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
