//! Files, one by one: which came, went or changed, and in what.

use assay_model::FileEntry;
use assay_model::contents::hex;
use std::cmp::Ordering;

/// Changed files that are named; the others are counted.
pub(super) const NAMED: usize = 20_000;

/// How a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileChange {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Its content, permissions or owner are others.
    Changed,
}

impl FileChange {
    /// Every change, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Added, Self::Removed, Self::Changed];

    /// Returns the name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// What a file is on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileState {
    /// Its size in bytes.
    pub size: u64,
    /// Its permission bits.
    pub mode: u32,
    /// The number of its owner.
    pub uid: u64,
    /// The number of its group.
    pub gid: u64,
    /// The SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

impl From<&FileEntry> for FileState {
    fn from(file: &FileEntry) -> Self {
        let content = &file.content;
        Self {
            size: content.size,
            mode: content.mode,
            uid: content.uid,
            gid: content.gid,
            sha256: hex(&content.sums.sha256),
        }
    }
}

/// A file that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// How.
    pub change: FileChange,
    /// Its path, without a leading `/`.
    pub path: String,
    /// What it was.
    pub old: Option<FileState>,
    /// What it is.
    pub new: Option<FileState>,
}

impl ChangedFile {
    /// Returns what is different, in words: `size 3 to 5, mode 0644 to 0755`.
    pub fn details(&self) -> String {
        let (Some(old), Some(new)) = (&self.old, &self.new) else {
            let state = self.old.as_ref().or(self.new.as_ref());
            return state.map(|state| super::bytes(state.size)).unwrap_or_default();
        };
        let mut details = Vec::new();
        if old.size != new.size {
            details.push(format!("size {} to {}", old.size, new.size));
        } else if old.sha256 != new.sha256 {
            details.push("content".to_owned());
        }
        if old.mode != new.mode {
            details.push(format!("mode {:04o} to {:04o}", old.mode, new.mode));
        }
        if (old.uid, old.gid) != (new.uid, new.gid) {
            details.push(format!("owner {}:{} to {}:{}", old.uid, old.gid, new.uid, new.gid));
        }
        details.join(", ")
    }
}

/// How many files of one change there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// Files.
    pub files: u64,
    /// Their bytes, the present ones where there are some.
    pub bytes: u64,
}

/// All files that changed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    /// Those that are named, by path.
    pub changed: Vec<ChangedFile>,
    /// How many there are of each change, in the order of [`FileChange::ALL`].
    pub totals: [Total; 3],
    /// Files that are the same on both sides.
    pub same: u64,
}

impl Files {
    /// Returns how many changed files are not named.
    pub fn unnamed(&self) -> u64 {
        let all: u64 = self.totals.iter().map(|total| total.files).sum();
        all.saturating_sub(self.changed.len() as u64)
    }

    fn add(&mut self, change: FileChange, old: Option<&FileEntry>, new: Option<&FileEntry>) {
        let Some(file) = new.or(old) else { return };
        let total = FileChange::ALL.iter().position(|one| *one == change);
        if let Some(total) = total.and_then(|at| self.totals.get_mut(at)) {
            total.files += 1;
            total.bytes = total.bytes.saturating_add(file.content.size);
        }
        if self.changed.len() < NAMED {
            self.changed.push(ChangedFile {
                change,
                path: file.path.clone(),
                old: old.map(FileState::from),
                new: new.map(FileState::from),
            });
        }
    }
}

/// Compares two lists of files, each sorted by path; `None` when a side has none.
pub(super) fn compare(old: &[FileEntry], new: &[FileEntry]) -> Option<Files> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let mut files = Files::default();
    let (mut before, mut now) = (old.iter().peekable(), new.iter().peekable());
    loop {
        let order = match (before.peek(), now.peek()) {
            (Some(old), Some(new)) => old.path.cmp(&new.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Some(files),
        };
        match order {
            Ordering::Less => files.add(FileChange::Removed, before.next(), None),
            Ordering::Greater => files.add(FileChange::Added, None, now.next()),
            Ordering::Equal => {
                let (old, new) = (before.next(), now.next());
                if old.map(|file| &file.content) == new.map(|file| &file.content) {
                    files.same += 1;
                } else {
                    files.add(FileChange::Changed, old, new);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::contents::{Content, Sums};
    use proptest::prelude::*;

    fn file(path: &str, size: u64, mode: u32, uid: u64, sum: u8) -> FileEntry {
        let sums = Sums { md5: [sum; 16], sha1: [sum; 20], sha256: [sum; 32] };
        let content = Content { size, mode, uid, gid: 0, sums };
        FileEntry { path: path.to_owned(), layer: None, content, owners: Vec::new() }
    }

    #[test]
    fn every_change_is_told_with_what_is_different() {
        let old = [file("a", 1, 0o644, 0, 1), file("b", 2, 0o644, 0, 2), file("d", 4, 0o755, 0, 4)];
        let new = [
            file("b", 2, 0o755, 1000, 9),
            file("c", 3_000, 0o644, 0, 3),
            file("d", 4, 0o755, 0, 4),
            file("e", 5, 0o644, 0, 5),
        ];
        let files = compare(&old, &new).unwrap();
        let told: Vec<String> = files
            .changed
            .iter()
            .map(|one| format!("{} {}: {}", one.change.name(), one.path, one.details()))
            .collect();
        let want = [
            "removed a: 1 bytes",
            "changed b: content, mode 0644 to 0755, owner 0:0 to 1000:0",
            "added c: 3.0 kB",
            "added e: 5 bytes",
        ];
        assert_eq!(told, want);
        let total = |files, bytes| Total { files, bytes };
        assert_eq!((files.totals, files.same), ([total(2, 3_005), total(1, 1), total(1, 2)], 1));
        assert_eq!(compare(&old, &[]), None);
    }

    #[test]
    fn what_is_not_named_is_counted() {
        let many: Vec<FileEntry> =
            (0..NAMED + 5).map(|number| file(&format!("{number:09}"), 1, 0o644, 0, 1)).collect();
        let files = compare(&[file("a", 1, 0, 0, 1)], &many).unwrap();
        assert_eq!((files.changed.len(), files.unnamed()), (NAMED, 6));
    }

    proptest! {
        #[test]
        fn what_is_added_one_way_is_removed_the_other(
            old in prop::collection::btree_map("[a-d/]{1,4}", (0_u64..3, 0_u8..3), 1..20),
            new in prop::collection::btree_map("[a-d/]{1,4}", (0_u64..3, 0_u8..3), 1..20),
        ) {
            let list = |map: &std::collections::BTreeMap<String, (u64, u8)>| -> Vec<FileEntry> {
                map.iter().map(|(path, (size, sum))| file(path, *size, 0o644, 0, *sum)).collect()
            };
            let (old, new) = (list(&old), list(&new));
            let (there, back) = (compare(&old, &new).unwrap(), compare(&new, &old).unwrap());
            let counts = |files: &Files| files.totals.map(|total| total.files);
            let ([added, removed, changed], back) = (counts(&there), counts(&back));
            prop_assert_eq!([removed, added, changed], back);
            prop_assert_eq!(there.same + removed + changed, old.len() as u64);
            prop_assert_eq!(there.same + added + changed, new.len() as u64);
        }
    }
}
