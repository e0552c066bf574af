//! What an artifact is for, by its media types.
//!
//! Types are what clients write in practice: cosign 2 and 3, Notation, Syft, Trivy, Docker's BuildKit, regclient and ORAS users.

use super::document::ManifestDocument;
use std::fmt;

/// What an artifact is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArtifactKind {
    /// A signature of the image: cosign's, a bundle with the sign predicate, or Notation's.
    Signature,
    /// A signed or unsigned statement about the image: in-toto, in an envelope or bare.
    Attestation,
    /// A bill of materials.
    Sbom,
    /// Statements on which vulnerabilities concern the image.
    Vex,
    /// Anything else.
    Other,
}

/// The predicate of a statement that is a signature and nothing more.
pub const SIGN_PREDICATE: &str = "https://sigstore.dev/cosign/sign/v1";

impl ArtifactKind {
    /// Returns its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Attestation => "attestation",
            Self::Sbom => "sbom",
            Self::Vex => "vex",
            Self::Other => "other",
        }
    }

    /// Judges by a manifest.
    pub(crate) fn of(document: &ManifestDocument) -> Self {
        let decided = Self::of_type(document.decided_type(), predicate_type(document));
        // An artifact of a type of its own may still carry a well-known layer.
        match (decided, document.layers.first()) {
            (Self::Other, Some(layer)) => Self::of_type(&layer.media_type, predicate_type(document)),
            (decided, _) => decided,
        }
    }

    /// Judges by a media type; `predicate` says what a statement is about, when that is known.
    pub fn of_type(media_type: &str, predicate: Option<&str>) -> Self {
        let base = media_type.split(';').next().unwrap_or(media_type).trim().to_ascii_lowercase();
        match base.as_str() {
            "application/vnd.dev.cosign.simplesigning.v1+json"
            | "application/vnd.dev.cosign.artifact.sig.v1+json"
            | "application/vnd.cncf.notary.signature"
            | "application/jose+json"
            | "application/cose" => Self::Signature,
            "application/vnd.dsse.envelope.v1+json"
            | "application/vnd.in-toto+json"
            | "application/vnd.in-toto.bundle"
            | "application/vnd.dev.cosign.artifact.att.v1+json" => Self::Attestation,
            "application/vnd.dev.cosign.artifact.sbom.v1+json"
            | "application/vnd.syft+json"
            | "application/spdx+json"
            | "text/spdx"
            | "text/spdx+json"
            | "text/spdx+xml" => Self::Sbom,
            _ if base.starts_with("application/vnd.dev.sigstore.bundle") => match predicate {
                // A bundle that says nothing of its content was made before there were statements in it.
                Some(SIGN_PREDICATE) | None => Self::Signature,
                Some(_) => Self::Attestation,
            },
            _ if ["openvex", "csaf", "/vex", ".vex"].iter().any(|part| base.contains(part)) => Self::Vex,
            _ if base.contains("cyclonedx") || base.contains("spdx") => Self::Sbom,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns what the annotations say a statement is about; nobody vouches for it.
pub(crate) fn predicate_type(document: &ManifestDocument) -> Option<&str> {
    let told = |name: &str| document.annotations.get(name).map(String::as_str);
    let of_layer = |name: &str| document.layers.first()?.annotation(name);
    told("dev.sigstore.bundle.predicateType")
        .or_else(|| of_layer("predicateType"))
        .or_else(|| of_layer("in-toto.io/predicate-type"))
        .or_else(|| told("in-toto.io/predicate-type"))
        .or_else(|| told("predicateType"))
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::ArtifactKind;

    #[test]
    fn types_of_real_clients_are_known() {
        let check = |media_type, predicate, expected| {
            assert_eq!(ArtifactKind::of_type(media_type, predicate), expected, "{media_type}");
        };
        check("application/vnd.dev.cosign.simplesigning.v1+json", None, ArtifactKind::Signature);
        check("application/vnd.cncf.notary.signature", None, ArtifactKind::Signature);
        let bundle = "application/vnd.dev.sigstore.bundle.v0.3+json";
        check(bundle, Some(super::SIGN_PREDICATE), ArtifactKind::Signature);
        check(bundle, None, ArtifactKind::Signature);
        check(bundle, Some("https://slsa.dev/provenance/v1"), ArtifactKind::Attestation);
        check("application/vnd.dev.sigstore.bundle+json;version=0.1", None, ArtifactKind::Signature);
        check("application/vnd.dsse.envelope.v1+json", None, ArtifactKind::Attestation);
        check("application/vnd.cyclonedx+json;version=1.5", None, ArtifactKind::Sbom);
        check("application/vnd.cyclonedx", None, ArtifactKind::Sbom);
        check("text/spdx", None, ArtifactKind::Sbom);
        check("application/spdx+json", None, ArtifactKind::Sbom);
        check("application/vnd.openvex+json", None, ArtifactKind::Vex);
        check("application/csaf+json", None, ArtifactKind::Vex);
        check("application/vnd.cyclonedx.vex+json", None, ArtifactKind::Vex);
        check("application/vnd.example.thing", None, ArtifactKind::Other);
        check("", None, ArtifactKind::Other);
    }
}
