//! Evidence as bytes, so that what was found once can be judged again without its registry.
//!
//! A magic number with the version, then postcard (<https://postcard.jamesmunns.com>). What is read here was written here; damage is an
//! error, and never less evidence.

use super::AttachedEvidence;
use assay_model::Digest;
use assay_sign::verify::{Candidate, Found};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What evidence begins with; the last byte is raised whenever the encoding changes.
const MAGIC: [u8; 8] = *b"assayev\x01";

/// Kept evidence is damaged, or from another version of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the evidence that was kept cannot be read")]
pub struct DamagedEvidence;

#[derive(Serialize, Deserialize)]
struct Document {
    subject: Digest,
    media_type: String,
    size: u64,
    pieces: Vec<Piece>,
    problems: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Piece {
    carrier: Digest,
    found: Where,
    media_type: String,
    annotations: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
enum Where {
    Referrer(Digest),
    FallbackTag(Digest),
    Index(Digest),
    Tag(String),
    File(String),
}

impl From<&Found> for Where {
    fn from(found: &Found) -> Self {
        match found {
            Found::Referrer { digest } => Self::Referrer(*digest),
            Found::FallbackTag { digest } => Self::FallbackTag(*digest),
            Found::Index { digest } => Self::Index(*digest),
            Found::Tag { tag } => Self::Tag(tag.clone()),
            Found::File { name } => Self::File(name.clone()),
        }
    }
}

impl From<Where> for Found {
    fn from(found: Where) -> Self {
        match found {
            Where::Referrer(digest) => Self::Referrer { digest },
            Where::FallbackTag(digest) => Self::FallbackTag { digest },
            Where::Index(digest) => Self::Index { digest },
            Where::Tag(tag) => Self::Tag { tag },
            Where::File(name) => Self::File { name },
        }
    }
}

impl AttachedEvidence {
    /// Writes it, to be kept; but not that some of it may come with the next attempt.
    ///
    /// # Errors
    /// Fails when it cannot be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DamagedEvidence> {
        let pieces = self.candidates.iter().zip(&self.carriers).map(|(candidate, carrier)| Piece {
            carrier: *carrier,
            found: (&candidate.found).into(),
            media_type: candidate.media_type.clone(),
            annotations: candidate.annotations.clone(),
            bytes: candidate.bytes.clone(),
        });
        let document = Document {
            subject: self.subject,
            media_type: self.media_type.clone(),
            size: self.size,
            pieces: pieces.collect(),
            problems: self.problems.clone(),
        };
        postcard::to_extend(&document, MAGIC.to_vec()).map_err(|_| DamagedEvidence)
    }

    /// Says whether kept evidence is of this version of the program, without reading it.
    pub fn is_current(bytes: &[u8]) -> bool {
        bytes.starts_with(&MAGIC)
    }

    /// Reads what [`AttachedEvidence::to_bytes`] wrote.
    ///
    /// # Errors
    /// Fails when it is anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedEvidence> {
        let body = bytes.strip_prefix(&MAGIC).ok_or(DamagedEvidence)?;
        let (document, rest) = postcard::take_from_bytes::<Document>(body).map_err(|_| DamagedEvidence)?;
        if !rest.is_empty() {
            return Err(DamagedEvidence);
        }
        let mut evidence = Self {
            subject: document.subject,
            media_type: document.media_type,
            size: document.size,
            candidates: Vec::new(),
            carriers: Vec::new(),
            problems: document.problems,
            passing: None,
        };
        for piece in document.pieces {
            evidence.carriers.push(piece.carrier);
            evidence.candidates.push(Candidate {
                found: piece.found.into(),
                media_type: piece.media_type,
                annotations: piece.annotations,
                bytes: piece.bytes,
            });
        }
        Ok(evidence)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(in crate::evidence) fn evidence() -> AttachedEvidence {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64)).parse::<Digest>().unwrap();
        let found = [
            Found::Referrer { digest: digest("1") },
            Found::FallbackTag { digest: digest("2") },
            Found::Index { digest: digest("3") },
            Found::Tag { tag: "sha256-0.sig".to_owned() },
            Found::File { name: "f".to_owned() },
        ];
        AttachedEvidence {
            subject: digest("a"),
            media_type: "application/x".to_owned(),
            size: 7,
            carriers: vec![digest("4"); found.len()],
            candidates: found
                .into_iter()
                .map(|found| Candidate {
                    found,
                    media_type: "application/y".to_owned(),
                    annotations: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
                    bytes: vec![0, 1, 255],
                })
                .collect(),
            problems: vec!["one".to_owned()],
            passing: None,
        }
    }

    #[test]
    fn what_is_kept_comes_back_and_damage_is_an_error() {
        let evidence = evidence();
        let bytes = evidence.to_bytes().unwrap();
        assert!(AttachedEvidence::is_current(&bytes) && !AttachedEvidence::is_current(b"assayev\x00"));
        let back = AttachedEvidence::from_bytes(&bytes).unwrap();
        assert_eq!(format!("{evidence:?}"), format!("{back:?}"));
        for length in 0..bytes.len() {
            assert_eq!(AttachedEvidence::from_bytes(&bytes[..length]).err(), Some(DamagedEvidence));
        }
        assert!(AttachedEvidence::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = AttachedEvidence::from_bytes(&[&MAGIC[..], &bytes].concat());
        }
    }
}
