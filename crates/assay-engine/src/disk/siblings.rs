//! Which other files an image may have opened.
//!
//! An image names its backing file and its extents by any path it likes; one from a stranger could name `/etc/shadow`, whose
//! content would then be "the disk". So only a plain name counts, only of a regular file (not a link) in the image's own folder; for a
//! backing file that lies elsewhere the user says where.

use assay_decode::disk::{Shared, Sibling, SiblingRole, Siblings};
use assay_decode::read_at::FileSpool;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens what lies beside an image, and what the user names.
pub(super) struct FolderSiblings {
    folder: PathBuf,
    /// Files that the user named, in the order in which they are stood on.
    named: VecDeque<PathBuf>,
    opened: Vec<PathBuf>,
    /// Bytes that all files have, holes left out.
    stored: u64,
}

impl FolderSiblings {
    pub(super) fn new(image: &Path, named: &[PathBuf]) -> Self {
        let folder = image.parent().unwrap_or(Path::new(""));
        // A bare file name has an empty parent, which means the working folder.
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self {
            folder: folder.to_owned(),
            named: named.iter().cloned().collect(),
            opened: Vec::new(),
            stored: stored(image),
        }
    }

    /// Returns the files that were opened, and how many bytes they and the image have.
    pub(super) fn finish(self) -> (Vec<PathBuf>, u64) {
        (self.opened, self.stored)
    }

    fn take(&mut self, path: PathBuf) -> Result<Shared, String> {
        // A pipe would be waited for.
        if !path.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Err("it is not a regular file".to_owned());
        }
        let file = File::open(&path).and_then(FileSpool::new).map_err(|error| error.to_string())?;
        self.stored = self.stored.saturating_add(stored(&path));
        self.opened.push(path);
        Ok(Arc::new(file))
    }
}

/// Returns how many bytes a file takes on the disk: a sparse file of a terabyte may have none.
fn stored(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len().min(metadata.blocks().saturating_mul(512)))
}

impl Siblings for FolderSiblings {
    fn open(&mut self, sibling: &Sibling<'_>) -> Result<Shared, String> {
        let backing = sibling.role == SiblingRole::Backing;
        if backing && let Some(path) = self.named.pop_front() {
            return self.take(path.clone()).map_err(|error| format!("`{}`: {error}", path.display()));
        }
        let name = sibling.name;
        let plain = !name.is_empty() && !matches!(name, "." | "..") && !name.contains(['/', '\\', '\0']);
        if !plain {
            return Err("only files in the folder of the image are, by a plain name".to_owned());
        }
        let path = self.folder.join(name);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => self.take(path),
            Ok(_) => Err("it is not a regular file".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_beside_the_image_are_opened() {
        let root = tempfile::tempdir().unwrap();
        let images = root.path().join("images");
        fs::create_dir(&images).unwrap();
        fs::write(root.path().join("secret"), "s").unwrap();
        fs::write(images.join("base.raw"), "b").unwrap();
        std::os::unix::fs::symlink("../secret", images.join("link")).unwrap();
        let image = images.join("disk.qcow2");
        fs::write(&image, "i").unwrap();
        let open = |name: &str, named: &[PathBuf]| {
            FolderSiblings::new(&image, named)
                .open(&Sibling { name, role: SiblingRole::Backing })
                .map(|file| file.len())
        };
        use assay_decode::ReadAt;
        assert_eq!(open("base.raw", &[]), Ok(1));
        for name in ["../secret", "/etc/passwd", "link", "..", "", "images/base.raw", "a\\b", "gone"] {
            assert!(open(name, &[]).is_err(), "{name}");
        }
        assert_eq!(open("/etc/passwd", &[root.path().join("secret")]), Ok(1), "the user's word counts");
    }
}
