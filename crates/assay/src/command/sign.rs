//! `assay sign`: signatures of images, stored beside them.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::keys;
use crate::output;
use crate::services::Outside;
use crate::signing::{self, Place};
use crate::source::{NetworkArgs, read_file};
use assay_model::Timestamp;
use assay_oci::ArtifactKind;
use assay_oci::descriptor::Descriptor;
use assay_sign::certificate::Certificate;
use assay_sign::kms::KmsError;
use assay_sign::make::{sign_simple, sign_statement, signature_statement, simple_payload};
use assay_sign::notation::{self, EnvelopeFormat, NewEnvelope, NotationPayload, NotationSignError};
use assay_sign::signer::{SignError, Signer};
use assay_sign::statement;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Sign an image, and store the signature beside it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay sign --key release.key registry.example/app@sha256:…\n  \
    assay sign --key release.key --legacy registry.example/app:1.0      for cosign 2 and what is built on it\n  \
    assay sign --key build.key --key review.key -a build=77 registry.example/app:1.0\n  \
    assay sign --key awskms:///alias/release --recursive registry.example/app:1.0\n  \
    assay sign --key release.key --format notation --certificate-chain release.pem registry.example/app:1.0\n\n\
    What is signed is a digest; a tag is looked up, and the digest shown. `assay verify` reads all\n\
    forms, cosign the first two.")]
pub(crate) struct Args {
    #[command(flatten)]
    keys: KeysArgs,

    /// How the signature is written: `bundle` (Sigstore's, also of cosign 3), `legacy` (cosign 2: simple signing under a tag), or
    /// `notation` (Notary Project, which needs certificates).
    #[arg(long, value_name = "FORMAT", default_value = "bundle")]
    format: SignatureFormat,

    /// The same as `--format legacy`.
    #[arg(long, conflicts_with = "format")]
    legacy: bool,

    #[command(flatten)]
    notation: NotationArgs,

    /// Sign the index and each image in it.
    #[arg(long, short)]
    recursive: bool,

    /// Sign this annotation, too: a key and a value that `assay verify -a` can ask for; may be repeated.
    #[arg(long = "annotation", short, value_name = "KEY=VALUE", value_parser = crate::trusting::pair)]
    annotations: Vec<(String, String)>,

    #[command(flatten)]
    network: NetworkArgs,

    /// An image in a registry or an OCI layout, named as for `assay scan`.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SignatureFormat {
    Bundle,
    Legacy,
    Notation,
}

/// What only signatures of the Notary Project have.
#[derive(Debug, clap::Args)]
struct NotationArgs {
    /// The certificate of the key and its issuers up to the root, in this order, as PEM.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    certificate_chain: Option<PathBuf>,

    /// The envelope of a `notation` signature.
    #[arg(long, value_name = "jws|cose", default_value = "jws")]
    envelope: Envelope,

    /// Let a `notation` signature count until then: a date or an RFC 3339 time.
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
}

/// How an envelope is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Envelope {
    Jws,
    Cose,
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
    pub(super) fn signers(
        &self,
        network: &NetworkArgs,
        global: &Global,
    ) -> Result<Vec<Box<dyn Signer>>, CommandError> {
        self.keys.iter().map(|key| keys::signer(key, Outside::new(network, global)?)).collect()
    }
}

/// What to do about a key in Google's service that signs by another algorithm.
pub(super) const KMS_ALGORITHM: &str = "make a key for `ec-sign-p256-sha256` or `rsa-sign-pkcs1-3072-sha256`: `gcloud kms keys create --purpose asymmetric-signing --default-algorithm …`";

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let annotations: BTreeMap<String, String> = args.annotations.iter().cloned().collect();
    let format = if args.legacy { SignatureFormat::Legacy } else { args.format };
    if format != SignatureFormat::Notation
        && (args.notation.certificate_chain.is_some() || args.notation.expires.is_some())
    {
        return Err(CommandError::usage("certificates and an expiry are of Notary signatures only")
            .hint("add `--format notation`"));
    }
    let given = args.notation.certificates()?;
    let signers = args.keys.signers(&args.network, global)?;
    let mut pairs = Vec::new();
    for signer in signers {
        let chain = match format {
            SignatureFormat::Notation => args.notation.chain(signer.as_ref(), given.as_deref())?,
            SignatureFormat::Bundle | SignatureFormat::Legacy => Vec::new(),
        };
        pairs.push((signer, chain));
    }
    for image in &args.images {
        let place = signing::open(image, &args.network, global)?;
        for manifest in place.manifests(args.recursive)? {
            for (signer, chain) in &pairs {
                let signer = signer.as_ref();
                let told = match format {
                    SignatureFormat::Notation => {
                        notation(&place, &manifest, (signer, chain), &args.notation, &annotations)?
                    }
                    SignatureFormat::Bundle => sign(&place, &manifest, signer, false, &annotations)?,
                    SignatureFormat::Legacy => sign(&place, &manifest, signer, true, &annotations)?,
                };
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
    output::print(line)
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
    let hint = match &error {
        SignError::Kms(KmsError::Algorithm(_)) => KMS_ALGORITHM,
        SignError::NeedsMessage => {
            "sign so large a statement with an ECDSA key: `assay key generate --out NAME` makes one"
        }
        _ => "check the key with `assay key public KEY`",
    };
    CommandError::work(format!("cannot sign {}", manifest.digest), error).hint(hint)
}

impl NotationArgs {
    /// Reads the certificates that are named.
    fn certificates(&self) -> Result<Option<Vec<Certificate>>, CommandError> {
        let Some(path) = &self.certificate_chain else { return Ok(None) };
        let unread = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot read the certificates in `{}`", path.display()), error)
                .hint("name a PEM file with the certificate of the key first, and its root last")
        };
        let bytes = read_file(path).map_err(|error| unread(error.into()))?;
        Certificate::from_file(&bytes).map(Some).map_err(|error| unread(error.into()))
    }

    /// Returns the certificates of a signer, which verifiers will accept: those that are named, or those that came with its key.
    /// Asked before the first image is signed, so that not half of them are.
    fn chain(
        &self,
        signer: &dyn Signer,
        given: Option<&[Certificate]>,
    ) -> Result<Vec<Certificate>, CommandError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            let fingerprint = signer.public_key().fingerprint_hex();
            CommandError::work(format!("cannot sign for the Notary Project by key {fingerprint}"), error)
        };
        let own = signer.certificates().iter().map(|der| Certificate::from_der(der));
        let chain = match given {
            Some(given) => given.to_vec(),
            None => own.collect::<Result<Vec<_>, _>>().map_err(|error| failed(error.into()))?,
        };
        notation::check(signer.public_key(), &chain, environment::now(), self.expires).map_err(|error| {
            let hint = match &error {
                NotationSignError::Expired(_) => "name a later time with `--expires TIME`",
                _ => "name the certificate of the key and its issuers with `--certificate-chain FILE`",
            };
            failed(error.into()).hint(hint)
        })?;
        Ok(chain)
    }
}

fn notation(
    place: &Place,
    manifest: &Descriptor,
    (signer, chain): (&dyn Signer, &[Certificate]),
    args: &NotationArgs,
    annotations: &BTreeMap<String, String>,
) -> Result<String, CommandError> {
    let payload = NotationPayload {
        target_artifact: notation::Descriptor {
            media_type: manifest.media_type.clone(),
            digest: manifest.digest,
            size: manifest.size,
            annotations: annotations.clone(),
        },
    };
    let new = NewEnvelope {
        payload: &payload,
        chain,
        time: environment::now(),
        expiry: args.expires,
        agent: concat!("assay/", env!("CARGO_PKG_VERSION")),
    };
    let format = match args.envelope {
        Envelope::Jws => EnvelopeFormat::Jws,
        Envelope::Cose => EnvelopeFormat::Cose,
    };
    let subject = chain.first().map(Certificate::subject_text).unwrap_or_default();
    if place.has_notation(manifest.digest, &new, format)? {
        return Ok(format!("is signed by {subject} already"));
    }
    let envelope = notation::sign(signer, &new, format).map_err(|error| {
        CommandError::work(format!("cannot sign {}", manifest.digest), error)
            .hint("check the key with `assay key public KEY`")
    })?;
    let attached = place.attach_notation(manifest, &envelope, format, chain)?;
    Ok(format!("signed by {subject}, {}", signing::found(&attached, &manifest.digest)))
}
