//! Versions that are none: what build tools write where nobody set one.
//!
//! Many of them pass for versions: `0.0.0-dev` is below every fix, so that all that was ever found would be reported, and `latest` is
//! above every number in some orders, so that nothing would. Neither is known: the package is unassessed.

/// Words that stand in the place of a version.
const WORDS: &[&str] = &[
    "latest",
    "unknown",
    "unspecified",
    "undefined",
    "unversioned",
    "none",
    "null",
    "nil",
    "n/a",
    "na",
    "dev",
    "devel",
    "develop",
    "development",
    "main",
    "master",
    "trunk",
    "head",
    "tip",
    "snapshot",
    "nightly",
    "canary",
    "edge",
    "next",
    "release",
    "stable",
    "local",
    "source",
    "workspace",
    "custom",
    "*",
    "x",
];

/// What follows `0.0.0` where a tool was to write the real version later.
const UNFINISHED: &[&str] =
    &["dev", "snapshot", "unknown", "unset", "local", "semantic", "placeholder", "git", "canary", "nightly"];

/// Lengths of a commit's hash that are written in the place of a version.
const HASH: std::ops::RangeInclusive<usize> = 7..=40;

/// Returns whether a text in the place of a version says nothing about which version it is.
pub(crate) fn is_placeholder(version: &str) -> bool {
    let version = version.trim().to_lowercase();
    let plain = version.strip_prefix('v').unwrap_or(&version);
    // Composer's branches; variables that nobody filled in.
    if WORDS.contains(&plain) || WORDS.contains(&version.as_str()) || plain.starts_with("dev-") {
        return true;
    }
    if plain.contains("${") || (plain.starts_with('@') && plain.ends_with('@')) {
        return true;
    }
    if let Some(rest) = plain.strip_prefix("0.0.0") {
        let rest = rest.trim_start_matches(['-', '+', '.']);
        return rest.is_empty() || UNFINISHED.iter().any(|word| rest.starts_with(word));
    }
    HASH.contains(&version.len())
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && version.bytes().any(|byte| byte.is_ascii_digit())
        && version.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn versions_are_told_from_what_stands_in_their_place() {
        for version in [
            "latest",
            "Unknown",
            "0.0.0",
            "v0.0.0",
            "0.0.0-dev",
            "0.0.0-development",
            "0.0.0-SNAPSHOT",
            "0.0.0+unknown",
            "0.0.0.dev0",
            "dev-master",
            "${project.version}",
            "@VERSION@",
            "5f4716e94777",
            "HEAD",
        ] {
            assert!(is_placeholder(version), "{version}");
        }
        for version in [
            "0.0.0-20210119194325-5f4716e94777",
            "v0.0.0-20210119194325-5f4716e94777",
            "0.0.1",
            "0.0.0-alpha.1",
            "1.0-SNAPSHOT",
            "20230101",
            "2023.1.1",
            "1.2.3-dev",
            "r09",
            "1.0.0+5f4716e94777",
            "0.0.0.1",
        ] {
            assert!(!is_placeholder(version), "{version}");
        }
    }
}
