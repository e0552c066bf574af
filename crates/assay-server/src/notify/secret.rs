//! A password or token: whatever shows what holds it does not show it.

use std::fmt;

/// The longest that is taken.
const MAX_BYTES: usize = 4096;

/// A secret text.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Reads what a file holds: one line, whose end does not belong to it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            return Err("it is empty");
        }
        if text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            return Err("it is not one line of at most 4096 bytes");
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns it, for the one who sends.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line_that_is_not_shown() {
        let secret = Secret::read(b"hunter2\n").unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        for bytes in [&b""[..], b"\n", b"a\nb", b"\xff", &[b'a'; 5000]] {
            assert!(Secret::read(bytes).is_err(), "{bytes:?}");
        }
    }
}
