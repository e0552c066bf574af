//! Predicates: what an attestation claims, by the names that users write and the URIs that statements carry.
//!
//! The names are cosign's, where cosign has one. Predicates that Assay makes itself are in the modules below; every other is a
//! JSON document that is taken as it is.

pub mod ci;
pub mod provenance;
pub mod verdict;
pub mod vulnerabilities;

use assay_model::Timestamp;
use serde_json::{Value, json};
use std::fmt;
use std::str::FromStr;

/// A kind of predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PredicateType {
    uri: String,
}

/// The names that stand for URIs; of several names of one URI the first is shown.
const NAMES: &[(&str, &str)] = &[
    ("slsa", PROVENANCE),
    ("slsaprovenance1", PROVENANCE),
    ("slsaprovenance", "https://slsa.dev/provenance/v0.2"),
    ("slsaprovenance02", "https://slsa.dev/provenance/v0.2"),
    ("cyclonedx", "https://cyclonedx.org/bom"),
    ("spdx", "https://spdx.dev/Document"),
    ("spdxjson", "https://spdx.dev/Document"),
    ("vuln", COSIGN_VULNERABILITIES),
    ("vulns", VULNERABILITIES),
    ("openvex", "https://openvex.dev/ns"),
    ("verdict", VERDICT),
    ("vsa", VERDICT),
    ("link", "https://in-toto.io/Link/v1"),
    ("custom", CUSTOM),
];

/// SLSA's provenance of a build.
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// SLSA's Verification Summary, which carries a verdict.
pub const VERDICT: &str = "https://slsa.dev/verification_summary/v1";
/// in-toto's result of a scan.
pub const VULNERABILITIES: &str = "https://in-toto.io/attestation/vulns/v0.2";
/// cosign's result of a scan.
pub const COSIGN_VULNERABILITIES: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
/// cosign's envelope of anything.
pub const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

/// A text is neither a known name nor a URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected slsa, cyclonedx, spdx, vuln, vulns, openvex, verdict, link, custom or the URI of a predicate type"
)]
pub struct UnknownPredicateType;

impl PredicateType {
    /// Returns the URI that statements carry.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// Returns the names that can be written instead of a URI, with what they stand for.
    pub fn names() -> &'static [(&'static str, &'static str)] {
        NAMES
    }
}

impl FromStr for PredicateType {
    type Err = UnknownPredicateType;

    fn from_str(text: &str) -> Result<Self, UnknownPredicateType> {
        if let Some((_, uri)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(Self { uri: (*uri).to_owned() });
        }
        // As RFC 3986 has it: a scheme, a colon, and something without blanks.
        let (scheme, rest) = text.split_once(':').ok_or(UnknownPredicateType)?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let is_rest = !rest.is_empty() && !rest.contains(|c: char| c.is_whitespace() || c.is_control());
        if is_scheme && is_rest { Ok(Self { uri: text.to_owned() }) } else { Err(UnknownPredicateType) }
    }
}

impl fmt::Display for PredicateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, uri)| *uri == self.uri).map(|(name, _)| *name);
        f.write_str(name.unwrap_or(&self.uri))
    }
}

/// A document cannot be the predicate that it is said to be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPredicate {
    /// It is not JSON.
    #[error("a predicate of type `{uri}` is JSON, which this is not")]
    Json {
        /// What it is said to be.
        uri: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// It lacks what every such document has.
    #[error("the document is no predicate of type `{uri}`: it has no `{field}`")]
    Shape {
        /// What it is said to be.
        uri: String,
        /// What is missing.
        field: &'static str,
    },
}

/// What tells a document of some kind from any other JSON; a mistaken `--type` is found here and not by whoever verifies.
const SHAPES: &[(&str, &str)] = &[
    ("https://cyclonedx.org/bom", "bomFormat"),
    ("https://spdx.dev/Document", "spdxVersion"),
    ("https://openvex.dev/ns", "statements"),
    (PROVENANCE, "buildDefinition"),
    ("https://slsa.dev/provenance/v0.2", "builder"),
    (VERDICT, "verificationResult"),
    (VULNERABILITIES, "scanner"),
    (COSIGN_VULNERABILITIES, "scanner"),
];

/// Returns the predicate that a user's document is.
///
/// # Errors
/// Fails when it is not JSON, or plainly of another kind.
pub fn from_document(
    kind: &PredicateType,
    document: &[u8],
    now: Timestamp,
) -> Result<Value, InvalidPredicate> {
    if kind.uri == CUSTOM {
        // cosign keeps the document as text, whatever it is.
        let data = String::from_utf8_lossy(document);
        return Ok(json!({ "Data": data, "Timestamp": now.to_string() }));
    }
    let predicate: Value = serde_json::from_slice(document)
        .map_err(|source| InvalidPredicate::Json { uri: kind.uri.clone(), source })?;
    let wanted = SHAPES.iter().find(|(uri, _)| *uri == kind.uri);
    // SPDX 3 is JSON-LD and has no version at its top.
    let linked = predicate.get("@graph").is_some() && kind.uri == "https://spdx.dev/Document";
    match wanted {
        Some((_, field)) if predicate.get(*field).is_none() && !linked => {
            Err(InvalidPredicate::Shape { uri: kind.uri.clone(), field })
        }
        _ => Ok(predicate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_uris_are_read() {
        for (name, uri) in PredicateType::names() {
            let kind: PredicateType = name.parse().unwrap();
            assert_eq!(kind.uri(), *uri);
            let shown = kind.to_string();
            assert_eq!(shown.parse::<PredicateType>().unwrap(), kind);
        }
        for uri in ["https://example.com/x/v1", "urn:example:x"] {
            assert_eq!(uri.parse::<PredicateType>().unwrap().to_string(), uri);
        }
        for text in ["", "sbom", "http://", "1a:b", "https://a b", "slsa:"] {
            assert_eq!(text.parse::<PredicateType>().is_ok(), text == "http://", "{text}");
        }
    }

    #[test]
    fn a_mistaken_type_is_found() {
        let of = |kind: &str, text: &str| {
            from_document(&kind.parse().unwrap(), text.as_bytes(), Timestamp(0))
                .map_err(|error| error.to_string())
        };
        assert!(of("cyclonedx", r#"{"bomFormat":"CycloneDX"}"#).is_ok());
        assert!(of("cyclonedx", r#"{"spdxVersion":"SPDX-2.3"}"#).unwrap_err().contains("bomFormat"));
        assert!(of("spdx", r#"{"@graph":[]}"#).is_ok());
        assert!(of("spdx", "SPDXVersion: SPDX-2.3").unwrap_err().contains("JSON"));
        assert!(of("https://example.com/x", "[1]").is_ok());
        let custom = of("custom", "anything").unwrap();
        assert_eq!(custom, json!({"Data": "anything", "Timestamp": "1970-01-01T00:00:00Z"}));
    }
}
