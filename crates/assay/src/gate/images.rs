//! All images that a source stands for: of an index, each one that may run.
//!
//! Which image of an index runs is decided by the node that pulls it, so that a verdict about one says nothing of the others. Where
//! it cannot be told which there are, nothing is judged.

use super::report::PREFIX;
use super::{About, Gathered, quiet};
use crate::command::Global;
use crate::error::CommandError;
use crate::evidence as attached;
use assay_model::report::SourceKind;
use assay_model::{Digest, Platform, Report};
use assay_oci::source::{Source, recognise};
use assay_oci::{ManifestDocument, without_password};

/// Scans the source for one platform.
pub(crate) type Scan<'a> = dyn Fn(Option<&Platform>) -> Result<Report, CommandError> + 'a;

/// Returns the reports of all images of a source, of which one may have been scanned already.
///
/// # Errors
/// Fails when one of them cannot be scanned, or when it cannot be told which there are.
pub(super) fn all(
    text: &str,
    scanned: Option<Report>,
    about: &About<'_>,
    global: &Global,
    scan: &Scan<'_>,
) -> Result<Vec<Gathered>, CommandError> {
    let is_archive = matches!(source(text), Some(Source::Archive(_)));
    let first = match scanned {
        None if is_archive => Some(scan(None)?),
        scanned => scanned,
    };
    // Of what kind an archive is, its scan has found out.
    let is_oci = first.as_ref().is_some_and(|report| report.source == SourceKind::OciArchive);
    let typed = if is_archive && is_oci { format!("oci-archive:{text}") } else { text.to_owned() };
    let Some((index, children)) = children(&typed, about, global)? else {
        let report = first.map_or_else(|| scan(None), Ok)?;
        // Judging the one image that was scanned would admit those that were not.
        if report.image.index_digest.is_some() && about.open.platform().is_none() && keeps_manifests(&typed) {
            return Err(CommandError::work(
                format!("cannot judge all images of `{}`", without_password(text)),
                "it is an index now, and was none a moment ago",
            )
            .hint("try again, or name the image by its digest"));
        }
        return Ok(vec![Gathered::of(report, Some(about.now))]);
    };
    let mut gathered: Vec<Gathered> = Vec::new();
    for (digest, platform) in children {
        let of_child = |report: &Report| {
            report.image.manifest_digest == Some(digest)
                && report.image.index_digest.is_none_or(|own| own == index)
        };
        // Whoever writes an index may list one image for any number of platforms: it is looked at once.
        let seen = gathered.iter().filter_map(|one| one.report.as_ref());
        let report = match first.iter().chain(seen).find(|report| of_child(report)) {
            Some(report) => report.clone(),
            None => scan(platform.as_ref())?,
        };
        gathered.push(Gathered {
            digest: Some(digest),
            platform,
            index: Some(index),
            // An index may list two images for one platform, of which a scan sees one; or it is another by now.
            report: Some(report).filter(of_child),
            scanned_at: Some(about.now),
            scanned_by: Vec::new(),
        });
    }
    Ok(gathered)
}

/// What an index lists: its own digest, and the images.
type Index = (Digest, Vec<(Digest, Option<Platform>)>);

/// Returns the images of an index that may run on the policy's platforms; `None` for what is no index, and where one platform was
/// asked for.
fn children(text: &str, about: &About<'_>, global: &Global) -> Result<Option<Index>, CommandError> {
    if about.open.platform().is_some() || !keeps_manifests(text) {
        return Ok(None);
    }
    let subject = attached::open(text, about.open.network(), &quiet(global))?;
    let document = ManifestDocument::parse(&subject.image.bytes).map_err(|error| {
        CommandError::work(format!("cannot tell which images `{}` stands for", subject.shown), error)
            .with_hints_of_cause()
    })?;
    if !document.is_index() {
        return Ok(None);
    }
    let images = attached::on(subject.runnable()?, &about.policy.platforms);
    let images = images.into_iter().map(|child| (child.digest, child.platform())).collect();
    Ok(Some((subject.image.descriptor.digest, images)))
}

/// Returns what the user named; `None` for a report, and for what cannot be understood.
pub(super) fn source(text: &str) -> Option<Source> {
    if text.starts_with(PREFIX) {
        return None;
    }
    Source::parse(text, &|path| recognise(path)).ok()
}

/// Returns whether a source is one that keeps manifests, and what is attached to them.
pub(super) fn keeps_manifests(text: &str) -> bool {
    matches!(source(text), Some(Source::Registry(_) | Source::OciLayout(_) | Source::OciArchive(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_no_image_of_that_name() {
        assert!(source("report:1.0").is_none() && !keeps_manifests("report:report.json"));
        assert!(keeps_manifests("registry.example/report:1.0"));
    }
}
