//! Patterns of image references: `*` stands for any letters but `/`, `**` for any at all.
//!
//! A pattern is held against the whole reference as it is understood (`alpine` is `docker.io/library/alpine:latest`), with and
//! without its tag and digest; other sources (archives, folders) are matched as they were typed.

use assay_oci::Reference;

/// Returns whether a pattern matches a source.
pub(super) fn matches(pattern: &str, source: &str) -> bool {
    candidates(source).iter().any(|candidate| glob(pattern.as_bytes(), candidate.as_bytes()))
}

/// Returns the spellings under which a source is known.
fn candidates(source: &str) -> Vec<String> {
    let mut all = vec![source.to_owned()];
    let name = ["registry:", "docker:", "podman:"].iter().find_map(|prefix| source.strip_prefix(prefix));
    if let Ok(reference) = name.unwrap_or(source).parse::<Reference>() {
        let repository = format!("{}/{}", reference.registry(), reference.repository());
        all.extend(reference.tag().map(|tag| format!("{repository}:{tag}")));
        all.push(reference.to_string());
        all.push(repository);
    }
    all
}

/// Matches without recursion: after a mismatch the last `*`, or else the last `**`, takes one letter more. No star before
/// those has to be tried again, so that the work stays polynomial.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, source: &str, want: bool) {
        assert_eq!(matches(pattern, source), want, "{pattern} {source}");
    }

    #[test]
    fn references_are_matched_as_they_are_understood() {
        check("docker.io/library/alpine", "alpine", true);
        check("docker.io/library/*", "alpine:3.20", true);
        check("docker.io/*", "alpine", false);
        check("docker.io/**", "alpine", true);
        check("alpine", "alpine", true);
        check("registry.example/team/*", "registry.example/team/app:1.0", true);
        check("registry.example/team/*:1.*", "registry.example/team/app:1.0", true);
        check("registry.example/team/*:2.*", "registry.example/team/app:1.0", false);
        check("registry.example/team/*", "registry:registry.example/team/app:1.0", true);
        check("registry.example/team/*", "registry.example/team/deep/app", false);
        check("registry.example/**/app", "registry.example/team/deep/app:7", true);
        check("registry.example/team", "registry.example/team2", false);
        check("oci:build/*", "oci:build/app", true);
        check("**", "anything/at/all", true);
        check("", "alpine", false);
    }

    #[test]
    fn stars_give_back_what_they_took() {
        check("x:**/b/*c", "x:a/b/ab/b/bcc", true);
        check("x:*a*b", "x:aab", true);
        check("x:*a*b", "x:a/b", false);
        check("x:**a*/", "x:b/a/ca", false);
        let long = format!("x:{}", "a".repeat(5_000));
        check(&format!("x:{}b", "*a".repeat(200)), &long, false);
    }
}
