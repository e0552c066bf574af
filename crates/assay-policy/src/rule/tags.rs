//! Tags that say nothing about what they stand for.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::pattern;
use crate::reasons::Reasons;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::or(
        "forbid",
        Kind::List(&Kind::Pattern),
        "[latest]",
        "Tags that must not be used; no tag means `latest`.",
    ),
    Field::optional("allow", Kind::List(&Kind::Pattern), "The only tags that may be used."),
];

/// The rule.
pub(super) struct Tags;

impl Rule for Tags {
    fn id(&self) -> &'static str {
        "tags"
    }

    fn about(&self) -> &'static str {
        "The image is named by no forbidden tag, or by its digest."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let Some(reference) = &facts.reference else {
            return out.missing(
                None,
                "by which tag the image is used is not known",
                "judge the image where it is pushed: name it by its registry",
            );
        };
        // What is named by its digest is always the same, whatever its tag.
        if reference.digest.is_some() {
            return;
        }
        let tag = reference.tag.as_deref().unwrap_or("latest");
        let remedy = "name a version: `REPOSITORY:1.2.3`, or the digest: `REPOSITORY@sha256:…`";
        let allow = params.texts("allow");
        if pattern::any(&params.texts("forbid"), tag) {
            out.violation(None, format!("the tag `{tag}` must not be used"), remedy);
        } else if !allow.is_empty() && !pattern::any(&allow, tag) {
            out.violation(None, format!("the tag `{tag}` is not one of those allowed"), remedy);
        }
    }
}
