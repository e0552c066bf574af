//! `assay key rotate`: signs again, by a new key, what an old key signed.

use super::super::sign::{say, sign};
use crate::command::Global;
use crate::error::CommandError;
use crate::evidence::runnable;
use crate::keys;
use crate::services::Outside;
use crate::signing::{self, Place, Signatures};
use crate::source::{NetworkArgs, read_file};
use assay_model::Digest;
use assay_oci::descriptor::Descriptor;
use assay_sign::key::PublicKey;
use assay_sign::signer::Signer;
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign again, by a new key, the images that an old key signed.
///
/// What the old key did not sign is not signed, and makes the command end with 1: otherwise a rotation would vouch for images that
/// somebody pushed meanwhile. An image that cannot be read does not stop the others, and makes it end with 2. Forms and annotations of the signatures stay as they were; the old signatures stay, too, so that nobody
/// who still trusts the old key is cut off. Attestations are made again by whoever can vouch for them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay key rotate --old-key old.pub --new-key new.key registry.example/app@sha256:…\n  \
    kubectl get pods -A -o jsonpath='{..imageID}' | tr ' ' '\\n' | sort -u > deployed.txt\n  \
    assay key rotate --old-key old.pub --new-key new.key --from deployed.txt")]
pub(super) struct Args {
    /// The public key whose signatures are replaced: a file, or what keeps it.
    #[arg(long, value_name = "KEY")]
    old_key: String,

    /// The private key that signs from now on, named as for `assay sign --key`.
    #[arg(long, value_name = "KEY")]
    new_key: String,

    /// Read more images from this file, one a line; lines that begin with `#` are left out.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    from: Option<PathBuf>,

    /// Replace the signatures of an index and of each image in it.
    #[arg(long, short)]
    recursive: bool,

    #[command(flatten)]
    network: NetworkArgs,

    /// The images, best by digest: a tag may stand for another image by now.
    #[arg(value_name = "IMAGE", required_unless_present = "from")]
    images: Vec<String>,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let outside = || Outside::new(&args.network, global);
    let old = keys::public_key(&args.old_key, outside()?)?;
    let new = keys::signer(&args.new_key, outside()?)?;
    if old == *new.public_key() {
        return Err(CommandError::usage("the new key is the old one")
            .hint("make a new one with `assay key generate --out NAME`"));
    }
    let mut images = args.images.clone();
    if let Some(path) = &args.from {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot read `{}`", path.display()), error)
                .hint("name a text file with an image a line")
        };
        let bytes = read_file(path).map_err(|error| failed(error.into()))?;
        let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        // Nodes with Docker's runtime write it before what they pulled.
        images.extend(lines.map(|line| line.strip_prefix("docker-pullable://").unwrap_or(line).to_owned()));
    }
    let rotation = Rotation { old, new: new.as_ref(), recursive: args.recursive };
    let mut worst = Ended::Done;
    for image in &images {
        let ended = signing::open(image, &args.network, global).and_then(|place| rotation.image(&place));
        worst = worst.max(ended.unwrap_or_else(|error| {
            error.print();
            Ended::Failed
        }));
    }
    Ok(match worst {
        Ended::Done => ExitCode::SUCCESS,
        Ended::Unsigned => ExitCode::from(1),
        Ended::Failed => ExitCode::from(2),
    })
}

/// How it ended for an image, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Done,
    Unsigned,
    Failed,
}

struct Rotation<'a> {
    old: PublicKey,
    new: &'a dyn Signer,
    recursive: bool,
}

impl Rotation<'_> {
    fn image(&self, place: &Place) -> Result<Ended, CommandError> {
        let mut unsigned = Vec::new();
        let mut ended = Ended::Done;
        let manifests = place.manifests(self.recursive)?;
        for manifest in &manifests {
            match self.manifest(place, manifest) {
                Ok(true) => {}
                Ok(false) => unsigned.push(manifest),
                Err(error) => {
                    error.print();
                    ended = Ended::Failed;
                    unsigned.push(manifest);
                }
            }
        }
        let signed = |digest: Digest| unsigned.iter().all(|manifest| manifest.digest != digest);
        // As verifiers have it: an index is good when it is signed, or when every image in it that runs is.
        let whole = signed(place.image.descriptor.digest) || {
            let images = if self.recursive { runnable(&place.image, &place.shown)? } else { Vec::new() };
            !images.is_empty() && images.iter().all(|image| signed(image.digest))
        };
        if ended == Ended::Done && !whole {
            for manifest in unsigned {
                say(place, manifest, "is not signed by the old key, and was left as it is")?;
            }
            ended = Ended::Unsigned;
        }
        Ok(ended)
    }

    /// Replaces the signatures of one manifest; returns whether there are any.
    fn manifest(&self, place: &Place, manifest: &Descriptor) -> Result<bool, CommandError> {
        let Signatures { found, problems } = place.signatures_by(manifest.digest, &self.old)?;
        for signature in &found {
            let told = sign(place, manifest, self.new, signature.legacy, &signature.annotations)?;
            say(place, manifest, &told)?;
        }
        match problems.into_iter().next() {
            // It may be one that was looked for, whatever else was found.
            Some(problem) => {
                let message =
                    format!("cannot read every signature of {} in `{}`", manifest.digest, place.shown);
                Err(CommandError::work(message, problem)
                    .hint("look at what is there with `assay tree IMAGE`"))
            }
            None => Ok(!found.is_empty()),
        }
    }
}
