//! Patterns of image references: `*` stands for any letters but `/`, `**` for any at all.
//!
//! A pattern is held against the whole reference as it is understood (`alpine` is `docker.io/library/alpine:latest`), with and
//! without its tag and digest; other sources (archives, folders) are matched as they were typed.

use assay_oci::Reference;

/// Returns whether a pattern matches a source.
pub(super) fn matches(pattern: &str, source: &str) -> bool {
    candidates(source).iter().any(|candidate| assay_policy::pattern::matches(pattern, candidate))
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
