//! The files of an image, prepared for being asked about.
//!
//! What code asks for is sought in many places, most of which do not have it: an image with a few thousand modules is asked for a
//! hundred thousand paths. Each answer is the one [`Files`] gives; only the work is less, as folders are resolved once, and what is in
//! none of them is not walked to.

use assay_analyze::{CodeFile, Files};
use assay_model::path::{ancestors, parent};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

/// Folders whose real paths are remembered, and the longest such path, in bytes: what code asks for may be anything.
const MAX_KNOWN: usize = 1 << 15;
const MAX_KNOWN_PATH: usize = 512;

/// Files, with what makes it quick to find them.
pub(crate) struct Tree<'a> {
    files: &'a Files,
    nodes: HashMap<&'a str, Node<'a>>,
    /// Every folder in which code or a link lies, at any depth.
    folders: HashMap<&'a str, Folder<'a>>,
    /// The real paths of folders that were asked for.
    real: RefCell<HashMap<String, Option<Rc<str>>>>,
}

/// What is at a path.
#[derive(Clone, Copy, Default)]
struct Node<'a> {
    code: Option<(&'a str, &'a CodeFile)>,
    /// The path, if it is a symbolic link.
    link: Option<&'a str>,
}

/// One folder.
#[derive(Default)]
struct Folder<'a> {
    /// The code directly in it, by path, sorted.
    code: Vec<(&'a str, &'a CodeFile)>,
    /// Whether there is code in it, at any depth.
    has_code: bool,
}

impl Deref for Tree<'_> {
    type Target = Files;

    fn deref(&self) -> &Files {
        self.files
    }
}

impl<'a> Tree<'a> {
    /// Prepares files.
    pub(crate) fn new(files: &'a Files) -> Self {
        let mut tree = Self {
            files,
            nodes: HashMap::with_capacity(files.code.len().saturating_add(files.symlinks.len())),
            folders: HashMap::new(),
            real: RefCell::default(),
        };
        for (path, file) in &files.code {
            tree.nodes.insert(path, Node { code: Some((path, file)), link: None });
        }
        for path in files.symlinks.keys() {
            tree.nodes.entry(path).or_default().link = Some(path);
        }
        // Sorted paths have their folders in runs.
        let mut run = Vec::new();
        let mut folder = "";
        for (path, file) in &files.code {
            if parent(path) != folder {
                tree.put(folder, &mut run);
                folder = parent(path);
            }
            run.push((path.as_str(), file));
        }
        tree.put(folder, &mut run);
        for path in files.symlinks.keys() {
            for folder in ancestors(path) {
                if tree.folders.contains_key(folder) {
                    break;
                }
                tree.folders.insert(folder, Folder::default());
            }
        }
        tree
    }

    /// Adds a run of files of one folder.
    fn put(&mut self, folder: &'a str, run: &mut Vec<(&'a str, &'a CodeFile)>) {
        let Some((first, _)) = run.first() else { return };
        for above in ancestors(first) {
            let known = self.folders.entry(above).or_default();
            if std::mem::replace(&mut known.has_code, true) {
                break;
            }
        }
        self.folders.entry(folder).or_default().code.append(run);
    }

    /// Returns what [`Files::real_path`] returns.
    pub(crate) fn real_path(&self, path: &str) -> Option<String> {
        match self.unlinked(path) {
            Some(real) => real,
            None => self.files.real_path(path),
        }
    }

    /// Returns what [`Files::follow`] returns, and calls `link` as that does.
    pub(crate) fn follow(&self, path: &str, link: &mut dyn FnMut(&str)) -> Option<String> {
        match self.unlinked(path) {
            // The folder may have been reached by a link.
            Some(Some(real)) if real == path.trim_start_matches('/') => Some(real),
            _ => self.files.follow(path, link),
        }
    }

    /// Returns the real path of a path whose last component is no link, itself `None` when links loop; `None` when it has to be walked.
    fn unlinked(&self, path: &str) -> Option<Option<String>> {
        let (folder, name) = split(path.trim_start_matches('/'))?;
        let Some(folder) = self.real_of(folder) else { return Some(None) };
        let mut real = String::with_capacity(folder.len() + 1 + name.len());
        real.push_str(&folder);
        if !real.is_empty() {
            real.push('/');
        }
        real.push_str(name);
        // The longest paths are walked, which gives up at the right place.
        (real.len() <= MAX_KNOWN_PATH && !self.is_link(&real)).then_some(Some(real))
    }

    /// Returns the real path of a folder; `None` when links loop.
    fn real_of(&self, folder: &str) -> Option<Rc<str>> {
        let known = self.real.borrow().get(folder).cloned();
        known.unwrap_or_else(|| self.real_folder(folder))
    }

    fn real_folder(&self, folder: &str) -> Option<Rc<str>> {
        let real: Option<Rc<str>> = self.files.real_path(folder).map(Rc::from);
        let mut known = self.real.borrow_mut();
        if known.len() < MAX_KNOWN {
            known.insert(folder.to_owned(), real.clone());
        }
        real
    }

    /// Returns what [`Files::find`] returns.
    pub(crate) fn find(&self, path: &str) -> Option<(&'a str, &'a CodeFile)> {
        let plain = path.trim_start_matches('/');
        let node = self.nodes.get(plain).copied().unwrap_or_default();
        if node.code.is_some() {
            return node.code;
        }
        // Most of what is asked for is nowhere, in a folder that no link leads to.
        if node.link.is_none()
            && let Some((folder, _)) = split(plain)
            && self.real_of(folder)?.as_ref() == folder
        {
            return None;
        }
        let real = self.real_path(path)?;
        if real == plain {
            return None;
        }
        self.exact(&real)
    }

    /// Returns the code at exactly this path.
    pub(crate) fn exact(&self, path: &str) -> Option<(&'a str, &'a CodeFile)> {
        self.nodes.get(path)?.code
    }

    /// Returns whether a symbolic link is at exactly this path.
    pub(crate) fn is_link(&self, path: &str) -> bool {
        self.link(path).is_some()
    }

    /// Returns the path of the symbolic link at exactly this path.
    pub(crate) fn link(&self, path: &str) -> Option<&'a str> {
        self.nodes.get(path)?.link
    }

    /// Returns whether code or a symbolic link lies in a folder, at any depth; the path is the real one.
    pub(crate) fn is_inhabited(&self, folder: &str) -> bool {
        match folder {
            "" => !self.nodes.is_empty(),
            _ => self.folders.contains_key(folder),
        }
    }

    /// Returns whether code lies in a folder, at any depth, as [`Files::below`] would show.
    pub(crate) fn has_code_below(&self, folder: &str) -> bool {
        match folder {
            "" => !self.files.code.is_empty(),
            _ => self.folders.get(folder).is_some_and(|folder| folder.has_code),
        }
    }

    /// Returns the code directly in a folder whose path starts with `start`, itself a path directly in it, in order.
    pub(crate) fn starting_with(&self, start: &str) -> impl Iterator<Item = (&'a str, &'a CodeFile)> {
        let all = self.folders.get(parent(start)).map(|folder| folder.code.as_slice()).unwrap_or_default();
        let first = all.partition_point(|(path, _)| *path < start);
        let rest = all.get(first..).unwrap_or_default();
        let end = rest.partition_point(|(path, _)| path.starts_with(start));
        rest.get(..end).unwrap_or_default().iter().copied()
    }
}

/// Splits a path into folder and name where the name is one and the folder is not too long to be remembered.
fn split(path: &str) -> Option<(&str, &str)> {
    let folder = parent(path);
    let name = path.get(folder.len()..)?.trim_start_matches('/');
    (!matches!(name, "" | "." | "..") && folder.len() <= MAX_KNOWN_PATH).then_some((folder, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Code, Language};
    use proptest::prelude::*;

    /// Paths of few names, so that they meet; some are not written as they should be.
    fn path() -> impl Strategy<Value = String> {
        let part = prop_oneof![Just("a"), Just("b"), Just("a.b"), Just(".."), Just("."), Just("")];
        (any::<bool>(), proptest::collection::vec(part, 1..5))
            .prop_map(|(absolute, parts)| format!("{}{}", if absolute { "/" } else { "" }, parts.join("/")))
    }

    fn plain() -> impl Strategy<Value = String> {
        proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("a.b")], 1..4)
            .prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_answers_are_those_of_the_files(
            code in proptest::collection::vec(plain(), 0..8),
            links in proptest::collection::vec((plain(), path()), 0..5),
            asked in proptest::collection::vec(path(), 1..12),
            folders in proptest::collection::vec(plain(), 1..6),
        ) {
            let file = || {
                let language = Language::Python;
                CodeFile { layer: 0, code: Code { language, size: 1, name: None, library: false, asks: Vec::new() } }
            };
            let mut files = Files::default();
            files.code.extend(code.into_iter().map(|path| (path, file())));
            files.symlinks.extend(links);
            let tree = Tree::new(&files);
            for path in asked.iter().chain(&folders).chain(&asked) {
                prop_assert_eq!(tree.real_path(path), files.real_path(path), "{}", path);
                prop_assert_eq!(tree.find(path), files.find(path), "{}", path);
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                let real = tree.follow(path, &mut |link| ours.push(link.to_owned()));
                prop_assert_eq!(real, files.follow(path, &mut |link| theirs.push(link.to_owned())), "{}", path);
                prop_assert_eq!(ours, theirs, "{}", path);
            }
            for folder in folders.iter().map(String::as_str).chain([""]) {
                prop_assert_eq!(tree.has_code_below(folder), files.below(folder).next().is_some(), "{}", folder);
                let below = |path: &&String| path.starts_with(&format!("{folder}/")) || folder.is_empty();
                let inhabited = files.code.keys().chain(files.symlinks.keys()).any(|path| below(&path));
                prop_assert_eq!(tree.is_inhabited(folder), inhabited, "{}", folder);
                let start = format!("{folder}.");
                let direct = |path: &&String| path.starts_with(&start) && parent(path) == parent(&start);
                let want: Vec<&str> = files.code.keys().filter(direct).map(String::as_str).collect();
                let got: Vec<&str> = tree.starting_with(&start).map(|(path, _)| path).collect();
                prop_assert_eq!(got, want, "{}", start);
            }
        }
    }
}
