//! One matcher for all analyzers: which of them want a file, by its path and its first bytes.

use crate::analyzer::{Analyzer, Node, NodeKind, Select};
use std::collections::HashMap;

/// The number of leading bytes of a file that magic numbers may use.
pub const MAGIC_LEN: usize = 8;

/// Suffixes are found by their last bytes; every suffix has at least this many.
const SUFFIX_KEY: usize = 3;

/// A set of analyzers with their selections compiled for look-up.
pub struct Matcher<'a> {
    analyzers: Vec<&'a dyn Analyzer>,
    names: HashMap<&'static str, Vec<usize>>,
    paths: HashMap<&'static str, Vec<usize>>,
    suffixes: HashMap<[u8; SUFFIX_KEY], Vec<(&'static str, usize)>>,
    affixes: Vec<(&'static str, &'static str, usize)>,
    under: Vec<(&'static str, &'static str, usize)>,
    within: Vec<(&'static str, &'static str, usize)>,
    magics: Vec<(&'static [u8], usize)>,
    any: Vec<usize>,
    modes: Vec<(u32, usize)>,
    capabilities: Vec<usize>,
    links: Vec<(&'static str, usize)>,
}

impl<'a> Matcher<'a> {
    /// Compiles the selections of `analyzers`, whose order is kept.
    pub fn new(analyzers: impl IntoIterator<Item = &'a dyn Analyzer>) -> Self {
        let mut matcher = Self {
            analyzers: analyzers.into_iter().collect(),
            names: HashMap::new(),
            paths: HashMap::new(),
            suffixes: HashMap::new(),
            affixes: Vec::new(),
            under: Vec::new(),
            within: Vec::new(),
            magics: Vec::new(),
            any: Vec::new(),
            modes: Vec::new(),
            capabilities: Vec::new(),
            links: Vec::new(),
        };
        for (index, analyzer) in matcher.analyzers.iter().enumerate() {
            for select in analyzer.select() {
                match *select {
                    Select::Name(name) => matcher.names.entry(name).or_default().push(index),
                    Select::Path(path) => matcher.paths.entry(path).or_default().push(index),
                    Select::Suffix(suffix) => {
                        // A shorter suffix would select nothing; the test of all analyzers says so.
                        if let Some(key) = suffix_key(suffix) {
                            matcher.suffixes.entry(key).or_default().push((suffix, index));
                        }
                    }
                    Select::NameAffixes(prefix, suffix) => matcher.affixes.push((prefix, suffix, index)),
                    Select::Under(folder, suffix) => matcher.under.push((folder, suffix, index)),
                    Select::Within(folder, suffix) => matcher.within.push((folder, suffix, index)),
                    Select::Magic(magic) => matcher.magics.push((magic, index)),
                    Select::Any => matcher.any.push(index),
                    Select::Mode(bits) => matcher.modes.push((bits, index)),
                    Select::Capabilities => matcher.capabilities.push(index),
                    Select::Link(folder) => matcher.links.push((folder, index)),
                }
            }
        }
        matcher
    }

    /// Returns the analyzers in their order.
    pub fn analyzers(&self) -> &[&'a dyn Analyzer] {
        &self.analyzers
    }

    /// Puts the indices of the analyzers that want a file of this path into `found`, sorted.
    pub fn by_path(&self, path: &str, found: &mut Vec<usize>) {
        found.clear();
        let name = assay_model::path::file_name(path);
        if let Some(indices) = self.names.get(name) {
            found.extend(indices);
        }
        for (prefix, suffix, index) in &self.affixes {
            if name.len() >= prefix.len() + suffix.len() && name.starts_with(prefix) && name.ends_with(suffix)
            {
                found.push(*index);
            }
        }
        if let Some(indices) = self.paths.get(path) {
            found.extend(indices);
        }
        if let Some(candidates) = suffix_key(path).and_then(|key| self.suffixes.get(&key)) {
            found.extend(
                candidates.iter().filter(|(suffix, _)| ends_with(path, suffix)).map(|(_, index)| index),
            );
        }
        for (folder, suffix, index) in &self.under {
            if path.len() > folder.len() + suffix.len() && path.starts_with(folder) && path.ends_with(suffix)
            {
                found.push(*index);
            }
        }
        for (folder, suffix, index) in &self.within {
            if path.ends_with(suffix) && is_within(path, folder) {
                found.push(*index);
            }
        }
        found.sort_unstable();
        found.dedup();
    }

    /// Adds the indices of the analyzers that want a file beginning with `start`; `found` stays sorted.
    pub fn by_magic(&self, start: &[u8], found: &mut Vec<usize>) {
        merge(
            found,
            self.magics.iter().filter(|(magic, _)| start.starts_with(magic)).map(|(_, index)| *index),
        );
    }

    /// Adds the indices of the analyzers that want every regular file; `found` stays sorted.
    pub fn by_being(&self, found: &mut Vec<usize>) {
        merge(found, self.any.iter().copied());
    }

    /// Adds the indices of the analyzers that want a path for what it is besides its content; `found` stays sorted.
    pub fn by_node(&self, node: &Node, found: &mut Vec<usize>) {
        merge(found, self.modes.iter().filter(|(bits, _)| node.mode & bits != 0).map(|(_, index)| *index));
        if node.kind == NodeKind::File && node.capabilities != 0 {
            merge(found, self.capabilities.iter().copied());
        }
    }

    /// Puts the indices of the analyzers that want a symbolic link of this path into `found`, sorted.
    pub fn by_link(&self, path: &str, found: &mut Vec<usize>) {
        found.clear();
        merge(
            found,
            self.links.iter().filter(|(folder, _)| path.starts_with(folder)).map(|(_, index)| *index),
        );
    }

    /// Returns whether the analyzer at `index` wants every regular file.
    pub fn selects_any(&self, index: usize) -> bool {
        self.any.contains(&index)
    }

    /// Returns whether the analyzer at `index` lists files.
    pub fn lists_files(&self, index: usize) -> bool {
        self.analyzers.get(index).is_some_and(|analyzer| analyzer.lists_files())
    }

    /// Returns whether any of these analyzers looks into files.
    pub fn reads(&self, found: &[usize]) -> bool {
        found.iter().any(|index| self.analyzers.get(*index).is_some_and(|analyzer| analyzer.reads()))
    }

    /// Returns whether the analyzer at `index` selects files by content.
    pub fn selects_by_magic(&self, index: usize) -> bool {
        self.magics.iter().any(|(_, analyzer)| *analyzer == index)
    }
}

fn merge(found: &mut Vec<usize>, more: impl Iterator<Item = usize>) {
    let before = found.len();
    found.extend(more);
    if found.len() > before {
        found.sort_unstable();
        found.dedup();
    }
}

fn suffix_key(text: &str) -> Option<[u8; SUFFIX_KEY]> {
    let bytes = text.as_bytes();
    let start = bytes.len().checked_sub(SUFFIX_KEY)?;
    let mut key: [u8; SUFFIX_KEY] = bytes.get(start..)?.try_into().ok()?;
    key.make_ascii_lowercase();
    Some(key)
}

/// Returns whether `folder`, which ends in `/`, is a run of whole components of the path.
fn is_within(path: &str, folder: &str) -> bool {
    path.match_indices(folder).any(|(at, _)| {
        at == 0 || at.checked_sub(1).and_then(|before| path.as_bytes().get(before)) == Some(&b'/')
    })
}

fn ends_with(path: &str, suffix: &str) -> bool {
    let (path, suffix) = (path.as_bytes(), suffix.as_bytes());
    let start = path.len().checked_sub(suffix.len());
    start.and_then(|start| path.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{AnalyzerId, File, Sink};

    struct Wants(&'static [Select]);

    impl Analyzer for Wants {
        fn id(&self) -> AnalyzerId {
            AnalyzerId { name: "wants", revision: 1 }
        }
        fn select(&self) -> &'static [Select] {
            self.0
        }
        fn analyze(&self, _: &File<'_>, _: &mut Sink<'_>) {}
    }

    #[track_caller]
    fn check(select: &'static [Select], path: &str, start: &[u8], want: bool) {
        let wants = Wants(select);
        let matcher = Matcher::new([&wants as &dyn Analyzer]);
        let mut found = Vec::new();
        matcher.by_path(path, &mut found);
        matcher.by_magic(start, &mut found);
        assert_eq!(!found.is_empty(), want, "{path}");
    }

    #[test]
    fn files_are_selected_as_asked() {
        check(&[Select::Name("pom.xml")], "a/b/pom.xml", b"", true);
        check(&[Select::Name("pom.xml")], "a/b/xpom.xml", b"", false);
        check(&[Select::NameAffixes("req", ".txt")], "a/requirements.txt", b"", true);
        check(&[Select::NameAffixes("req", ".txt")], "req/notes.txt", b"", false);
        check(&[Select::NameAffixes("a.b", ".bc")], "a.bc", b"", false);
        check(&[Select::Path("etc/os-release")], "etc/os-release", b"", true);
        check(&[Select::Path("etc/os-release")], "x/etc/os-release", b"", false);
        check(&[Select::Suffix(".jar")], "lib/A.JAR", b"", true);
        check(&[Select::Suffix(".dist-info/METADATA")], "s/a-1.dist-info/METADATA", b"", true);
        check(&[Select::Suffix(".jar")], "ar", b"", false);
        check(&[Select::Under("var/lib/dpkg/info/", ".list")], "var/lib/dpkg/info/a.list", b"", true);
        check(&[Select::Under("var/lib/dpkg/info/", ".list")], "var/lib/dpkg/info/.list", b"", false);
        let plugins = &[Select::Within("wp-content/plugins/", ".php")];
        check(plugins, "srv/wp-content/plugins/a/a.php", b"", true);
        check(plugins, "wp-content/plugins/a.php", b"", true);
        check(plugins, "srv/my-wp-content/plugins/a.php", b"", false);
        check(plugins, "srv/wp-content/plugins/a.txt", b"", false);
        check(&[Select::Magic(b"\x7fELF")], "bin/x", b"\x7fELF\x02\x01", true);
        check(&[Select::Magic(b"\x7fELF")], "bin/x", b"\x7fEL", false);
    }
}
