//! Paths inside an image: relative to the root, no `.`, no `..`, no doubled slashes, UTF-8.
//!
//! `..` is resolved in the text, as Go's `filepath.Clean` in Docker and containerd does before unpacking.

/// Why a path cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathProblem {
    Escapes,
    Unusable,
    TooLong,
}

/// Returns `path` as the tar reader would, or `None` if it leads out of the root or contains NUL.
pub fn normalise(path: &str) -> Option<String> {
    let mut out = String::new();
    normalise_raw(&[path.as_bytes()], usize::MAX, &mut out).ok().map(|()| out)
}

/// Writes the path made of `parts`, joined by slashes, to `out`.
pub(super) fn normalise_raw(parts: &[&[u8]], max: usize, out: &mut String) -> Result<(), PathProblem> {
    out.clear();
    for part in parts {
        for component in part.split(|&byte| byte == b'/') {
            match component {
                b"" | b"." => {}
                b".." => {
                    if out.is_empty() {
                        return Err(PathProblem::Escapes);
                    }
                    out.truncate(out.rfind('/').unwrap_or(0));
                }
                name => {
                    if name.contains(&0) {
                        return Err(PathProblem::Unusable);
                    }
                    if !out.is_empty() {
                        out.push('/');
                    }
                    push_lossy(name, out);
                    if out.len() > max {
                        return Err(PathProblem::TooLong);
                    }
                }
            }
        }
    }
    if parts.iter().all(|part| part.is_empty()) {
        return Err(PathProblem::Unusable);
    }
    Ok(())
}

/// Appends `bytes`, each run that is not UTF-8 as one U+FFFD.
pub(super) fn push_lossy(bytes: &[u8], out: &mut String) {
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[u8], expected: Result<&str, PathProblem>) {
        let mut out = "old".to_owned();
        let result = normalise_raw(&[raw], 20, &mut out);
        assert_eq!(result.map(|()| out.as_str()), expected, "{raw:?}");
    }

    #[test]
    fn paths_are_relative_to_the_root() {
        check(b"etc/passwd", Ok("etc/passwd"));
        check(b"/etc//./passwd/", Ok("etc/passwd"));
        check(b"./", Ok(""));
        check(b"a/../b", Ok("b"));
        check(b"a/b/../../c", Ok("c"));
        check(b"../etc", Err(PathProblem::Escapes));
        check(b"/a/../../etc", Err(PathProblem::Escapes));
        check(b"", Err(PathProblem::Unusable));
        check(b"a\0b", Err(PathProblem::Unusable));
        check(b"..a/...", Ok("..a/..."));
        check(b"caf\xe9", Ok("caf\u{fffd}"));
        check(&[b'a'; 21], Err(PathProblem::TooLong));
    }
}
