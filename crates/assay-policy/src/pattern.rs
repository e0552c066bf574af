//! Patterns of names: `*` stands for any letters but `/`, `**` for any at all.

/// Returns whether a pattern matches all of a text.
///
/// It works without recursion: after a mismatch the last `*`, or else the last `**`, takes one letter more. No star before those has
/// to be tried again, so that the work stays polynomial.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where to go on after a mismatch: behind the star, and the first letter it has not taken. A `*` cannot help where a `**`
    // before it can.
    let mut single: Option<(usize, usize)> = None;
    let mut double: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), pattern.get(at + 1), text.get(place)) {
            (Some(b'*'), Some(b'*'), _) => {
                at += 2;
                (double, single) = (Some((at, place)), None);
                continue;
            }
            (Some(b'*'), _, _) => {
                at += 1;
                single = Some((at, place));
                continue;
            }
            (None, _, None) => return true,
            (Some(wanted), _, Some(letter)) if wanted == letter => {
                at += 1;
                place += 1;
                continue;
            }
            _ => {}
        }
        if let Some((behind, taken)) = single
            && text.get(taken).is_some_and(|letter| *letter != b'/')
        {
            single = Some((behind, taken + 1));
            (at, place) = (behind, taken + 1);
        } else if let Some((behind, taken)) = double
            && taken < text.len()
        {
            double = Some((behind, taken + 1));
            single = None;
            (at, place) = (behind, taken + 1);
        } else {
            return false;
        }
    }
}

/// Returns whether any of some patterns matches.
pub fn any<S: AsRef<str>>(patterns: &[S], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_ref(), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes() {
        assert!(matches("docker.io/**", "docker.io/library/alpine"));
        assert!(!matches("docker.io/*", "docker.io/library/alpine"));
        assert!(matches("**/b/*c", "a/b/ab/b/bcc"));
        assert!(matches("", "") && !matches("", "a") && matches("**", ""));
        let long = "a".repeat(5_000);
        assert!(!matches(&format!("{}b", "*a".repeat(200)), &long));
    }
}
