//! `assay download`: fetch what is attached to an image.

use super::Global;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, Family, failed};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::Platform;
use assay_oci::{Access, Artifact, ArtifactKind, Descriptor, OpenError, RepositoryError};
use assay_report::escape;
use std::path::PathBuf;
use std::process::ExitCode;

/// The largest layer that is fetched, in bytes.
const MAX_LAYER: u64 = 1 << 30;

/// Fetch what is attached to an image: bills of materials, signatures, attestations, or anything.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay download sbom registry.example/app:1.0 > app.sbom.json\n  \
    assay download attestation registry.example/app:1.0 --output-dir evidence\n  \
    assay download artifact registry.example/app:1.0 --artifact-type application/vnd.example.report\n\n\
    Exit codes: 0 fetched; 1 there is none; 2 something could not be fetched.\n\
    What is fetched is what somebody attached: `assay verify` and `assay verify-attestation` say who.")]
pub(crate) struct Args {
    /// What to fetch: sbom, signature, attestation, vex, or artifact for everything.
    #[arg(value_name = "WHAT")]
    what: What,

    /// An image of a registry, or of an OCI layout (`oci:`, `oci-archive:`).
    #[arg(value_name = "IMAGE")]
    image: String,

    /// Only artifacts of this type, or of this predicate type.
    #[arg(long, value_name = "TYPE")]
    artifact_type: Option<String>,

    /// Of an index, only what is attached to the image for this platform, and to the index itself.
    #[arg(long, value_name = "OS/ARCH")]
    platform: Option<Platform>,

    /// Write each file into this folder instead of the only one to standard output.
    #[arg(long, short, value_name = "DIR", value_parser = super::path)]
    output_dir: Option<PathBuf>,

    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Sbom,
    Signature,
    Attestation,
    Vex,
    Artifact,
}

impl What {
    fn kinds(self) -> &'static [ArtifactKind] {
        match self {
            Self::Sbom => &[ArtifactKind::Sbom],
            Self::Signature => &[ArtifactKind::Signature],
            Self::Attestation => &[ArtifactKind::Attestation],
            Self::Vex => &[ArtifactKind::Vex],
            Self::Artifact => &[],
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Sbom => "bill of materials",
            Self::Signature => "signature",
            Self::Attestation => "attestation",
            Self::Vex => "VEX document",
            Self::Artifact => "artifact",
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let verb = "fetch what is attached to";
    let network = repository::network(&args.network, global)?;
    let opened = repository::open(verb, &args.image, Access::Read, &network)?;
    let broken = |error| failed(verb, &args.image, error);
    let repository = &opened.repository;
    let family = Family::find(repository, opened.wanted.as_ref(), args.platform.as_ref(), args.what.kinds())
        .map_err(broken)?;
    let fits = |artifact: &&Artifact| {
        args.artifact_type.as_ref().is_none_or(|wanted| {
            artifact.artifact_type == *wanted || artifact.predicate_type.as_ref() == Some(wanted)
        })
    };
    let artifacts: Vec<&Artifact> = family.artifacts().into_iter().filter(fits).collect();
    let mut code = ExitCode::SUCCESS;
    for problem in family.members().flat_map(|member| &member.artifacts.problems) {
        let text = format!("artifact `{}` cannot be read: {}", problem.digest, problem.reason);
        terminal::stderr(&format!("warning: {}\n", escape::terminal(&text)));
        code = ExitCode::from(2);
    }
    for look in family.truncated() {
        let text = format!("{} lists more than is read", look.name);
        terminal::stderr(&format!("warning: {}\n", escape::terminal(&text)));
        code = ExitCode::from(2);
    }
    let layers: Vec<(&Artifact, usize, &Descriptor)> = artifacts
        .iter()
        .flat_map(|artifact| artifact.layers.iter().enumerate().map(|(at, layer)| (*artifact, at, layer)))
        .collect();
    let noun = args.what.noun();
    if layers.is_empty() {
        terminal::note(global, &format!("no {noun} is attached to `{}`", args.image));
        return Ok(if code == ExitCode::SUCCESS { ExitCode::from(1) } else { code });
    }
    let Some(folder) = &args.output_dir else {
        let [(_, _, only)] = layers.as_slice() else {
            return Err(CommandError::usage(format!(
                "`{}` has {}, and standard output takes one",
                args.image,
                assay_report::summary::count(layers.len() as u64, noun)
            ))
            .hint(
                "name a folder with `--output-dir DIR`, or choose with `--platform` or `--artifact-type`",
            ));
        };
        let bytes = repository.blob(only, MAX_LAYER).map_err(broken)?;
        output::print(&bytes)?;
        return Ok(code);
    };
    let unwritable = |path: &std::path::Path, error: std::io::Error| {
        CommandError::work(format!("cannot write `{}`", path.display()), error)
            .hint("name a folder that you may write to with `--output-dir DIR`")
    };
    std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
    let save = |name: String, bytes: &[u8]| -> Result<(), CommandError> {
        let path = folder.join(name);
        output::write_file(&path, bytes).map_err(|error| unwritable(&path, error))?;
        output::print(format!("{}\n", path.display()))
    };
    // No name is taken from the artifact: it might lead out of the folder.
    let stem = |artifact: &Artifact| format!("{}-{}", artifact.kind, artifact.descriptor.digest.short());
    for artifact in &artifacts {
        // The signatures of cosign's tags stand in annotations of the manifest.
        save(format!("{}-manifest.json", stem(artifact)), &artifact.manifest)?;
    }
    for (artifact, at, layer) in layers {
        let bytes = match repository.blob(layer, MAX_LAYER) {
            Ok(bytes) => bytes,
            // What is wrong with one file says nothing of the others.
            Err(
                error @ (RepositoryError::Blob { .. } | RepositoryError::Open(OpenError::TooLarge { .. })),
            ) => {
                let text =
                    format!("file {at} of artifact `{}`: {}", artifact.descriptor.digest, error.told());
                terminal::stderr(&format!("warning: not fetched: {}\n", escape::terminal(&text)));
                code = ExitCode::from(2);
                continue;
            }
            Err(error) => return Err(broken(error)),
        };
        save(format!("{}-{at}.{}", stem(artifact), extension(&layer.media_type)), &bytes)?;
    }
    Ok(code)
}

fn extension(media_type: &str) -> &'static str {
    let base = media_type.split(';').next().unwrap_or_default();
    if base.contains("cose") {
        "cose"
    } else if base.ends_with("json") || base.contains("in-toto") {
        "json"
    } else if base.ends_with("xml") {
        "xml"
    } else if base.starts_with("text/spdx") {
        "spdx"
    } else {
        "bin"
    }
}
