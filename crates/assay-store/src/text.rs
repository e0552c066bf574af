//! Text from outside, as both databases can keep it: PostgreSQL takes no NUL in a text, and no more than some 2,700 bytes in an index.
//!
//! SQLite takes both; it is given the same all the same, so that the two behave alike. Whoever looks something up must clean what is
//! looked for in the same way.

use assay_model::contents::hex;
use sha2::{Digest as _, Sha256};

/// The longest text in an index. Two of them fit into one entry of PostgreSQL's, which is a third of a page of 8 KiB.
const MAX_KEY: usize = 1000;

/// What is kept of a longer one, before the hash that tells it from others with the same beginning.
const KEPT: usize = 900;

/// Returns a text without NUL, which becomes the replacement character.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Returns a text that may stand in an index: without NUL, and not too long.
pub(crate) fn key(text: &str) -> String {
    let cleaned = clean(text);
    if cleaned.len() <= MAX_KEY {
        return cleaned;
    }
    let beginning = cleaned.get(..cleaned.floor_char_boundary(KEPT)).unwrap_or_default();
    format!("{beginning}…{}", hex(&Sha256::digest(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_both_can_keep_stays_as_it_is() {
        assert_eq!(key("org.example:lib"), "org.example:lib");
        assert_eq!(key("a\0b"), "a\u{fffd}b");
        let (one, other) = (format!("{}1", "ä".repeat(5000)), format!("{}2", "ä".repeat(5000)));
        assert_ne!(key(&one), key(&other));
    }

    proptest! {
        #[test]
        fn keys_are_short_and_without_nul(text in "(\0|.){0,2000}") {
            let key = key(&text);
            prop_assert!(key.len() <= MAX_KEY && !key.contains('\0'));
        }
    }
}
