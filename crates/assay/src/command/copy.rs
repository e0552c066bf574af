//! `assay copy`: carry an image, and all that is attached to it, elsewhere.

use super::Global;
use crate::bytes::Bytes;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, Opened, failed, parse};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::{Digest, Platform};
use assay_oci::copy::{Copied, CopyOptions, copy};
use assay_oci::repository::pack;
use assay_oci::source::{Selector, Source};
use assay_oci::{Access, Repository, RepositoryError, Transfer};
use assay_report::escape;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Copy an image with all platforms and everything attached to it: to another registry, or into a file for a closed network.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay copy registry.example/app:1.0 mirror.example/app:1.0\n  \
    assay copy registry.example/app@sha256:… oci-archive:app.tar       into one file\n  \
    assay copy oci-archive:app.tar inside.example/app:1.0              and out of it\n  \
    assay copy registry.example/app:1.0 oci:layout --platform linux/amd64\n\n\
    Nothing is compressed anew: digests and signatures stay as they are. What is there already is not sent again.\n\n\
    Exit codes: 0 copied; 2 not copied, or something that is attached could not be copied.")]
pub(crate) struct Args {
    /// An image of a registry, or of an OCI layout (`oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`).
    #[arg(value_name = "SOURCE")]
    source: String,

    /// Where to: a reference, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`; without a tag it gets that of the source.
    #[arg(value_name = "DESTINATION")]
    destination: String,

    /// Of an index, copy the image for this platform only; its digest is then not that of the index.
    #[arg(long, value_name = "OS/ARCH", conflicts_with = "all_platforms")]
    platform: Option<Platform>,

    /// Copy the images of all platforms, as is done without `--platform`.
    #[arg(long)]
    all_platforms: bool,

    /// Leave behind what is attached.
    #[arg(long)]
    without_artifacts: bool,

    /// Say what was copied as JSON.
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    network: NetworkArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let network = repository::network(&args.network, global)?;
    let from = repository::open("copy", &args.source, Access::Read, &network)?;
    let verb = "copy to";
    let to_failed = |error| failed(verb, &args.destination, error);
    let destination = parse_destination(&args.destination)?;
    let tag = tag_of(&args.destination, &destination, &from);
    let options = CopyOptions {
        platform: args.platform.clone(),
        artifacts: !args.without_artifacts,
        expected: digest_of(&destination),
        keep_tag: false,
        whole: false,
    };
    let progress = |blob: &assay_oci::Descriptor, transfer: Transfer| {
        let done = match transfer {
            Transfer::Present => "present",
            Transfer::Mounted => "mounted",
            Transfer::Sent => "copied",
        };
        terminal::note(global, &format!("{done} {}, {}", blob.digest.short(), Bytes(blob.size)));
    };
    let run = |to: &Repository| -> Result<Copied, CommandError> {
        copy(&from.repository, from.wanted.as_ref(), to, tag.as_deref(), &options, &progress).map_err(
            |error| {
                if matches!(error, RepositoryError::OtherDigest { .. }) {
                    return CommandError::usage(format!(
                        "`{}` has another digest than that of what would be copied",
                        args.destination
                    ))
                    .hint("leave out the digest of the destination, or name it in the source");
                }
                // Mirrors keep some images of an index only, and no registry takes such an index.
                let is_sparse = matches!(error, RepositoryError::Missing { .. }) && args.platform.is_none();
                let failed = failed("copy", &format!("{}` to `{}", args.source, args.destination), error);
                if is_sparse {
                    failed
                        .hint("if images of other platforms are missing, copy one with `--platform OS/ARCH`")
                } else {
                    failed
                }
            },
        )
    };
    let copied = match &destination {
        Source::OciArchive(place) => {
            if place.path.exists() {
                return Err(CommandError::usage(format!("`{}` exists already", place.path.display()))
                    .hint("remove it, or name another file; `oci:DIR` takes several images"));
            }
            let beside = folder_of(&place.path);
            let unwritable = |error: std::io::Error| {
                CommandError::work(format!("cannot write beside `{}`", place.path.display()), error)
                    .hint("name a file in a folder that is there and that you may write to")
            };
            let scratch =
                tempfile::Builder::new().prefix(".assay-copy-").tempdir_in(beside).map_err(unwritable)?;
            let layout = scratch.path().join("layout");
            let copied = run(&Repository::layout(&layout, Access::Write).map_err(to_failed)?)?;
            pack(&layout, &place.path).map_err(to_failed)?;
            copied
        }
        Source::OciLayout(place) => run(&Repository::layout(&place.path, Access::Write).map_err(to_failed)?)?,
        other => {
            let (to, _) = Repository::of_source(other, Access::Write, &network, &repository::spool())
                .map_err(to_failed)?;
            run(&to)?
        }
    };
    report(args, &copied, tag.as_deref())?;
    for problem in &copied.problems {
        terminal::stderr(&format!("warning: not copied: {}\n", escape::terminal(problem)));
    }
    Ok(if copied.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => parent.to_owned(),
        None => environment::working_folder().unwrap_or_else(|| PathBuf::from(".")),
    }
}

/// Understands the destination; a path need not exist.
fn parse_destination(text: &str) -> Result<Source, CommandError> {
    let source = parse("copy to", text)?;
    match source {
        Source::Registry(_) | Source::OciLayout(_) | Source::OciArchive(_) => Ok(source),
        _ => Err(CommandError::usage(format!("`{text}` is no place to copy an image to"))
            .hint("give a reference, `oci:DIR[:TAG]` or `oci-archive:FILE[:TAG]`")),
    }
}

/// Returns the digest that the destination is named by.
fn digest_of(destination: &Source) -> Option<Digest> {
    match destination {
        Source::Registry(reference) => reference.digest(),
        Source::OciLayout(place) | Source::OciArchive(place) => match &place.selector {
            Some(Selector::Digest(digest)) => Some(*digest),
            Some(Selector::Name(_)) | None => None,
        },
        _ => None,
    }
}

/// Returns the tag that the copy gets: the one that was typed, or else that of the source.
pub(super) fn tag_of(text: &str, destination: &Source, from: &Opened) -> Option<String> {
    let own = match destination {
        Source::Registry(reference) => {
            let rest = text.rsplit('/').next().unwrap_or(text);
            if rest.contains('@') {
                // A digest and no tag: it gets no name.
                return rest.split('@').next()?.split_once(':').map(|(_, tag)| tag.to_owned());
            }
            rest.contains(':').then(|| reference.tag().map(str::to_owned)).flatten()
        }
        Source::OciLayout(place) | Source::OciArchive(place) => match &place.selector {
            Some(Selector::Name(name)) => Some(name.clone()),
            Some(Selector::Digest(_)) | None => None,
        },
        _ => None,
    };
    let theirs = || match &from.source {
        Source::Registry(reference) => reference.tag().map(str::to_owned),
        _ => match &from.wanted {
            Some(Selector::Name(name)) => Some(name.clone()),
            Some(Selector::Digest(_)) | None => None,
        },
    };
    own.or_else(theirs)
}

fn report(args: &Args, copied: &Copied, tag: Option<&str>) -> Result<(), CommandError> {
    let digest = copied.root.map(|digest| digest.to_string()).unwrap_or_default();
    let text = if args.json {
        let document = json!({
            "schema": "assay.copy/v1",
            "source": args.source,
            "destination": args.destination,
            "tag": tag,
            "digest": digest,
            "complete": copied.problems.is_empty(),
            "manifests": copied.manifests,
            "artifacts": copied.artifacts,
            "blobs": { "sent": copied.sent, "sent_bytes": copied.sent_bytes, "mounted": copied.mounted, "present": copied.present },
            "problems": copied.problems,
        });
        format!("{document:#}\n")
    } else {
        format!("{digest}\n")
    };
    output::print(text)
}
