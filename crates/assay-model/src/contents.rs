//! The files of an image: what each is and the digests of its content, for those who ask for every file.

use serde::{Deserialize, Serialize};

/// What is known of a regular file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Content {
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// The number of its owner.
    pub uid: u64,
    /// The number of its group.
    pub gid: u64,
    /// Its digests: package managers and bills of materials each want another one.
    pub sums: Sums,
}

/// The digests of one content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Sums {
    /// MD5 (RFC 1321), as dpkg keeps it.
    pub md5: [u8; 16],
    /// SHA-1 (RFC 3174), as apk keeps it and SPDX 2 asks for it.
    pub sha1: [u8; 20],
    /// SHA-256 (FIPS 180-4).
    pub sha256: [u8; 32],
}

/// A regular file as it is seen once all layers are laid over each other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path, without a leading `/`.
    pub path: String,
    /// The index, in the image's order, of the layer it is in; `None` outside layers.
    pub layer: Option<u32>,
    /// What it is.
    pub content: Content,
    /// The indices of the packages that own it, sorted.
    pub owners: Vec<u32>,
}

/// A digest that a package manager wrote down when it installed a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sum {
    /// MD5.
    Md5([u8; 16]),
    /// SHA-1.
    Sha1([u8; 20]),
    /// SHA-256.
    Sha256([u8; 32]),
}

impl Sums {
    /// Returns whether a content of these digests has that one.
    pub fn have(&self, sum: &Sum) -> bool {
        match sum {
            Sum::Md5(md5) => self.md5 == *md5,
            Sum::Sha1(sha1) => self.sha1 == *sha1,
            Sum::Sha256(sha256) => self.sha256 == *sha256,
        }
    }
}

/// Writes bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
        text
    })
}

/// Reads a digest in hexadecimal of exactly so many bytes.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_written_as_they_are_read() {
        assert_eq!(from_hex("00ff1A"), Some([0, 255, 26]));
        assert_eq!(hex(&[0, 255, 26]), "00ff1a");
        for wrong in ["", "00ff", "00ff1", "00ff1g", "00ff1a0", "00ff1a00", "é0ff1"] {
            assert_eq!(from_hex::<3>(wrong), None, "{wrong}");
        }
    }
}
