//! What an upper layer hides of the lower ones.
//!
//! <https://github.com/opencontainers/image-spec/blob/main/layer.md#representing-changes>

use crate::facts::Cover;
use assay_model::path::{ancestors, file_name, parent};
use sha2::{Digest as _, Sha256};

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// What the name of an entry says about lower layers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The entry is content.
    Content,
    /// The path it names is removed.
    Whiteout(String),
    /// The lower content of this folder is hidden.
    Opaque(String),
    /// It is bookkeeping of AUFS (`.wh..wh.plnk`) and means nothing.
    Ignored,
}

/// Reads the mark in an entry's path.
pub(crate) fn mark(path: &str) -> Mark {
    let name = file_name(path);
    let Some(hidden) = name.strip_prefix(WHITEOUT) else { return Mark::Content };
    let folder = parent(path);
    if name == OPAQUE {
        Mark::Opaque(folder.to_owned())
    } else if hidden.starts_with(WHITEOUT) || hidden.is_empty() {
        Mark::Ignored
    } else if folder.is_empty() {
        Mark::Whiteout(hidden.to_owned())
    } else {
        Mark::Whiteout(format!("{folder}/{hidden}"))
    }
}

/// Returns the key of a path in a [`Cover`].
///
/// It has to be a cryptographic hash of 128 bits: with less, an image's author could find a harmless path in an upper layer
/// whose key equals that of a vulnerable package below, and so hide it.
pub(crate) fn path_key(path: &str) -> u128 {
    let hash = Sha256::digest(path.as_bytes());
    hash.iter().take(16).fold(0, |key, byte| key << 8 | u128::from(*byte))
}

impl Cover {
    fn lists(&mut self) -> [&mut Vec<u128>; 4] {
        [&mut self.whiteouts, &mut self.opaque, &mut self.replaced, &mut self.folders]
    }

    /// Returns how many marks there are.
    pub(crate) fn len(&self) -> usize {
        let lists = [&self.whiteouts, &self.opaque, &self.replaced, &self.folders];
        lists.into_iter().map(Vec::len).fold(0, usize::saturating_add)
    }

    /// Sorts the marks and drops those that are there twice.
    pub(crate) fn sort(&mut self) {
        for keys in self.lists() {
            keys.sort_unstable();
            keys.dedup();
        }
    }

    /// Gives back the memory that was kept for more marks.
    pub(crate) fn shrink(&mut self) {
        self.lists().into_iter().for_each(Vec::shrink_to_fit);
    }

    /// Returns whether what a lower layer has at `path`, which is not a folder, can no longer be seen.
    pub fn hides(&self, path: &str) -> bool {
        let listed = |list: &[u128], path: &str| list.binary_search(&path_key(path)).is_ok();
        listed(&self.whiteouts, path)
            || listed(&self.opaque, "")
            || listed(&self.replaced, path)
            || listed(&self.folders, path)
            || ancestors(path).any(|folder| {
                listed(&self.replaced, folder)
                    || listed(&self.whiteouts, folder)
                    || listed(&self.opaque, folder)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read() {
        assert_eq!(mark("a/b"), Mark::Content);
        assert_eq!(mark("a/.wh.b"), Mark::Whiteout("a/b".into()));
        assert_eq!(mark(".wh.b"), Mark::Whiteout("b".into()));
        assert_eq!(mark("a/.wh..wh..opq"), Mark::Opaque("a".into()));
        assert_eq!(mark(".wh..wh..opq"), Mark::Opaque(String::new()));
        assert_eq!(mark("a/.wh..wh.plnk"), Mark::Ignored);
        assert_eq!(mark("a/.wh."), Mark::Ignored);
    }

    #[test]
    fn upper_layers_hide_lower_paths() {
        let mut cover = Cover {
            whiteouts: vec![path_key("a/gone")],
            opaque: vec![path_key("opt")],
            replaced: vec![path_key("x/file"), path_key("dir-now-link")],
            folders: vec![path_key("file-now-dir"), path_key("x")],
        };
        cover.sort();
        for hidden in ["a/gone", "a/gone/deeper", "opt/x/y", "x/file", "dir-now-link/x", "file-now-dir"] {
            assert!(cover.hides(hidden), "{hidden}");
        }
        for seen in ["a/goner", "a", "optional", "opt", "x/other", "file-now-dir/x"] {
            assert!(!cover.hides(seen), "{seen}");
        }
    }
}
