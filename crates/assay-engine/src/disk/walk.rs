//! Goes through all folders of all file systems as one tree, and shows every regular file to the analyzers.
//!
//! Like the walk over a folder, it follows no link, and skips what version control keeps in `.git`. What a folder on a real machine
//! cannot be is damage here, and said: one that contains itself, one that is in two places, a name with a slash in it.

use super::mounts::{Mounted, Places};
use super::with_cause;
use crate::progress::Progress;
use assay_analyze::{Budget, FolderPass, Limits, Node};
use assay_decode::disk::{self, FileSystem, NodeId, NodeKind};
use assay_model::Warning;
use std::collections::HashSet;
use std::sync::atomic::Ordering;

/// Folders of one disk: each is remembered, so that none is entered twice. Large systems have some hundred thousand.
const MAX_FOLDERS: usize = 2_000_000;

pub(super) fn walk(
    mounted: &[Mounted],
    places: Places,
    pass: &mut FolderPass<'_>,
    limits: &Limits,
    progress: &Progress,
) {
    let mut walk = Walk {
        mounted,
        places,
        pass,
        limits,
        progress,
        waiting: Vec::new(),
        seen: HashSet::new(),
        entries: 0,
        over: false,
    };
    // A place that no folder leads to (it was removed, or what it is in is damaged) is walked all the same.
    while let Some((path, (index, node))) = walk.places.pop_first() {
        walk.waiting.push(Folder { index, node, path });
        while let Some(folder) = walk.waiting.pop() {
            if walk.over || walk.pass.is_over() {
                return;
            }
            walk.folder(&folder);
        }
    }
}

struct Walk<'a, 'b> {
    mounted: &'a [Mounted],
    /// Where file systems are laid that were not entered yet.
    places: Places,
    pass: &'a mut FolderPass<'b>,
    limits: &'a Limits,
    progress: &'a Progress,
    waiting: Vec<Folder>,
    /// Folders that were entered, or will be.
    seen: HashSet<(usize, NodeId)>,
    entries: u64,
    /// A bound on the whole walk is reached.
    over: bool,
}

/// A folder to be entered.
struct Folder {
    /// The number of the file system.
    index: usize,
    node: NodeId,
    path: String,
}

impl Walk<'_, '_> {
    fn folder(&mut self, folder: &Folder) {
        let Some(mounted) = self.mounted.get(folder.index) else { return };
        if self.depth_of(&folder.path) > self.limits.depth {
            let what = format!("it is more than {} folders deep", self.limits.depth);
            self.pass.warn(Budget::DEPTH.exceeded(Some(&folder.path), what));
            return;
        }
        if !self.seen.insert((folder.index, folder.node)) {
            let message =
                "this folder is in two places on the disk, or contains itself; it was looked at once";
            self.pass.warn(Warning::unscanned("damaged-folder", Some(&folder.path), message));
            return;
        }
        if self.seen.len() > MAX_FOLDERS {
            self.too_many(&format!("the disk has more than {MAX_FOLDERS} folders"));
            return;
        }
        let file_system = &*mounted.file_system;
        let ended = file_system.entries(folder.node, &mut |name, id| {
            self.entry(file_system, folder, name, id);
            !self.over && !self.pass.is_over()
        });
        if let Err(error) = ended {
            let shown = if folder.path.is_empty() { "." } else { &folder.path };
            self.pass.warn(Warning::unscanned("unreadable-path", Some(shown), with_cause(&error)));
        }
    }

    fn depth_of(&self, path: &str) -> usize {
        if path.is_empty() { 0 } else { path.bytes().filter(|byte| *byte == b'/').count() + 1 }
    }

    fn too_many(&mut self, what: &str) {
        self.over = true;
        self.pass.warn(Budget::ENTRIES.exceeded(None, what));
    }

    fn entry(&mut self, file_system: &dyn FileSystem, folder: &Folder, name: &[u8], id: NodeId) {
        self.entries = self.entries.saturating_add(1);
        if self.entries > self.limits.entries_per_layer {
            self.too_many(&format!("the disk has more than {} entries", self.limits.entries_per_layer));
            return;
        }
        let shown = String::from_utf8_lossy(name);
        if name.is_empty() || matches!(name, b"." | b"..") || name.contains(&b'/') || name.contains(&0) {
            let message = format!("the name `{}` is none; it was skipped", shown.escape_debug());
            self.pass.warn(Warning::unscanned("skipped-entry", Some(&folder.path), message));
            return;
        }
        let path =
            if folder.path.is_empty() { shown.into_owned() } else { format!("{}/{shown}", folder.path) };
        if path.len() > self.limits.path_length {
            let most = self.limits.path_length;
            let what =
                format!("an entry of this folder has a path of more than {most} bytes and was skipped");
            self.pass.warn(Budget::PATH.exceeded(Some(&folder.path), what));
            return;
        }
        // What is mounted there hides what lies below.
        if let Some((index, node)) = self.places.remove(&path) {
            self.enter(Folder { index, node, path });
            return;
        }
        let node = match file_system.node(id) {
            Ok(node) => node,
            Err(error) => {
                self.pass.warn(Warning::unscanned("unreadable-path", Some(&path), with_cause(&error)));
                return;
            }
        };
        match node.kind {
            NodeKind::Folder if name == b".git" => {}
            NodeKind::Folder => {
                self.pass.folder(&path, described(&node));
                self.enter(Folder { index: folder.index, node: id, path });
            }
            NodeKind::File => self.file(file_system, id, &node, &path),
            NodeKind::Symlink if self.pass.wants_link(&path) => match file_system.link_target(id) {
                Ok(target) => self.pass.link(&path, described(&node), &String::from_utf8_lossy(&target)),
                Err(error) => {
                    self.pass.warn(Warning::unscanned("unreadable-path", Some(&path), with_cause(&error)));
                }
            },
            NodeKind::Symlink | NodeKind::Other => {}
        }
    }

    fn enter(&mut self, folder: Folder) {
        if self.waiting.len() >= MAX_FOLDERS {
            self.too_many(&format!("the disk has more than {MAX_FOLDERS} folders"));
            return;
        }
        self.waiting.push(folder);
    }

    fn file(&mut self, file_system: &dyn FileSystem, id: NodeId, node: &disk::Node, path: &str) {
        self.progress.files.fetch_add(1, Ordering::Relaxed);
        let opened = file_system.open(id).map_err(|error| with_cause(&error)).and_then(|content| {
            // What cannot be read at its beginning would be taken for a file that nobody wants.
            let mut first = [0; 1];
            content.read_at(0, &mut first).map_err(|error| error.to_string())?;
            Ok(content)
        });
        // What nobody may execute has no use for them.
        let capabilities = if node.mode & 0o111 == 0 { Ok(0) } else { file_system.capabilities(id) };
        let capabilities = capabilities.unwrap_or_else(|error| {
            self.pass.warn(Warning::unscanned("unreadable-path", Some(path), with_cause(&error)));
            0
        });
        match opened {
            Ok(content) => {
                self.pass.file(path, Node { capabilities, ..described(node) }, &*content);
            }
            Err(error) => self.pass.warn(Warning::unscanned("unreadable-path", Some(path), error)),
        }
    }
}

/// Returns what analyzers see of a node besides its content and its capabilities.
fn described(node: &disk::Node) -> Node {
    let kind = match node.kind {
        NodeKind::Folder => assay_analyze::NodeKind::Folder,
        NodeKind::File | NodeKind::Symlink | NodeKind::Other => assay_analyze::NodeKind::File,
    };
    Node { kind, mode: node.mode, uid: node.uid.into(), gid: node.gid.into(), capabilities: 0 }
}
