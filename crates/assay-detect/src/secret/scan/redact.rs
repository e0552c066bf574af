//! What may be shown of a secret: the part that is the same for all of its kind, and the length.

use super::super::rule::SecretRule;

/// Stars shown at most: the length is said in words.
const STARS: usize = 16;

/// Returns `AKIA**************** (20 characters)`; for text of several lines only the length.
pub(crate) fn redacted(rule: &SecretRule, secret: &[u8]) -> String {
    // Half is the most that is ever shown, however short what matched.
    let shown = rule.shown.min(secret.len() / 2);
    let start = secret.get(..shown).unwrap_or_default();
    let start: String = if start.iter().all(u8::is_ascii_graphic) {
        start.iter().map(|byte| char::from(*byte)).collect()
    } else {
        String::new()
    };
    let stars = "*".repeat(secret.len().saturating_sub(start.len()).min(STARS));
    format!("{start}{stars} ({} characters)", secret.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::rule::TOKEN;

    #[test]
    fn only_the_public_prefix_is_shown() {
        let rule = SecretRule { shown: 4, ..TOKEN };
        assert_eq!(redacted(&rule, b"AKIA0123456789"), "AKIA********** (14 characters)");
        assert_eq!(redacted(&rule, b"AKIA"), "AK** (4 characters)");
        assert_eq!(redacted(&TOKEN, &[b'x'; 99]), "**************** (99 characters)");
        assert_eq!(redacted(&rule, b"\x1b[1mabcdefgh"), "************ (12 characters)");
    }
}
