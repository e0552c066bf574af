//! `assay sign`: signatures of images, stored beside them.

use super::Global;
use crate::error::CommandError;
use crate::keys;
use crate::signing::{self, Place};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_oci::ArtifactKind;
use assay_oci::descriptor::Descriptor;
use assay_sign::make::{sign_simple, sign_statement, signature_statement, simple_payload};
use assay_sign::signer::{SignError, Signer};
use assay_sign::statement;
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Sign an image, and store the signature beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay sign --key release.key registry.example/app@sha256:…\n  \
    assay sign --key release.key --legacy registry.example/app:1.0      for cosign 2 and what is built on it\n  \
    assay sign --key build.key --key review.key -a build=77 registry.example/app:1.0\n  \
    assay sign --key awskms:///alias/release --recursive registry.example/app:1.0\n\n\
    What is signed is a digest; a tag is looked up, and the digest shown. `assay verify` and `cosign verify` read both forms.")]
pub(crate) struct Args {
    #[command(flatten)]
    keys: KeysArgs,

    /// Write the signature as cosign 2 does (simple signing under a tag), not as a Sigstore bundle.
    #[arg(long)]
    legacy: bool,

    /// Sign the index and each image in it.
    #[arg(long, short)]
    recursive: bool,

    /// Sign this annotation, too: a key and a value that `assay verify -a` can ask for; may be repeated.
    #[arg(long = "annotation", short, value_name = "KEY=VALUE", value_parser = pair)]
    annotations: Vec<(String, String)>,

    #[command(flatten)]
    network: NetworkArgs,

    /// An image in a registry or an OCI layout, named as for `assay scan`.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

/// The keys that sign.
#[derive(Debug, clap::Args)]
pub(crate) struct KeysArgs {
    /// The private key: a file (of `assay key` or cosign, or PEM), `env://VARIABLE`, a key in a key service (`awskms://`,
    /// `gcpkms://`, `azurekms://`, `hashivault://`), `plugin://NAME/KEY-ID`, or `pkcs11:…`; may be repeated.
    #[arg(long = "key", value_name = "KEY", env = "ASSAY_KEY", hide_env_values = true, required = true)]
    keys: Vec<String>,
}

impl KeysArgs {
    /// Opens the keys.
    pub(super) fn signers(&self) -> Result<Vec<Box<dyn Signer>>, CommandError> {
        self.keys.iter().map(|key| keys::signer(key)).collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected `KEY=VALUE`".to_owned()),
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let annotations: BTreeMap<String, String> = args.annotations.iter().cloned().collect();
    let signers = args.keys.signers()?;
    for image in &args.images {
        let place = signing::open(image, &args.network, global)?;
        for manifest in place.manifests(args.recursive)? {
            for signer in &signers {
                let told = sign(&place, &manifest, signer.as_ref(), args.legacy, &annotations)?;
                say(&place, &manifest, &told)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes one line of the result.
pub(super) fn say(place: &Place, manifest: &Descriptor, told: &str) -> Result<(), CommandError> {
    let line = format!("{}@{}  {told}\n", place.name(), manifest.digest);
    let line = assay_report::escape::terminal(line.trim_end()).into_owned() + "\n";
    terminal::stdout(line.as_bytes())
        .map_err(|error| CommandError::work("cannot write to standard output", error))
}

/// Signs a manifest, unless that key did so already; says what was done.
pub(super) fn sign(
    place: &Place,
    manifest: &Descriptor,
    signer: &dyn Signer,
    legacy: bool,
    annotations: &BTreeMap<String, String>,
) -> Result<String, CommandError> {
    let key = signer.public_key();
    let fingerprint = key.fingerprint_hex();
    let short = fingerprint.get(..12).unwrap_or_default();
    let failed = |error: SignError| not_signed(manifest, error);
    let there = Ok(format!("is signed by key {short} already"));
    let attached = if legacy {
        let payload = simple_payload(&place.name(), &manifest.digest, annotations);
        if place.has_simple(manifest.digest, key, &payload)? {
            return there;
        }
        place.append_simple(manifest, &sign_simple(signer, payload).map_err(failed)?)?
    } else {
        let statement = signature_statement(&manifest.digest, annotations);
        if place.has_statement(
            manifest.digest,
            key,
            &statement.to_json(),
            (ArtifactKind::Signature, false),
        )? {
            return there;
        }
        let bundle = sign_statement(signer, &statement).map_err(failed)?;
        place.attach_bundle(manifest, &bundle, statement::SIGN)?
    };
    Ok(format!("signed by key {short}, {}", signing::found(&attached, &manifest.digest)))
}

/// Makes the error of a signer that does not sign.
pub(super) fn not_signed(manifest: &Descriptor, error: SignError) -> CommandError {
    CommandError::work(format!("cannot sign {}", manifest.digest), error)
        .hint("check the key with `assay key public KEY`")
}
