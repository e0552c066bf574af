//! Takes snapshots of a root file system and writes what changed between two of them as a layer.
//!
//! This is what an image builder does between two instructions. Deletions become whiteouts; a directory that was
//! replaced (another inode under the same name) becomes opaque, as the image specification's layer chapter says:
//! <https://github.com/opencontainers/image-spec/blob/main/layer.md>.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::image::EPOCH;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    mode: u32,
    owner: (u32, u32),
    size: u64,
    modified: (i64, i64),
    inode: u64,
    links: u64,
    directory: bool,
}

impl Stat {
    // A directory's size and link count change whenever its children do, which is the children's own affair;
    // a file's link count changes when a link elsewhere comes or goes.
    fn same(&self, other: &Self) -> bool {
        let kind = self.mode == other.mode && self.owner == other.owner && self.inode == other.inode;
        kind && (self.directory || (self.size == other.size && self.modified == other.modified))
    }
}

/// The state of every path below a root, without the root itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Stat>);

impl Snapshot {
    /// Looks at everything below `root`; mounted file systems (`/proc`) are not entered.
    pub(crate) fn take(root: &Path) -> Result<Self> {
        let mut all = BTreeMap::new();
        let device = fs::metadata(root)?.dev();
        let mut pending = vec![PathBuf::new()];
        while let Some(folder) = pending.pop() {
            let listing = fs::read_dir(root.join(&folder)).with_context(|| folder.display().to_string())?;
            for entry in listing {
                let entry = entry?;
                let path = folder.join(entry.file_name());
                let meta = entry.metadata()?;
                let stat = Stat {
                    mode: meta.mode(),
                    owner: (meta.uid(), meta.gid()),
                    size: meta.size(),
                    modified: (meta.mtime(), meta.mtime_nsec()),
                    inode: meta.ino(),
                    links: meta.nlink(),
                    directory: meta.is_dir(),
                };
                if meta.is_dir() && meta.dev() == device {
                    pending.push(path.clone());
                }
                all.insert(path, stat);
            }
        }
        Ok(Self(all))
    }

    /// Writes the layer that turns `self` into `after`; returns how many entries it has.
    pub(crate) fn write_changes(
        &self,
        after: &Self,
        root: &Path,
        tar: &mut tar::Builder<&mut dyn Write>,
    ) -> Result<usize> {
        let opaque: BTreeSet<&Path> = after
            .0
            .iter()
            .filter(|(_, new)| new.directory)
            .filter(|(path, new)| {
                self.0.get(*path).is_some_and(|old| old.directory && old.inode != new.inode)
            })
            .map(|(path, _)| path.as_path())
            .collect();
        let gone = |path: &&PathBuf| {
            let parent = path.parent().unwrap_or(Path::new(""));
            !after.0.contains_key(*path)
                && (parent.as_os_str().is_empty() || after.0.get(parent).is_some_and(|p| p.directory))
                && !parent.ancestors().any(|up| opaque.contains(up))
        };
        let mut paths: BTreeSet<PathBuf> = BTreeSet::new();
        let mut count = 0;
        for path in self.0.keys().filter(gone) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            paths.insert(path.with_file_name(format!(".wh.{name}")));
        }
        for (path, new) in &after.0 {
            let hidden = path.parent().is_some_and(|p| p.ancestors().any(|up| opaque.contains(up)));
            if hidden || !self.0.get(path).is_some_and(|old| old.same(new)) {
                paths.insert(path.clone());
            }
            if opaque.contains(path.as_path()) {
                paths.insert(path.join(".wh..wh..opq"));
            }
        }
        // Builders name the folders above a change too, so that their modes are not guessed.
        let above: Vec<PathBuf> = paths
            .iter()
            .flat_map(|path| path.ancestors().skip(1))
            .filter(|up| !up.as_os_str().is_empty())
            .map(Path::to_owned)
            .collect();
        paths.extend(above);

        let mut links: HashMap<u64, PathBuf> = HashMap::new();
        for path in &paths {
            count += 1;
            match after.0.get(path) {
                None => tar.append_data(&mut header(tar::EntryType::Regular), path, io::empty())?,
                Some(stat) => append(tar, root, path, stat, &mut links)
                    .with_context(|| format!("cannot archive `{}`", path.display()))?,
            }
        }
        Ok(count)
    }
}

fn header(kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_mtime(EPOCH);
    header.set_size(0);
    header
}

fn append(
    tar: &mut tar::Builder<&mut dyn Write>,
    root: &Path,
    path: &Path,
    stat: &Stat,
    links: &mut HashMap<u64, PathBuf>,
) -> Result<()> {
    let full = root.join(path);
    let kind = fs::symlink_metadata(&full)?.file_type();
    let mut header = header(tar::EntryType::Regular);
    header.set_mode(stat.mode & 0o7777);
    header.set_uid(stat.owner.0.into());
    header.set_gid(stat.owner.1.into());
    header.set_mtime(u64::try_from(stat.modified.0).unwrap_or(0).min(EPOCH));
    if kind.is_dir() {
        header.set_entry_type(tar::EntryType::Directory);
        tar.append_data(&mut header, path, io::empty())?;
    } else if kind.is_symlink() {
        header.set_entry_type(tar::EntryType::Symlink);
        tar.append_link(&mut header, path, fs::read_link(&full)?)?;
    } else if let Some(first) = links.get(&stat.inode).filter(|_| stat.links > 1) {
        header.set_entry_type(tar::EntryType::Link);
        tar.append_link(&mut header, path, first)?;
    } else if kind.is_file() {
        if stat.links > 1 {
            links.insert(stat.inode, path.to_owned());
        }
        header.set_size(stat.size);
        tar.append_data(&mut header, path, File::open(&full)?)?;
    } else if kind.is_char_device() || kind.is_block_device() || kind.is_fifo() {
        // Devices come from the boot strap only and no analyzer reads them; builders leave sockets out as well.
        header.set_entry_type(tar::EntryType::Fifo);
        if kind.is_fifo() {
            tar.append_data(&mut header, path, io::empty())?;
        }
    }
    Ok(())
}
