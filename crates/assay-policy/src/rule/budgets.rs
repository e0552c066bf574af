//! Error budgets: while one is used up, nothing new is let in.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;

/// What it takes.
const FIELDS: &[Field] =
    &[Field::required("indicators", Kind::List(&Kind::Text), "The names of the indicators.")];

/// The rule.
pub(super) struct Budgets;

impl Rule for Budgets {
    fn id(&self) -> &'static str {
        "budgets"
    }

    fn about(&self) -> &'static str {
        "The error budgets of these indicators are not used up, as the server computes them."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        for name in params.texts("indicators") {
            match facts.budgets.as_ref().and_then(|budgets| budgets.get(name)) {
                Some(false) => {}
                Some(true) => out.violation(
                    None,
                    format!("the error budget of `{name}` is used up"),
                    "bring the indicator back within its objective, or record an exception",
                ),
                None => out.missing(
                    None,
                    format!("the error budget of `{name}` is not known"),
                    "name the state of the budgets with `--budgets FILE`, or judge on the server",
                ),
            }
        }
    }
}
