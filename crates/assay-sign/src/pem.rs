//! PEM (RFC 7468): base64 between `-----BEGIN LABEL-----` and `-----END LABEL-----`.
//!
//! Text around the blocks is skipped, as OpenSSL and Go do. Encapsulated headers (RFC 1421) are refused: they announce a cipher
//! that nothing here reads.

use crate::encoding::{base64_decode, base64_encode};

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) bytes: Vec<u8>,
}

/// A text is not PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not PEM")]
pub(crate) struct InvalidPem;

/// Reads every block; at least one.
pub(crate) fn decode(text: &str) -> Result<Vec<Block>, InvalidPem> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in text.lines().map(str::trim) {
        let marker = |kind: &str| line.strip_prefix(kind).and_then(|line| line.strip_suffix("-----"));
        match &mut open {
            None => open = marker("-----BEGIN ").map(|label| (label, String::new())),
            Some((label, content)) => {
                if let Some(end) = marker("-----END ") {
                    if end != *label {
                        return Err(InvalidPem);
                    }
                    let bytes = base64_decode(content).map_err(|_| InvalidPem)?;
                    blocks.push(Block { label: (*label).to_owned(), bytes });
                    open = None;
                } else {
                    content.push_str(line);
                }
            }
        }
    }
    if open.is_some() || blocks.is_empty() { Err(InvalidPem) } else { Ok(blocks) }
}

/// Writes one block with lines of 64 characters.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, character) in base64_encode(bytes).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_round_trip() {
        for length in [1, 47, 48, 49, 300] {
            let bytes = vec![0xa5; length];
            let text = encode("PUBLIC KEY", &bytes);
            assert_eq!(decode(&text), Ok(vec![Block { label: "PUBLIC KEY".to_owned(), bytes }]));
            assert!(text.lines().all(|line| line.len() <= 64));
        }
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        for text in [
            "",
            "plain",
            "-----BEGIN A-----\nAAAA\n",
            "-----BEGIN A-----\nAAAA\n-----END B-----\n",
            "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n",
        ] {
            assert_eq!(decode(text), Err(InvalidPem), "{text}");
        }
        let two = format!("note\n{}between\r\n{}", encode("A", b"1"), encode("B", b"2"));
        assert_eq!(decode(&two).unwrap().len(), 2);
    }
}
