//! Image references: `registry/repository:tag@digest`, normalised as Docker does.
//!
//! The grammar is that of <https://github.com/distribution/reference>. Surprising: `alpine` means
//! `docker.io/library/alpine:latest`; the first part of a name is a registry only when it holds a dot, a colon or an
//! upper-case letter, or is `localhost`; and a reference may have both a tag and a digest, where the digest decides.

use assay_model::Digest;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// The registry that is meant when none is named.
pub const DOCKER_HUB: &str = "docker.io";
/// The longest repository name the grammar allows.
const MAX_NAME: usize = 255;
/// The longest tag the grammar allows.
const MAX_TAG: usize = 128;

/// Names an image in a registry, complete and normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// A text is not an image reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image reference: {reason}")]
pub struct InvalidReference {
    /// The text, shortened.
    pub text: String,
    /// Which rule it breaks.
    pub reason: &'static str,
}

impl Reference {
    /// Returns the registry as users write it, such as `docker.io` or `localhost:5000`.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Returns the repository, such as `library/alpine`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// Returns the tag; `latest` was filled in when neither tag nor digest were given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Returns the digest.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Returns the reference to another tag of the same repository; `None` if the text is no tag.
    pub fn with_tag(&self, tag: &str) -> Option<Self> {
        is_tag(tag).then(|| Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() })
    }

    /// Returns the host, and port, where the registry's API is served.
    pub fn api_host(&self) -> &str {
        if self.registry == DOCKER_HUB { "registry-1.docker.io" } else { &self.registry }
    }

    /// Returns what stands behind `/manifests/` in a request: the digest, else the tag.
    pub fn manifest_name(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.clone().unwrap_or_else(|| "latest".to_owned()),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        parse(text).map_err(|reason| InvalidReference {
            text: without_password(text).chars().take(160).collect(),
            reason,
        })
    }
}

/// Returns what a user typed as it may be shown: without the password in `user:password@registry/image`, which is no reference,
/// but is tried.
pub fn without_password(text: &str) -> Cow<'_, str> {
    let Some((before, after)) = text.rsplit_once('@') else { return Cow::Borrowed(text) };
    let start = before.rfind("//").map_or(0, |at| at.saturating_add(2));
    let (head, user) = before.split_at_checked(start).unwrap_or(("", before));
    // `docker:user:password@…` has a prefix; a tag or port before a digest is no password.
    let is_digest = ["sha256:", "sha512:"].iter().any(|algorithm| after.starts_with(algorithm));
    match user.split_once(':') {
        Some((user, _)) if !is_digest && !after.is_empty() => Cow::Owned(format!("{head}{user}:***@{after}")),
        _ => Cow::Borrowed(text),
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    let (rest, digest) = match text.split_once('@') {
        Some((_, after)) if after.contains('/') => {
            return Err("it has a user name in it; credentials belong in the registry's login");
        }
        Some((rest, digest)) => {
            let digest = digest.parse().map_err(|_| "what follows `@` is not a `sha256:` digest")?;
            (rest, Some(digest))
        }
        None => (text, None),
    };
    // A colon before the last slash belongs to the registry's port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
        _ => (rest, None),
    };
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("a tag is at most 128 letters, digits, `_`, `.` and `-`");
    }
    let is_registry = |part: &str| {
        part.contains(['.', ':']) || part == "localhost" || part.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    let (registry, path) = match name.split_once('/') {
        Some((first, path)) if is_registry(first) => (first, path),
        _ => (DOCKER_HUB, name),
    };
    if !is_host(registry) {
        return Err("the registry is not a host name, or its port is not a number");
    }
    if name.is_empty() || path.is_empty() {
        return Err("the repository is missing");
    }
    if !path.split('/').all(is_component) {
        return Err("a repository is lower-case letters and digits, joined by `.`, `_`, `__`, `-` and `/`");
    }
    if path.len() > MAX_NAME {
        return Err("the repository is longer than 255 bytes");
    }
    if digest.is_none() && path.len() == 64 && path.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("64 hexadecimal digits are an image ID, which registries do not know");
    }
    let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
    let repository = match path.contains('/') {
        false if registry == DOCKER_HUB => format!("library/{path}"),
        _ => path.to_owned(),
    };
    let tag = match (tag, digest) {
        (None, None) => Some("latest".to_owned()),
        (tag, _) => tag.map(str::to_owned),
    };
    Ok(Reference { registry: registry.to_owned(), repository, tag, digest })
}

/// Tells whether a text may be a tag.
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= MAX_TAG
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            let ok =
                !address.is_empty() && address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
            return ok
                && (port.is_empty()
                    || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok()));
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.split('.').all(label) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_component(text: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let separators = |run: &str| {
        matches!(run, "" | "." | "_" | "__") || (!run.is_empty() && run.bytes().all(|byte| byte == b'-'))
    };
    let ends_well = |byte: Option<u8>| byte.is_some_and(alphanumeric);
    ends_well(text.bytes().next())
        && ends_well(text.bytes().next_back())
        && text.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).all(separators)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn check(text: &str, expected: &str) {
        let parsed: Reference = text.parse().unwrap();
        assert_eq!(parsed.to_string(), expected);
        assert_eq!(expected.parse::<Reference>().unwrap(), parsed);
    }

    #[test]
    fn names_are_completed_as_docker_does() {
        check("alpine", "docker.io/library/alpine:latest");
        check("acme/api", "docker.io/acme/api:latest");
        check("docker.io/alpine:3", "docker.io/library/alpine:3");
        check("index.docker.io/alpine", "docker.io/library/alpine:latest");
        check("ghcr.io/acme/api:1.4", "ghcr.io/acme/api:1.4");
        check("localhost/x", "localhost/x:latest");
        check("localhost:5000/a/b/c", "localhost:5000/a/b/c:latest");
        check("[::1]:5000/x:y", "[::1]:5000/x:y");
        check("127.0.0.1:80/x", "127.0.0.1:80/x:latest");
        check("Registry/x", "Registry/x:latest");
        check(&format!("x@sha256:{HEX}"), &format!("docker.io/library/x@sha256:{HEX}"));
        check(&format!("q.io/x:1@sha256:{HEX}"), &format!("q.io/x:1@sha256:{HEX}"));
        check("a__b--c.d", "docker.io/library/a__b--c.d:latest");
    }

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("user:pass@ghcr.io/x", "user:***@ghcr.io/x"),
            ("user:p@ss:w/rd@ghcr.io/x:1", "user:***@ghcr.io/x:1"),
            ("https://user:pass@ghcr.io/x", "https://user:***@ghcr.io/x"),
            ("docker://user:pass@ghcr.io/x", "docker://user:***@ghcr.io/x"),
            ("docker:user:pass@ghcr.io/x", "docker:***@ghcr.io/x"),
            ("user@ghcr.io/x", "user@ghcr.io/x"),
            ("q.io:5000/x:1@sha256:00", "q.io:5000/x:1@sha256:00"),
            ("q.io:5000/x:1@", "q.io:5000/x:1@"),
        ] {
            assert_eq!(without_password(text), shown, "{text}");
            if text.contains("pass") || text.contains("p@ss") {
                let error = text.parse::<Reference>().unwrap_err().to_string();
                assert!(!error.contains("pass") && !error.contains("ss:w"), "{error}");
            }
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = "a".repeat(256);
        let tag = format!("x:{}", "a".repeat(129));
        for text in [
            "",
            ":",
            "x:",
            "@",
            "x@",
            "x@sha256:00",
            "X",
            "/x",
            "x/",
            "a//b",
            "a..b",
            "a_.b",
            "a___b",
            "-a",
            "a-",
            "x:-",
            "x:a/b:",
            "host:port/x",
            "a.b:99999/x",
            ".com/x",
            "-h.com/x",
            "x y",
            "é",
            "[::1/x",
            "[zz]/x",
            HEX,
            &long,
            &tag,
        ] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_digest_decides() {
        let text = format!("x:1@sha256:{HEX}");
        assert_eq!(text.parse::<Reference>().unwrap().manifest_name(), format!("sha256:{HEX}"));
        assert_eq!("x:1".parse::<Reference>().unwrap().manifest_name(), "1");
        assert_eq!("x".parse::<Reference>().unwrap().api_host(), "registry-1.docker.io");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]
        #[test]
        fn parsing_is_total_and_round_trips(text in "[a-zA-Z0-9:./@_\\[\\]-]{0,40}|.{0,40}") {
            if let Ok(reference) = text.parse::<Reference>() {
                proptest::prop_assert_eq!(reference.to_string().parse::<Reference>().unwrap(), reference);
            }
        }
    }
}
