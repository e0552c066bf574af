//! `assay key rotate`: signs again, by a new key, what an old key signed.

use super::super::sign::{say, sign};
use crate::command::Global;
use crate::error::CommandError;
use crate::keys;
use crate::services::Outside;
use crate::signing;
use crate::source::{NetworkArgs, read_file};
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign again, by a new key, the images that an old key signed.
///
/// What the old key did not sign is not signed, and makes the command end with 1: otherwise a rotation would vouch for images that
/// somebody pushed meanwhile. Forms and annotations of the signatures stay as they were; the old signatures stay, too, so that nobody
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
        images.extend(lines.map(str::to_owned));
    }
    let mut unsigned = false;
    for image in &images {
        let place = signing::open(image, &args.network, global)?;
        let manifest = &place.image.descriptor;
        let signatures = place.signatures_by(manifest.digest, &old)?;
        if signatures.is_empty() {
            unsigned = true;
            say(&place, manifest, "is not signed by the old key, and was left as it is")?;
        }
        for (legacy, annotations) in &signatures {
            let told = sign(&place, manifest, new.as_ref(), *legacy, annotations)?;
            say(&place, manifest, &told)?;
        }
    }
    Ok(if unsigned { ExitCode::from(1) } else { ExitCode::SUCCESS })
}
