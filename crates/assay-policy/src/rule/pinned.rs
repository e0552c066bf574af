//! The image is named by its digest: tags can be moved.

use super::Rule;
use crate::define::{Field, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;

/// The rule.
pub(super) struct Pinned;

impl Rule for Pinned {
    fn id(&self) -> &'static str {
        "pinned"
    }

    fn about(&self) -> &'static str {
        "The image is named by its digest."
    }

    fn schema(&self) -> &'static [Field] {
        &[]
    }

    fn evaluate(&self, _: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let Some(reference) = &facts.reference else {
            return out.missing(
                None,
                "by which name the image is used is not known",
                "judge the image where it is pushed: name it by its registry",
            );
        };
        if reference.digest.is_none() {
            let digest = facts.index.or_else(|| facts.images.first().and_then(|image| image.digest));
            let name = reference.name();
            let tag = reference.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
            let digest = digest.map_or_else(|| "sha256:…".to_owned(), |digest| digest.to_string());
            out.violation(
                None,
                format!("`{name}{tag}` is not named by its digest"),
                format!("name it `{name}{tag}@{digest}`"),
            );
        }
    }
}
