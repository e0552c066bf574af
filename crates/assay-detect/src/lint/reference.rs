//! Image references as files write them: enough to see tag and digest.

/// The parts of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) name: &'a str,
    pub(crate) tag: Option<&'a str>,
    pub(crate) digest: Option<&'a str>,
}

/// Splits a reference; a colon before the last slash belongs to a port.
pub(crate) fn parts(reference: &str) -> Parts<'_> {
    let (rest, digest) = match reference.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest)),
        None => (reference, None),
    };
    let slash = rest.rfind('/').map_or(0, |slash| slash.saturating_add(1));
    let tag = rest.get(slash..).and_then(|last| last.split_once(':')).map(|(_, tag)| tag);
    let len = rest.len().saturating_sub(tag.map_or(0, |tag| tag.len().saturating_add(1)));
    Parts { name: rest.get(..len).unwrap_or(rest), tag, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_no_tags() {
        let check = |text, name, tag, digest| assert_eq!(parts(text), Parts { name, tag, digest });
        check("r:5000/a", "r:5000/a", None, None);
        check("r:5000/a:1@sha256:x", "r:5000/a", Some("1"), Some("sha256:x"));
        check("a:latest", "a", Some("latest"), None);
    }
}
