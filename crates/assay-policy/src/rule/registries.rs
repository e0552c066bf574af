//! Where images may come from.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::pattern;
use crate::reasons::Reasons;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::optional(
        "allow",
        Kind::List(&Kind::Pattern),
        "Repositories with their registry, from which alone images may come.",
    ),
    Field::optional("deny", Kind::List(&Kind::Pattern), "Those from which they may not."),
];

/// The rule.
pub(super) struct Registries;

impl Rule for Registries {
    fn id(&self) -> &'static str {
        "registries"
    }

    fn about(&self) -> &'static str {
        "The image comes from an allowed registry and repository, and from no denied one."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        if params.list("allow").is_empty() && params.list("deny").is_empty() {
            return Err("asks for nothing: give `allow` or `deny`".to_owned());
        }
        Ok(())
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let (allow, deny) = (params.texts("allow"), params.texts("deny"));
        let Some(reference) = &facts.reference else {
            return out.missing(
                None,
                "from which registry the image comes is not known",
                "judge the image where it is pushed: name it by its registry",
            );
        };
        let name = reference.name();
        if pattern::any(&deny, &name) {
            let remedy = "push it to another repository, and use it from there";
            out.violation(None, format!("images from `{name}` are denied"), remedy);
        } else if !allow.is_empty() && !pattern::any(&allow, &name) {
            out.violation(
                None,
                format!("`{name}` is no allowed place for images"),
                format!("push the image to one that matches `{}`", allow.join("` or `")),
            );
        }
    }
}
