//! The in-toto Statement: a claim of some type (the predicate) about artifacts named by their digests (the subjects).
//!
//! <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>. Version 1 is written. Version 0.1 is read too: cosign
//! still writes it for attestations. cosign up to 3.0.4 left out an empty predicate.

use assay_model::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The `_type` of version 1.
pub const V1: &str = "https://in-toto.io/Statement/v1";
/// The `_type` of version 0.1.
pub const V0_1: &str = "https://in-toto.io/Statement/v0.1";

/// The predicate type of a signature of an image: the statement says "I sign this", and nothing else.
pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";

/// A claim about artifacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// The version of this structure.
    #[serde(rename = "_type")]
    pub kind: String,
    /// What the claim is about.
    pub subject: Vec<Subject>,
    /// What kind of claim it is.
    pub predicate_type: String,
    /// The claim.
    #[serde(default)]
    pub predicate: serde_json::Value,
}

/// An artifact that a claim is about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    /// What the signer calls it; proves nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its digests, by algorithm.
    #[serde(default)]
    pub digest: BTreeMap<String, String>,
    /// What the signer says about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, serde_json::Value>,
}

/// Bytes are not a statement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidStatement {
    /// It is not JSON of the right shape.
    #[error("not an in-toto Statement")]
    Json(#[from] serde_json::Error),
    /// It is of a version that is not known.
    #[error("`{0}` is no known version of an in-toto Statement")]
    Kind(String),
    /// It is about nothing.
    #[error("the statement has no subject")]
    NoSubject,
    /// It does not say what it claims.
    #[error("the statement has no predicate type")]
    NoPredicateType,
}

impl Statement {
    /// Returns a statement of version 1.
    pub fn new(
        subject: Vec<Subject>,
        predicate_type: impl Into<String>,
        predicate: serde_json::Value,
    ) -> Self {
        Self { kind: V1.to_owned(), subject, predicate_type: predicate_type.into(), predicate }
    }

    /// Reads a statement.
    pub fn parse(bytes: &[u8]) -> Result<Self, InvalidStatement> {
        let mut statement: Self = serde_json::from_slice(bytes)?;
        if statement.kind != V1 && statement.kind != V0_1 {
            return Err(InvalidStatement::Kind(statement.kind.chars().take(160).collect()));
        }
        if statement.subject.is_empty() {
            return Err(InvalidStatement::NoSubject);
        }
        if statement.predicate_type.is_empty() {
            return Err(InvalidStatement::NoPredicateType);
        }
        if statement.predicate.is_null() {
            statement.predicate = serde_json::json!({});
        }
        Ok(statement)
    }

    /// Returns the statement as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Returns the first subject with this digest.
    pub fn subject_with(&self, digest: &Digest) -> Option<&Subject> {
        self.subject.iter().find(|subject| subject.is(digest))
    }
}

impl Subject {
    /// Returns a subject of one digest.
    pub fn new(name: impl Into<String>, digest: &Digest) -> Self {
        Self {
            name: name.into(),
            digest: BTreeMap::from([(digest.algorithm().to_owned(), digest.hex())]),
            annotations: BTreeMap::new(),
        }
    }

    /// Returns whether the subject names this digest.
    pub fn is(&self, digest: &Digest) -> bool {
        self.digest.get(digest.algorithm()).is_some_and(|hex| hex.eq_ignore_ascii_case(&digest.hex()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digest(byte: u8) -> Digest {
        Digest::Sha256([byte; 32])
    }

    #[test]
    fn what_cosign_signs_round_trips() {
        let text = format!(
            r#"{{"_type":"{V1}","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"{SIGN}","predicate":{{}}}}"#,
            digest(7).hex()
        );
        let statement = Statement::parse(text.as_bytes()).unwrap();
        assert_eq!(statement.to_json(), text.as_bytes());
        assert!(statement.subject_with(&digest(7)).is_some());
        assert!(statement.subject_with(&digest(8)).is_none());
        let made = Statement::new(vec![Subject::new("", &digest(7))], SIGN, serde_json::json!({}));
        assert_eq!(made, statement);
    }

    #[test]
    fn an_absent_predicate_is_an_empty_one() {
        let text = format!(r#"{{"_type":"{V0_1}","subject":[{{"digest":{{}}}}],"predicateType":"p"}}"#);
        assert_eq!(Statement::parse(text.as_bytes()).unwrap().predicate, serde_json::json!({}));
    }

    #[test]
    fn other_documents_are_refused() {
        for text in [
            r#"{"subject":[{"digest":{}}],"predicateType":"p"}"#,
            r#"{"_type":"https://in-toto.io/Statement/v9","subject":[{"digest":{}}],"predicateType":"p"}"#,
            r#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"p"}"#,
            r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{}}],"predicateType":""}"#,
            r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{}}]}"#,
            "[]",
        ] {
            assert!(Statement::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Statement::parse(&bytes);
        }
    }
}
