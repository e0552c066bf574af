//! What identifies a document: derived from what it is about, so that the same image gives the same document.
//!
//! The UUIDs are those of version 8, filled from SHA-256 (<https://www.rfc-editor.org/rfc/rfc9562#section-5.8>): version 5 would
//! ask for SHA-1.

use crate::document::Document;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// Returns a UUID made of names.
pub(crate) fn uuid(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let hash = hash.finalize();
    let mut text = String::with_capacity(36);
    for (index, byte) in hash.iter().take(16).enumerate() {
        let byte = match index {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Returns an identity as a UUID: itself where it is one already, as those of other tools' SPDX documents are not.
pub(crate) fn as_uuid(identity: &str) -> String {
    let is_uuid = identity.len() == 36
        && identity.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    if is_uuid { identity.to_owned() } else { uuid(&["assay-sbom", identity]) }
}

/// Returns the identity of a document about `anchor`, a digest; without one, its components stand in.
pub(crate) fn of(document: &Document, anchor: Option<String>) -> String {
    if let Some(anchor) = anchor {
        return uuid(&["assay-sbom", &anchor]);
    }
    let mut parts = vec!["assay-sbom", document.subject.name.as_str()];
    for component in &document.components {
        parts.extend([
            component.purl.as_deref().unwrap_or_default(),
            component.name.as_str(),
            component.version.as_str(),
        ]);
        parts.extend(component.locations.iter().map(String::as_str));
    }
    uuid(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_give_equal_uuids_of_version_8() {
        let one = uuid(&["a", "bc"]);
        assert_eq!(one, uuid(&["a", "bc"]));
        assert_ne!(one, uuid(&["ab", "c"]));
        assert_eq!((one.len(), one.as_bytes()[14]), (36, b'8'));
        assert!(matches!(one.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
