//! What is attached to a source in its registry or layout, for the commands that judge.
//!
//! Looking for it may fail without failing the scan: what is attached changes nothing that the scan found by itself, so that a
//! registry that does not answer here costs a notice. A gate that demands evidence asks by itself and is told the error.

use crate::command::Global;
use crate::error::CommandError;
use crate::repository::{failed, spool};
use crate::source::{self, SourceArgs};
use assay_analyze::Stop;
use assay_engine::{AttachedSbom, AttachedStatements, attached_sboms, attached_statements};
use assay_model::report::SourceKind;
use assay_model::{Digest, Image, Platform, Warning};
use assay_oci::source::{PathKind, Selector, Source, recognise};
use assay_oci::{Access, Network, Repository, RepositoryError, image_for, without_password};
use assay_sbom::vex::Statement;
use assay_sbom::{Document, Kind};
use std::path::Path;
use std::time::Duration;

/// How long the answer is waited for: what is attached is no part of the scan.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads the statements on vulnerabilities that are attached to an image, if it is in a place where something can be.
pub(crate) fn statements(
    text: &str,
    kind: SourceKind,
    image: &Image,
    args: &SourceArgs,
    global: &Global,
) -> AttachedStatements {
    let is_place = matches!(kind, SourceKind::Registry | SourceKind::Oci | SourceKind::OciArchive);
    if args.no_attached || !is_place {
        return AttachedStatements::default();
    }
    let subjects: Vec<Digest> = image.manifest_digest.into_iter().chain(image.index_digest).collect();
    let Ok(source) = Source::parse(text, &|path| recognise(path)) else {
        return AttachedStatements::default();
    };
    let read = || -> Result<AttachedStatements, Box<dyn std::error::Error>> {
        let stop = Stop::default();
        let _watch = args.limits().watch_for(&stop, PATIENCE);
        let network = source::network(args.network(), global, stop.flag()).map_err(|_| "no network")?;
        let (repository, _) = Repository::of_source(&source, Access::Read, &network, &spool())?;
        Ok(attached_statements(&repository, &subjects)?)
    };
    read().unwrap_or_else(|error| {
        let message = format!("what is attached to the image is not known: {error}");
        let notices = vec![Warning::notice("attached-unreadable", None, message)];
        AttachedStatements { documents: Vec::new(), notices }
    })
}

/// A bill of materials from a registry or layout.
pub(crate) struct FoundSbom {
    pub(crate) document: Document,
    pub(crate) statements: Vec<Statement>,
    pub(crate) notices: Vec<Warning>,
}

/// Reads the bill of materials that is attached to the image that `sbom:IMAGE` names; `None` if that names a file.
pub(crate) fn sbom(
    source: &Source,
    args: &SourceArgs,
    global: &Global,
    stop: &Stop,
) -> Result<Option<FoundSbom>, CommandError> {
    let Source::Sbom(path) = source else { return Ok(None) };
    let Some(image) = image_of(path) else { return Ok(None) };
    let name = image.to_string();
    let broken = |error: RepositoryError| failed("read the bill of materials of", &name, error);
    let network: Network = source::network(args.network(), global, stop.flag())?;
    let (repository, wanted) =
        Repository::of_source(&image, Access::Read, &network, &spool()).map_err(broken)?;
    let subjects = subjects(&repository, wanted.as_ref(), args.platform()).map_err(broken)?;
    let mut notices = Vec::new();
    let found = attached_sboms(&repository, &subjects, &mut notices).map_err(broken)?;
    let Some(best) = found.iter().min_by_key(|sbom| rank(sbom, &subjects)) else {
        return Err(CommandError::usage(format!(
            "no bill of materials is attached to `{}`",
            without_password(&name)
        ))
        .hint(format!(
            "see what is with `assay tree {name}`, or attach one with `assay sbom --attach {name}`"
        )));
    };
    let digest = best.artifact.descriptor.digest;
    let document = assay_sbom::read(&best.bytes).map_err(|error| {
        failed("use as a bill of materials", &format!("artifact {digest}"), error)
            .hint("make it again, for example with `assay sbom --attach IMAGE`")
    })?;
    let statements = assay_sbom::vex::read(&best.bytes).map(|(statements, _)| statements).unwrap_or_default();
    let others = match found.len() {
        1 => String::new(),
        count => format!(", one of {count}"),
    };
    let message = format!("it is artifact {digest}{others}; nobody vouches for it");
    notices.push(Warning::notice("attached-sbom", None, message));
    Ok(Some(FoundSbom { document, statements, notices }))
}

/// Of several about the same subject: the format that says most.
fn rank(sbom: &AttachedSbom, subjects: &[Digest]) -> (Option<usize>, u8) {
    let place = subjects.iter().position(|subject| *subject == sbom.artifact.subject);
    let format = match sbom.kind {
        Kind::CycloneDxJson | Kind::CycloneDxXml => 0,
        Kind::SpdxJson | Kind::SpdxTagValue | Kind::Spdx3 => 1,
        Kind::Syft => 2,
    };
    (place, format)
}

/// Understands what follows `sbom:` as an image, if there is no such file and it does not look like one.
fn image_of(path: &Path) -> Option<Source> {
    if recognise(path) != PathKind::Missing {
        return None;
    }
    match Source::parse(path.to_str()?, &|path| recognise(path)).ok()? {
        image @ (Source::Registry(_) | Source::OciLayout(_) | Source::OciArchive(_)) => Some(image),
        _ => None,
    }
}

/// Returns the digests a bill of materials may be attached to: the image for the platform, then the index.
fn subjects(
    repository: &Repository,
    wanted: Option<&Selector>,
    platform: Option<&Platform>,
) -> Result<Vec<Digest>, RepositoryError> {
    let root = repository.resolve(wanted)?;
    let images = root.images()?;
    let default = Platform::linux_amd64();
    let platform = platform.unwrap_or(&default);
    let only = || images.first().filter(|_| images.len() == 1);
    let child = image_for(&images, platform).or_else(only);
    Ok(child.map(|child| child.digest).into_iter().chain([root.descriptor.digest]).collect())
}
