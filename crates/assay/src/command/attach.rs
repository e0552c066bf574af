//! `assay attach`: attach a file to an image.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, Opened, failed, with_digest};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::Platform;
use assay_oci::{Access, Attached, Descriptor, NewArtifact, NewLayer, Repository, RepositoryError};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The largest file that is attached: registries and readers have limits of their own, and it is held in memory.
const MAX_FILE: u64 = 1 << 30;

/// The annotation with the time at which something was made.
const CREATED: &str = "org.opencontainers.image.created";

/// Attach a file to an image: a bill of materials, statements on vulnerabilities, a report.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay attach --type cyclonedx --file app.cdx.json registry.example/app:1.0\n  \
    assay attach --type openvex --file app.vex.json registry.example/app@sha256:…\n  \
    assay attach --artifact-type application/vnd.example.test-report --file junit.xml registry.example/app:1.0\n\n\
    What is attached so is not signed: `assay attest` signs it.")]
pub(crate) struct Args {
    /// An image of a registry, or of an OCI layout (`oci:`).
    #[arg(value_name = "IMAGE")]
    image: String,

    /// The file; may be repeated, for an artifact of several.
    #[arg(long, value_name = "FILE", required = true, value_parser = super::path)]
    file: Vec<PathBuf>,

    /// What the file is: cyclonedx, spdx, syft, openvex, csaf, sarif or report.
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "artifact_type")]
    kind: Option<Type>,

    /// What the artifact is, as a media type, in place of `--type`.
    #[arg(long, value_name = "MEDIA-TYPE", conflicts_with = "kind")]
    artifact_type: Option<String>,

    /// The media type of the file, where it is another than that of the artifact.
    #[arg(long, value_name = "MEDIA-TYPE")]
    media_type: Option<String>,

    /// Say this of the artifact; may be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    annotation: Vec<String>,

    /// Of an index, attach it to the image for this platform instead of the index.
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,

    #[command(flatten)]
    network: NetworkArgs,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Type {
    /// A bill of materials of CycloneDX, in JSON or XML.
    #[value(name = "cyclonedx")]
    CycloneDx,
    /// A bill of materials of SPDX, in JSON or as tag-value.
    Spdx,
    /// A bill of materials of Syft.
    Syft,
    /// Statements on vulnerabilities of OpenVEX.
    #[value(name = "openvex")]
    OpenVex,
    /// Statements on vulnerabilities of CSAF.
    Csaf,
    /// Findings as SARIF.
    Sarif,
    /// A report of `assay scan` in JSON.
    Report,
}

impl Type {
    /// Returns the media type of such a file with these bytes.
    pub(crate) fn media_type(self, bytes: &[u8]) -> &'static str {
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        match (self, first) {
            (Self::CycloneDx, Some(b'<')) => "application/vnd.cyclonedx+xml",
            (Self::CycloneDx, _) => "application/vnd.cyclonedx+json",
            (Self::Spdx, Some(b'{')) => "application/spdx+json",
            (Self::Spdx, _) => "text/spdx",
            (Self::Syft, _) => "application/vnd.syft+json",
            (Self::OpenVex, _) => "application/vnd.openvex+json",
            (Self::Csaf, _) => "application/csaf+json",
            (Self::Sarif, _) => "application/sarif+json",
            (Self::Report, _) => "application/vnd.assay.report.v1+json",
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let mut annotations = BTreeMap::new();
    for pair in &args.annotation {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            return Err(CommandError::usage(format!("`{pair}` is no annotation"))
                .hint("write it as `--annotation NAME=VALUE`"));
        };
        annotations.insert(name.to_owned(), value.to_owned());
    }
    let mut files = Vec::new();
    for path in &args.file {
        files.push((path, read(path)?));
    }
    let network = repository::network(&args.network, global)?;
    let verb = "attach something to";
    let opened = repository::open(verb, &args.image, Access::Write, &network)?;
    let subject = opened
        .repository
        .resolve_for(opened.wanted.as_ref(), args.platform.as_ref())
        .map_err(|error| failed(verb, &args.image, error))?;
    let of_file = |bytes: &[u8]| match (&args.media_type, args.kind, &args.artifact_type) {
        (Some(media_type), _, _) => media_type.clone(),
        (None, Some(kind), _) => kind.media_type(bytes).to_owned(),
        (None, None, artifact_type) => artifact_type.clone().unwrap_or_default(),
    };
    let first = files.first().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
    let artifact_type = match (args.kind, &args.artifact_type) {
        (_, Some(artifact_type)) => artifact_type.clone(),
        (Some(kind), None) => kind.media_type(first).to_owned(),
        (None, None) => of_file(first),
    };
    let types: Vec<String> = files.iter().map(|(_, bytes)| of_file(bytes)).collect();
    let titles: Vec<BTreeMap<String, String>> = files.iter().map(|(path, _)| title(path)).collect();
    let layers: Vec<NewLayer<'_>> = files
        .iter()
        .zip(&types)
        .zip(&titles)
        .map(|(((_, bytes), media_type), annotations)| NewLayer { media_type, bytes, annotations })
        .collect();
    let attached = attach(&opened.repository, &subject.descriptor, &artifact_type, &layers, annotations)
        .map_err(|error| failed(verb, &args.image, error))?;
    let name = with_digest(&opened.source, &subject.descriptor);
    report(&name, &attached, global)?;
    Ok(ExitCode::SUCCESS)
}

/// Attaches an artifact, dated now; one of the same type and content that is there is left as it is, with its date.
fn attach(
    repository: &Repository,
    subject: &Descriptor,
    artifact_type: &str,
    layers: &[NewLayer<'_>],
    mut annotations: BTreeMap<String, String>,
) -> Result<Attached, RepositoryError> {
    let wanted: Vec<_> =
        layers.iter().map(|layer| Descriptor::of(layer.media_type, layer.bytes).digest).collect();
    for artifact in repository.artifacts(subject.digest, &[])?.artifacts {
        let same_content = artifact.layers.iter().map(|layer| layer.digest).eq(wanted.iter().copied());
        let same_words =
            annotations.iter().all(|(name, value)| artifact.annotations.get(name) == Some(value));
        if artifact.artifact_type == artifact_type
            && same_content
            && same_words
            && let Some(found) = artifact.found.first()
        {
            return Ok(Attached { descriptor: artifact.descriptor, found: *found });
        }
    }
    annotations.entry(CREATED.to_owned()).or_insert_with(|| environment::now().to_string());
    repository.attach(subject, &NewArtifact { artifact_type, layers, annotations: &annotations })
}

/// An image that something is attached to, and how the user named it.
pub(crate) struct Target<'a> {
    pub(crate) opened: &'a Opened,
    pub(crate) subject: &'a Descriptor,
    pub(crate) name: &'a str,
}

/// Attaches one document, and says so.
pub(crate) fn attach_document(
    target: &Target<'_>,
    artifact_type: &str,
    media_type: &str,
    bytes: &[u8],
    global: &Global,
) -> Result<(), CommandError> {
    let none = BTreeMap::new();
    let layer = NewLayer { media_type, bytes, annotations: &none };
    let Target { opened, subject, name } = target;
    let attached = attach(&opened.repository, subject, artifact_type, &[layer], BTreeMap::new())
        .map_err(|error| failed("attach something to", name, error))?;
    report(&with_digest(&opened.source, subject), &attached, global)
}

/// Says what was attached: its digest is the result, the rest a note.
fn report(name: &str, attached: &Attached, global: &Global) -> Result<(), CommandError> {
    terminal::note(global, &format!("attached to `{name}`, to be found by {}", attached.found));
    output::print(format!("{}\n", attached.descriptor.digest))
}

/// Returns the annotation with the name of a file, by which ORAS and others unpack it.
fn title(path: &Path) -> BTreeMap<String, String> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    name.map(|name| ("org.opencontainers.image.title".to_owned(), name)).into_iter().collect()
}

fn read(path: &Path) -> Result<Vec<u8>, CommandError> {
    let failed = |error: std::io::Error| {
        CommandError::work(format!("cannot read `{}`", path.display()), error)
            .hint("check that the file is there and that you may read it")
    };
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(failed(std::io::Error::other(format!("it has more than {MAX_FILE} bytes"))));
    }
    Ok(bytes)
}
