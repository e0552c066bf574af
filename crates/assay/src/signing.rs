//! Puts signatures and attestations beside images: which manifests are meant, what is there already, and in which form.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::repository::{self, Located};
use crate::source::NetworkArgs;
use assay_model::Digest;
use assay_oci::descriptor::Descriptor;
use assay_oci::{
    Access, Artifact, ArtifactKind, Artifacts, Attached, Found, ManifestDocument, NewArtifact, NewLayer,
    RepositoryError, StoredManifest, TagScheme,
};
use assay_sign::bundle::{self, Bundle, Content};
use assay_sign::certificate::Certificate;
use assay_sign::dsse::Envelope;
use assay_sign::key::PublicKey;
use assay_sign::make::SimpleSignature;
use assay_sign::notation::{self, EnvelopeFormat, NewEnvelope, NotationEnvelope};
use assay_sign::simple_signing::Payload;
use assay_sign::statement::{self, Statement};
use assay_sign::{Base64, dsse, simple_signing};
use std::collections::{BTreeMap, BTreeSet};

/// The annotation that holds a signature of cosign 2.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// The media type of an envelope under cosign's tag for attestations.
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
/// How deep indexes within indexes are followed.
const MAX_DEPTH: u32 = 3;
/// How many manifests of an index are signed; the largest public images have some dozens.
const MAX_MANIFESTS: usize = 500;

/// An image, and where it is.
pub(crate) type Place = Located;

/// What a signature says, beyond that there is one.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Signature {
    /// It is in cosign's older form.
    pub(crate) legacy: bool,
    /// What was signed besides the digest.
    pub(crate) annotations: BTreeMap<String, String>,
}

/// The signatures of a manifest by one key.
#[derive(Debug)]
pub(crate) struct Signatures {
    /// What they say.
    pub(crate) found: BTreeSet<Signature>,
    /// What may be a signature and was not seen or cannot be read.
    pub(crate) problems: Vec<String>,
}

/// Opens the place of an image to write to it, and finds out what is meant.
pub(crate) fn open(text: &str, network: &NetworkArgs, global: &Global) -> Result<Place, CommandError> {
    repository::locate(text, Access::Write, network, global)
}

impl Place {
    /// Returns the name of the repository, as signers write it.
    pub(crate) fn name(&self) -> String {
        match self.repository.reference() {
            Some(reference) => format!("{}/{}", reference.registry(), reference.repository()),
            None => self.repository.place(),
        }
    }

    /// Returns the image's manifest or index, and with `recursive` all manifests in it.
    pub(crate) fn manifests(&self, recursive: bool) -> Result<Vec<Descriptor>, CommandError> {
        let mut all = vec![self.image.descriptor.clone()];
        if recursive {
            let mut seen = BTreeSet::from([self.image.descriptor.digest]);
            self.children(&self.image, MAX_DEPTH, &mut seen, &mut all)?;
        }
        Ok(all)
    }

    fn children(
        &self,
        of: &StoredManifest,
        depth: u32,
        seen: &mut BTreeSet<Digest>,
        all: &mut Vec<Descriptor>,
    ) -> Result<(), CommandError> {
        let failed = |error: RepositoryError| {
            CommandError::work(format!("cannot read what is in `{}`", self.shown), error)
                .with_hints_of_cause()
        };
        let document = ManifestDocument::parse(&of.bytes).map_err(|error| failed(error.into()))?;
        if !document.is_index() || depth == 0 {
            return Ok(());
        }
        if document.malformed() > 0 {
            let cause = format!("{} of its entries cannot be understood", document.malformed());
            return Err(CommandError::work(format!("cannot sign all that is in `{}`", self.shown), cause)
                .hint("sign the index alone, without `--recursive`"));
        }
        for entry in document.manifests {
            if !seen.insert(entry.digest) {
                continue;
            }
            if all.len() >= MAX_MANIFESTS {
                return Err(CommandError::usage(format!(
                    "`{}` has more than {MAX_MANIFESTS} manifests",
                    self.shown
                ))
                .hint("sign the index alone, without `--recursive`"));
            }
            let child = self.repository.manifest(entry.digest).map_err(failed)?;
            all.push(child.descriptor.clone());
            self.children(&child, depth - 1, seen, all)?;
        }
        Ok(())
    }

    /// Returns what is attached to a manifest already.
    fn artifacts(&self, subject: Digest, kind: ArtifactKind) -> Result<Vec<Artifact>, CommandError> {
        self.attached(subject, kind).map(|found| found.artifacts)
    }

    /// Returns the same with what could not be seen.
    fn attached(&self, subject: Digest, kind: ArtifactKind) -> Result<Artifacts, CommandError> {
        self.repository.artifacts(subject, &[kind]).map_err(|error| {
            CommandError::work(format!("cannot look at what is attached to {subject}"), error)
                .with_hints_of_cause()
        })
    }

    /// Tells whether a manifest has a statement by that key already that says the same, in the form that is asked for.
    pub(crate) fn has_statement(
        &self,
        subject: Digest,
        key: &PublicKey,
        new: &[u8],
        (kind, legacy): (ArtifactKind, bool),
    ) -> Result<bool, CommandError> {
        for layer in self.artifacts(subject, kind)?.into_iter().flat_map(|artifact| artifact.layers) {
            let in_bundle = bundle::is_media_type(&layer.media_type);
            if in_bundle == legacy || (legacy && layer.media_type != ENVELOPE) {
                continue;
            }
            // What cannot be read is no signature of ours.
            let Ok(bytes) = self.repository.blob(&layer, bundle::MAX_BYTES as u64) else { continue };
            let envelope = if legacy {
                Envelope::parse(&bytes).ok()
            } else {
                match Bundle::parse(&bytes) {
                    Ok(Bundle { content: Content::Dsse(envelope), .. }) => Some(envelope),
                    _ => None,
                }
            };
            if envelope.is_some_and(|envelope| envelope.payload.0 == new && signed(&envelope, key)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether a manifest has a signature of cosign's older form by that key already.
    pub(crate) fn has_simple(
        &self,
        subject: Digest,
        key: &PublicKey,
        payload: &[u8],
    ) -> Result<bool, CommandError> {
        let ours = Descriptor::of(simple_signing::MEDIA_TYPE, payload).digest;
        let artifacts = self.artifacts(subject, ArtifactKind::Signature)?;
        let layers = artifacts.iter().flat_map(|artifact| &artifact.layers);
        Ok(layers.filter(|layer| layer.digest == ours).any(|layer| {
            let signature = layer.annotations.get(SIGNATURE).and_then(|text| Base64::decoded(text).ok());
            signature.is_some_and(|signature| verifies(key, payload, &signature.0))
        }))
    }

    /// Returns the signatures of a manifest by that key.
    pub(crate) fn signatures_by(&self, subject: Digest, key: &PublicKey) -> Result<Signatures, CommandError> {
        let attached = self.attached(subject, ArtifactKind::Signature)?;
        let (mut found, mut problems) = (BTreeSet::new(), attached.unseen());
        for layer in attached.artifacts.into_iter().flat_map(|one| one.layers) {
            let bytes = match self.repository.blob(&layer, bundle::MAX_BYTES as u64) {
                Ok(bytes) => bytes,
                Err(error) => {
                    problems.push(format!("layer {}: {error}", layer.digest.short()));
                    continue;
                }
            };
            if layer.media_type == simple_signing::MEDIA_TYPE {
                let signature = layer.annotations.get(SIGNATURE).and_then(|text| Base64::decoded(text).ok());
                if !signature.is_some_and(|signature| verifies(key, &bytes, &signature.0)) {
                    continue;
                }
                if let Some(payload) =
                    Payload::parse(&bytes).ok().filter(|payload| payload.digest() == subject)
                {
                    found.insert(Signature {
                        legacy: true,
                        annotations: payload
                            .annotations()
                            .map(|(name, value)| (name.to_owned(), text(value)))
                            .collect(),
                    });
                }
            } else if let Ok(Bundle { content: Content::Dsse(envelope), .. }) = Bundle::parse(&bytes)
                && signed(&envelope, key)
                && let Ok(statement) = Statement::parse(&envelope.payload.0)
                && statement.predicate_type == statement::SIGN
                && let Some(subject) = statement.subject_with(&subject)
            {
                found.insert(Signature {
                    legacy: false,
                    annotations: subject
                        .annotations
                        .iter()
                        .map(|(name, value)| (name.clone(), text(value)))
                        .collect(),
                });
            }
        }
        Ok(Signatures { found, problems })
    }

    /// Tells whether a manifest has a signature of the Notary Project already that says what a new one would.
    pub(crate) fn has_notation(
        &self,
        subject: Digest,
        new: &NewEnvelope<'_>,
        format: EnvelopeFormat,
    ) -> Result<bool, CommandError> {
        let artifacts = self.artifacts(subject, ArtifactKind::Signature)?;
        let mut layers = artifacts.iter().flat_map(|artifact| &artifact.layers);
        Ok(layers.any(|layer| {
            // What cannot be read is no signature of ours.
            let bytes = (layer.media_type == format.media_type())
                .then(|| self.repository.blob(layer, bundle::MAX_BYTES as u64).ok());
            let envelope = bytes.flatten().and_then(|bytes| match format {
                EnvelopeFormat::Jws => NotationEnvelope::from_jws(&bytes).ok(),
                EnvelopeFormat::Cose => NotationEnvelope::from_cose(&bytes).ok(),
            });
            envelope.is_some_and(|envelope| envelope.says(new))
        }))
    }

    /// Attaches an envelope of the Notary Project to a manifest.
    pub(crate) fn attach_notation(
        &self,
        subject: &Descriptor,
        envelope: &[u8],
        format: EnvelopeFormat,
        chain: &[Certificate],
    ) -> Result<Attached, CommandError> {
        let prints: Vec<String> =
            chain.iter().map(|one| Digest::Sha256(one.fingerprint()).hex().to_ascii_uppercase()).collect();
        let annotations = BTreeMap::from([
            ("org.opencontainers.image.created".to_owned(), environment::now().to_string()),
            ("io.cncf.notary.x509chain.thumbprint#S256".to_owned(), serde_json::json!(prints).to_string()),
        ]);
        let layer =
            NewLayer { media_type: format.media_type(), bytes: envelope, annotations: &BTreeMap::new() };
        let artifact = NewArtifact {
            artifact_type: notation::ARTIFACT_TYPE,
            layers: &[layer],
            annotations: &annotations,
        };
        self.repository.attach(subject, &artifact).map_err(|error| self.not_attached(subject, error))
    }

    /// Attaches a bundle to a manifest.
    pub(crate) fn attach_bundle(
        &self,
        subject: &Descriptor,
        bundle: &Bundle,
        predicate_type: &str,
    ) -> Result<Attached, CommandError> {
        let annotations = BTreeMap::from([
            ("org.opencontainers.image.created".to_owned(), environment::now().to_string()),
            ("dev.sigstore.bundle.content".to_owned(), "dsse-envelope".to_owned()),
            ("dev.sigstore.bundle.predicateType".to_owned(), predicate_type.to_owned()),
        ]);
        let layer = NewLayer {
            media_type: bundle::MEDIA_TYPE,
            bytes: &bundle.to_json(),
            annotations: &BTreeMap::new(),
        };
        let artifact =
            NewArtifact { artifact_type: bundle::MEDIA_TYPE, layers: &[layer], annotations: &annotations };
        self.repository.attach(subject, &artifact).map_err(|error| self.not_attached(subject, error))
    }

    /// Adds a signature of cosign's older form to the tag where it is looked for.
    pub(crate) fn append_simple(
        &self,
        subject: &Descriptor,
        signature: &SimpleSignature,
    ) -> Result<Attached, CommandError> {
        let annotations = BTreeMap::from([(SIGNATURE.to_owned(), signature.signature.clone())]);
        let layer = NewLayer {
            media_type: simple_signing::MEDIA_TYPE,
            bytes: &signature.payload,
            annotations: &annotations,
        };
        self.repository
            .append_tagged(&subject.digest, TagScheme::Signature, &layer)
            .map_err(|error| self.not_attached(subject, error))
    }

    /// Adds an attestation to the tag where cosign 2 looks for it.
    pub(crate) fn append_envelope(
        &self,
        subject: &Descriptor,
        envelope: &Envelope,
        predicate_type: &str,
    ) -> Result<Attached, CommandError> {
        let annotations = BTreeMap::from([
            (SIGNATURE.to_owned(), String::new()),
            ("predicateType".to_owned(), predicate_type.to_owned()),
        ]);
        let layer = NewLayer { media_type: ENVELOPE, bytes: &envelope.to_json(), annotations: &annotations };
        self.repository
            .append_tagged(&subject.digest, TagScheme::Attestation, &layer)
            .map_err(|error| self.not_attached(subject, error))
    }

    fn not_attached(&self, subject: &Descriptor, error: RepositoryError) -> CommandError {
        CommandError::work(
            format!("cannot attach anything to {} in `{}`", subject.digest, self.repository.place()),
            error,
        )
        .with_hints_of_cause()
    }
}

fn signed(envelope: &Envelope, key: &PublicKey) -> bool {
    let message = dsse::pae(&envelope.payload_type, &envelope.payload.0);
    envelope.signatures.iter().any(|one| verifies(key, &message, &one.sig.0))
}

fn verifies(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    key.sigstore_schemes().iter().any(|scheme| key.verify(*scheme, message, signature).is_ok())
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Says where something was put.
pub(crate) fn found(attached: &Attached, subject: &Digest) -> String {
    match attached.found {
        Found::Referrers => "as a referrer".to_owned(),
        Found::FallbackTag => {
            format!("listed under the tag {}", assay_oci::artifact::fallback_tag(subject))
        }
        Found::Tag(scheme) => format!("under the tag {}", scheme.tag(subject)),
        Found::Index => "in the index".to_owned(),
    }
}
