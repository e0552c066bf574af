//! Paths inside an image, and a compact list of many of them.
//!
//! A path inside an image is relative to its root, uses `/`, and never starts with one. It is data, never opened.

use serde::{Deserialize, Serialize};

/// Many paths in one allocation: a package manager's list of owned files may hold a million of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PathList {
    text: String,
    ends: Vec<u32>,
}

impl PathList {
    /// Appends a path, normalised by [`normalise`]; the list stops growing at 4 GiB.
    pub fn push(&mut self, path: &str) {
        let path = normalise(path);
        if let Ok(end) = u32::try_from(self.text.len() + path.len()) {
            self.text.push_str(path);
            self.ends.push(end);
        }
    }

    /// Returns the paths in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let end = end as usize;
            let path = self.text.get(start..end).unwrap_or_default();
            start = end;
            path
        })
    }

    /// Returns how many paths there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl<'a> FromIterator<&'a str> for PathList {
    fn from_iter<I: IntoIterator<Item = &'a str>>(paths: I) -> Self {
        let mut list = Self::default();
        paths.into_iter().for_each(|path| list.push(path));
        list
    }
}

/// Strips the leading `/` and `./` and the trailing `/`.
pub fn normalise(path: &str) -> &str {
    let mut path = path;
    while let Some(rest) = path.strip_prefix('/').or_else(|| path.strip_prefix("./")) {
        path = rest;
    }
    path.trim_end_matches('/')
}

/// Returns the last component.
pub fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Returns everything before the last component, empty at the root.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// Returns the path's ancestors from the nearest to the root's child, without the path itself and without the root.
pub fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(parent(path)), |path| Some(parent(path))).take_while(|path| !path.is_empty())
}

/// Returns the spelling of a path under a merged `/usr`, where `/bin`, `/sbin` and `/lib*` are links into it.
///
/// Package managers' lists keep the old spelling while layers hold the new one (Debian's usrmerge, Fedora's UsrMove).
pub fn usr_merged(path: &str) -> Option<String> {
    let (first, _) = path.split_once('/')?;
    matches!(first, "bin" | "sbin" | "lib" | "lib32" | "lib64" | "libx32").then(|| format!("usr/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_paths() {
        let paths = ["/etc/passwd", "./usr/bin/", "a", ""];
        let list: PathList = paths.into_iter().collect();
        assert_eq!(list.iter().collect::<Vec<_>>(), ["etc/passwd", "usr/bin", "a", ""]);
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a"]);
        assert_eq!(usr_merged("lib/x").as_deref(), Some("usr/lib/x"));
        assert_eq!(usr_merged("etc/x"), None);
    }
}
