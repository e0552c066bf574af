//! What images may be built on. A base counts as known when its layers are the first of the image: labels and names that the image
//! carries prove nothing.

use super::Rule;
use crate::closure::{look, signature};
use crate::define::{Field, Kind, Params};
use crate::facts::{Facts, ImageFacts};
use crate::pattern;
use crate::reasons::Reasons;
use assay_model::{Base, BaseEvidence};

const REMEDY: &str = "name the base with `--base IMAGE` or its repository with `--base-repository REPOSITORY`, so that its layers can be compared";

/// What it takes.
const FIELDS: &[Field] = &[
    Field::optional("allow", Kind::List(&Kind::Pattern), "References of bases that are allowed."),
    Field::optional("digests", Kind::List(&Kind::Digest), "Digests of bases that are allowed as well."),
    Field::optional("signedBy", Kind::List(&Kind::Trust), "Trust roots, one of which has signed the base."),
    Field::optional("maxAge", Kind::Duration, "How old the base may be, as it claims."),
    Field::or(
        "newest",
        Kind::Truth,
        "false",
        "Whether it must be known that no newer image has the base's name.",
    ),
];

/// The rule.
pub(super) struct Bases;

impl Rule for Bases {
    fn id(&self) -> &'static str {
        "bases"
    }

    fn about(&self) -> &'static str {
        "The image is built on an allowed base, which is known by its layers, signed, young enough, or the newest."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn needs_base_evidence(&self, params: &Params) -> bool {
        !params.list("signedBy").is_empty()
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        for (image, report) in out.reports() {
            match report.image.base.as_ref() {
                Some(base) if base.evidence == BaseEvidence::LayerPrefix => {
                    judge(params, facts, image, base, out);
                }
                Some(base) => out.missing(
                    Some(image),
                    format!("the base image is not known by its layers: {}", base.detail),
                    REMEDY,
                ),
                None => out.missing(Some(image), "the base image is not known", REMEDY),
            }
        }
    }
}

fn judge(params: &Params, facts: &Facts<'_>, image: &ImageFacts<'_>, base: &Base, out: &mut Reasons<'_, '_>) {
    let name = base.reference.clone().or_else(|| base.manifest_digest.map(|digest| digest.to_string()));
    let name = name.unwrap_or_else(|| "without a name".to_owned());
    let allow = params.texts("allow");
    let digests = params.list("digests");
    let by_name = base.reference.as_deref().is_some_and(|reference| {
        // Patterns may leave out tag and digest.
        let untagged = reference.split('@').next().unwrap_or(reference);
        let plain = match untagged.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => repository,
            _ => untagged,
        };
        [reference, untagged, plain].iter().any(|spelling| pattern::any(&allow, spelling))
    });
    let by_digest =
        base.manifest_digest.is_some_and(|digest| digests.contains(&crate::define::Value::Digest(digest)));
    let any = allow.is_empty() && digests.is_empty();
    if !(any || by_name || by_digest) {
        out.violation(
            Some(image),
            format!("the base `{name}` is not allowed"),
            format!("build on one that matches `{}`", allow.join("` or `")),
        );
    }
    if let Some(limit) = params.duration("maxAge") {
        match base.created.filter(|created| created.0 > 0) {
            None => out.missing(
                Some(image),
                format!("the base `{name}` does not say when it was built"),
                "build on one that does, or leave out `maxAge`",
            ),
            Some(created) if out.now().0.saturating_sub(created.0) > limit => out.violation(
                Some(image),
                format!("the base `{name}` is from {}, too old", created.date_text()),
                "build the image again on a newer base",
            ),
            Some(_) => {}
        }
    }
    if params.truth("newest") {
        newest(image, base, &name, out);
    }
    let signers = params.texts("signedBy");
    if !signers.is_empty() {
        signed(facts, image, base, (&name, &signers), out);
    }
}

fn newest(image: &ImageFacts<'_>, base: &Base, name: &str, out: &mut Reasons<'_, '_>) {
    match (&base.newer, base.newest) {
        (Some(newer), _) => out.violation(
            Some(image),
            format!("there is a newer base: `{}`", newer.reference),
            format!("build the image again on `{}`", newer.reference),
        ),
        (None, Some(false)) => out.violation(
            Some(image),
            format!("there is a newer image of the base `{name}`"),
            "build the image again on the newest",
        ),
        (None, None) => out.missing(
            Some(image),
            format!("whether there is a newer image of the base `{name}` is not known"),
            "name its repository with `--base-repository REPOSITORY`, so that it is looked through",
        ),
        (None, Some(true)) => {}
    }
}

fn signed(
    facts: &Facts<'_>,
    image: &ImageFacts<'_>,
    base: &Base,
    (name, signers): (&str, &[&str]),
    out: &mut Reasons<'_, '_>,
) {
    const SIGN: &str = "build on a signed base, or sign this one: `assay sign --key NAME.key BASE`";
    let Some(digest) = base.manifest_digest else {
        return out.missing(
            Some(image),
            format!("the base `{name}` has no digest to look up signatures by"),
            REMEDY,
        );
    };
    let found = look(&facts.evidence, digest, signers, &signature);
    if !found.roots.is_empty() {
        return;
    }
    let wanted = signers.join("`, `");
    if let Some(failure) = found.failure {
        out.missing(
            Some(image),
            format!("signatures of the base `{name}` could not be looked up: {failure}"),
            "check that its registry can be reached, and try again",
        );
    } else if !found.looked {
        out.missing(
            Some(image),
            format!("no evidence: signatures of the base `{name}` were not looked up"),
            REMEDY,
        );
    } else if found.any {
        let message = format!("no signature of the base `{name}` counts (wanted by `{wanted}`)");
        out.near_misses(Some(image), message, found.misses, SIGN);
    } else {
        let message = format!("no evidence: the base `{name}` is not signed (wanted by `{wanted}`)");
        out.missing_with(Some(image), message, found.misses, SIGN);
    }
}
