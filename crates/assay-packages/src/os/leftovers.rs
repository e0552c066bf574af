//! What package managers leave behind: downloads and indexes that no running program reads.
//!
//! Only sizes are added up; nothing is read. What counts is what is visible at the end: files that a later layer removes still
//! travel with the image, but that layer's instruction already says so. `var/lib/apt/lists` is Debian's
//! (<https://docs.docker.com/build/building/best-practices/#apt-get>), `root/.cache` the XDG cache of the user that builds run as.

use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use std::borrow::Cow;

/// Adds up what is left over.
pub(super) struct Leftovers;

/// The folders, each ending in `/`.
const FOLDERS: &[&str] = &[
    "root/.cache/",
    "root/.cargo/registry/cache/",
    "root/.composer/cache/",
    "root/.npm/_cacache/",
    "root/go/pkg/mod/cache/",
    "usr/local/share/.cache/",
    "var/cache/apk/",
    "var/cache/apt/",
    "var/cache/dnf/",
    "var/cache/pacman/pkg/",
    "var/cache/yum/",
    "var/cache/zypp/",
    "var/lib/apt/lists/",
];

impl Analyzer for Leftovers {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "leftovers", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        const SELECT: [Select; FOLDERS.len()] = {
            let mut select = [Select::Under("", ""); FOLDERS.len()];
            let mut index = 0;
            while index < FOLDERS.len() {
                #[expect(clippy::indexing_slicing, reason = "the index is below the length of both")]
                {
                    select[index] = Select::Under(FOLDERS[index], "");
                }
                index += 1;
            }
            select
        };
        &SELECT
    }

    fn reads(&self) -> bool {
        false
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if let Some(folder) = FOLDERS.iter().find(|folder| file.path.starts_with(**folder)) {
            let folder = Cow::Borrowed(folder.trim_end_matches('/'));
            out.fact(Fact::Leftover { folder, bytes: file.content.len() });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::analyze;
    use super::*;

    #[test]
    fn sizes_are_told_by_folder() {
        let facts = analyze(&Leftovers, "var/lib/apt/lists/archive_Packages", b"12345");
        let want = Fact::Leftover { folder: Cow::Borrowed("var/lib/apt/lists"), bytes: 5 };
        assert_eq!(facts.facts, [want]);
        assert_eq!(analyze(&Leftovers, "srv/root/.cache/x", b"1").facts, []);
        assert!(FOLDERS.is_sorted() && FOLDERS.iter().all(|folder| folder.ends_with('/')));
    }
}
