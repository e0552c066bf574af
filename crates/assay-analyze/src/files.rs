//! The files of an image that matter for what runs, as they are seen once all layers are laid over each other.

use crate::code::{Code, Language};
use crate::cover::path_key;
use assay_model::PathList;
use assay_model::path::parent;
use std::collections::BTreeMap;

/// Code, links and owners.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Files {
    /// Files of code, by path.
    pub code: BTreeMap<String, CodeFile>,
    /// Symbolic links, by path, with their targets as written.
    pub symlinks: BTreeMap<String, String>,
    /// What package managers say they own.
    pub owned: Vec<Owned>,
    /// Whether something is missing here (a layer over a bound, a damaged file): then absence proves nothing.
    pub partial: bool,
    /// What each layer has, as keys of paths, sorted.
    pub(crate) shapes: Vec<Shape>,
}

/// Which paths a layer has: what is not code is known by its key only.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Shape {
    /// Keys of everything that is no folder.
    pub(crate) files: Vec<u128>,
    /// Keys of folders.
    pub(crate) folders: Vec<u128>,
}

/// One visible file of code.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeFile {
    /// The index of the layer it comes from.
    pub layer: u32,
    /// What it is and asks for.
    pub code: Code,
}

impl CodeFile {
    /// Adds what another analyzer says of it. Several may each read a part of what one file asks for: the first line of a script and its
    /// imports; then it is the language that counts, not that it is some script.
    pub(crate) fn add(&mut self, code: Code) {
        let known = &mut self.code;
        if known.language == Language::OtherScript {
            known.language = code.language;
        }
        known.name = known.name.take().or(code.name);
        known.library &= code.library;
        for ask in code.asks {
            if !known.asks.contains(&ask) {
                known.asks.push(ask);
            }
        }
    }
}

/// The files of one package.
#[derive(Debug, Clone, PartialEq)]
pub struct Owned {
    /// The package manager: `dpkg`, `rpm`, `apk`, `pip` and so on.
    pub manager: String,
    /// The package's name, with `:architecture` where there can be several.
    pub package: String,
    /// Its files and folders.
    pub files: PathList,
}

/// Links that are followed before a path counts as a loop; Linux gives up at the same number (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// The longest path that is followed, in bytes; Linux gives up at the same length (`PATH_MAX`).
const MAX_PATH: usize = 4096;

impl Files {
    /// Returns the path at which `path` really is, every symbolic link on the way followed, as `chroot` into the image would:
    /// `..` never leads out of the root. `None` when links loop.
    ///
    /// Whether anything is there is another question: only code is known.
    pub fn real_path(&self, path: &str) -> Option<String> {
        self.follow(path, &mut |_| {})
    }

    /// Returns what [`Files::real_path`] returns, and calls `link` with the path of each symbolic link on the way.
    pub fn follow(&self, path: &str, link: &mut dyn FnMut(&str)) -> Option<String> {
        let mut rest: Vec<&str> = components(path).rev().collect();
        let mut real = String::new();
        let mut followed = 0;
        while let Some(part) = rest.pop() {
            if part == ".." {
                real.truncate(parent(&real).len());
                continue;
            }
            let before = real.len();
            if !real.is_empty() {
                real.push('/');
            }
            real.push_str(part);
            if real.len() > MAX_PATH {
                return None;
            }
            let Some(target) = self.symlinks.get(&real) else { continue };
            followed += 1;
            if followed > MAX_LINKS || rest.len() > MAX_PATH {
                return None;
            }
            link(&real);
            real.truncate(if target.starts_with('/') { 0 } else { before });
            rest.extend(components(target).rev());
        }
        Some(real)
    }

    /// Returns whether a layer has a folder at a path.
    pub fn is_folder(&self, path: &str) -> bool {
        let key = path_key(path);
        self.shapes.iter().any(|shape| shape.folders.binary_search(&key).is_ok())
    }

    /// Returns whether a layer has something other than a folder at a path; an upper layer may have removed it.
    pub fn is_there(&self, path: &str) -> bool {
        let key = path_key(path);
        self.shapes.iter().any(|shape| shape.files.binary_search(&key).is_ok())
    }

    /// Returns the code at a path, links followed, with the path at which it really is.
    pub fn find(&self, path: &str) -> Option<(&str, &CodeFile)> {
        // Most paths have no link on the way: look before walking.
        if let Some((path, file)) = self.code.get_key_value(path.trim_start_matches('/')) {
            return Some((path, file));
        }
        let real = self.real_path(path)?;
        self.code.get_key_value(&real).map(|(path, file)| (path.as_str(), file))
    }

    /// Returns the code below a folder (no links followed), in the order of its paths.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = (&'a str, &'a CodeFile)> + use<'a> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.code
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, file)| (path.as_str(), file))
    }
}

fn components(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !part.is_empty() && *part != ".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Ask;

    #[test]
    fn what_two_analyzers_say_of_a_file_is_laid_together() {
        let code = |language, asks: &[&str]| Code {
            language,
            size: 9,
            name: None,
            library: false,
            asks: asks.iter().map(|name| Ask::Import((*name).to_owned())).collect(),
        };
        let mut file = CodeFile { layer: 1, code: code(Language::OtherScript, &["a"]) };
        file.add(code(Language::Python, &["a", "b"]));
        file.add(code(Language::OtherScript, &["c"]));
        assert_eq!((file.layer, &file.code), (1, &code(Language::Python, &["a", "b", "c"])));
    }

    fn check(links: &[(&str, &str)], path: &str, want: Option<&str>) {
        let symlinks =
            links.iter().map(|(path, target)| ((*path).to_owned(), (*target).to_owned())).collect();
        let files = Files { symlinks, ..Files::default() };
        assert_eq!(files.real_path(path).as_deref(), want, "{path}");
    }

    #[test]
    fn links_are_followed_inside_the_root() {
        check(&[], "/usr/bin/env", Some("usr/bin/env"));
        check(&[("bin", "usr/bin")], "/bin/sh", Some("usr/bin/sh"));
        check(&[("bin", "usr/bin"), ("usr/bin/sh", "dash")], "/bin/sh", Some("usr/bin/dash"));
        check(
            &[("usr/bin/vi", "/etc/alternatives/vi"), ("etc/alternatives/vi", "/bin/nvi")],
            "usr/bin/vi",
            Some("bin/nvi"),
        );
        check(&[("a/b", "../../../../c")], "a/b/d", Some("c/d"));
        check(&[], "../../x/./../y", Some("y"));
        check(&[("a", "b"), ("b", "a")], "a", None);
        check(&[("a", "a/a")], "a", None);
    }
}
