//! What a pass may still keep: what was said, marks and warnings.
//!
//! What an entry replaces is given back, so that only what is there in the end counts. Where there is no more memory for what
//! is said, a layer is still read for its marks; where there is none for marks, for what is said.

use super::Pass;
use crate::analyzer::LeftOut;
use crate::cover::path_key;
use crate::facts::{Cover, FileAnalysis};
use crate::limits::{self, Budget, GivenUp, MARK, PathCost};
use assay_model::Warning;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

/// How often a code was warned of, and whether it left something unscanned.
#[derive(Debug, Default)]
pub(super) struct Warned {
    count: u64,
    unscanned: bool,
}

impl Pass<'_> {
    /// Returns whether there is memory to look at a file for these analyzers; says so when there is none.
    pub(super) fn has_room(&mut self, path: &str, analyzers: &[usize]) -> bool {
        if analyzers.iter().all(|index| self.matcher.lists_files(*index)) {
            return true;
        }
        let room = self.limits.facts.has(limits::path_cost(path));
        if !room {
            self.no_room();
        }
        room
    }

    /// Notes, and says, that a file is left out because there is no more memory for it.
    pub(super) fn no_room(&mut self) {
        self.full = true;
        self.say_full();
    }

    fn say_full(&mut self) {
        if !std::mem::replace(&mut self.full_said, true) {
            self.out.warnings.push(self.limits.too_many_facts(None));
        }
    }

    /// Notes, and says, that a file is not listed because there is no more memory for that.
    pub(super) fn no_room_in_list(&mut self) {
        if !std::mem::replace(&mut self.list_full, true) {
            self.out.warnings.push(self.limits.too_many_files());
        }
    }

    /// Drops those who list files when there is no more memory for that.
    pub(super) fn without_lists(&self, analyzers: &mut Vec<usize>) {
        if self.list_full {
            analyzers.retain(|index| !self.matcher.lists_files(*index));
        }
    }

    /// Says that the time was up before everything was looked at.
    pub(super) fn say_time_is_up(&mut self) {
        if self.out.warnings.iter().all(|have| have.code != Budget::TIME.code) {
            self.out.warnings.push(Budget::TIME.exceeded(None, GivenUp::Time));
        }
    }

    /// Notes that there would be more on another day.
    pub(super) fn note(&mut self, left_out: LeftOut) {
        self.hindered |= left_out.any();
        self.swollen |= left_out.expansion;
        if left_out.file_list {
            self.no_room_in_list();
        }
    }

    /// Returns what it costs to keep a path for these analyzers, whatever they say about it.
    pub(super) fn cost_of_waiting(&self, path: &str, analyzers: &[usize]) -> PathCost {
        let lists = |index: &usize| self.matcher.lists_files(*index);
        PathCost::of_path(path, !analyzers.iter().all(lists), analyzers.iter().any(lists))
    }

    /// Adds a mark to one of the lists, if there is memory for it.
    pub(super) fn mark(&mut self, list: fn(&mut Cover) -> &mut Vec<u128>, path: &str) {
        if self.marks_full {
            return;
        }
        if !self.limits.marks.spend(MARK, 0) && !self.thin_out() {
            self.marks_full = true;
            self.out.warnings.push(self.limits.too_many_marks());
            return;
        }
        list(&mut self.out.cover).push(path_key(path));
    }

    /// Drops marks that are there twice; returns whether that made room for another one, which is then taken.
    fn thin_out(&mut self) -> bool {
        // Only where there are twice as many as last time: else each entry could have all marks sorted again.
        if self.out.cover.len() < self.thinned.saturating_mul(2) {
            return false;
        }
        self.sort_marks();
        self.thinned = self.out.cover.len();
        self.limits.marks.spend(MARK, 0)
    }

    fn sort_marks(&mut self) {
        let before = self.out.cover.cost();
        self.out.cover.sort();
        self.limits.marks.give_back(before.saturating_sub(self.out.cover.cost()));
    }

    /// Remembers a symbolic link: what runs finds its parts through them.
    pub(super) fn symlink(&mut self, path: &str, target: &str) {
        let cost = limits::symlink_cost(path, target);
        if self.out.symlinks.len() >= self.limits.symlinks_per_layer {
            self.out.symlinks_left_out = true;
        } else if self.limits.facts.spend_plenty(cost) {
            self.out.symlinks.insert(path.to_owned(), target.to_owned());
        } else {
            self.out.symlinks_left_out = true;
            self.hindered = true;
            self.say_full();
        }
    }

    /// Forgets an earlier entry of the same path: the later one is what the container sees.
    pub(super) fn forget(&mut self, path: &str) {
        self.catch_up_with(path);
        let link = if self.links.is_empty() { None } else { self.links.by_path.remove(path) };
        let mut cost = PathCost::default();
        if let Some(said) = self.out.files.remove(path) {
            cost = PathCost::of_file(path, &said);
        }
        if let Some(link) = link {
            // A path that is there for both is paid for once.
            cost = cost.or(self.cost_of_waiting(path, &link.analyzers));
        }
        self.limits.give_back(cost);
        if let Some(target) = self.out.symlinks.remove(path) {
            self.limits.facts.give_back(limits::symlink_cost(path, &target));
        }
    }

    /// Forgets what lay in a folder of this path, which something else has replaced: engines remove it whole.
    pub(super) fn forget_below(&mut self, path: &str) {
        self.catch_up_below(path);
        let mut below = std::mem::take(&mut self.below);
        below.clear();
        below.push_str(path);
        below.push('/');
        while let Some(path) = first_below(&self.out.files, &below)
            .or_else(|| first_below(&self.out.symlinks, &below))
            .or_else(|| first_below(&self.links.by_path, &below))
        {
            self.forget(&path);
        }
        self.below = below;
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        if self.may_say(&warning) {
            self.out.warnings.push(warning);
        }
    }

    /// Counts a warning; returns whether it is one of the first of its code.
    pub(super) fn may_say(&mut self, warning: &Warning) -> bool {
        self.count(warning.code.clone(), 1, warning.incomplete) <= self.most_warnings()
    }

    /// Counts warnings of a code; returns how many there are now.
    pub(super) fn count(&mut self, code: Cow<'static, str>, more: u64, unscanned: bool) -> u64 {
        let said = self.warned.entry(code).or_default();
        said.count = said.count.saturating_add(more);
        said.unscanned |= unscanned;
        said.count
    }

    fn most_warnings(&self) -> u64 {
        u64::try_from(self.limits.warnings_per_code).unwrap_or(u64::MAX)
    }

    /// Gives back what will not be kept, and says how many warnings were left out.
    pub(super) fn tidy(&mut self) {
        self.sort_marks();
        self.out.cover.shrink();
        // Kept until now because a hard link may have referred to them.
        let limits = self.limits;
        let has_more = |all: &[FileAnalysis]| all.iter().any(|one| !one.is_file_list());
        self.out.files.retain(|path, all| {
            let before = has_more(all);
            all.retain(|one| !one.said.facts.is_empty() || !one.said.warnings.is_empty());
            if before && !has_more(all) {
                limits.facts.give_back(limits::path_cost(path));
            }
            !all.is_empty()
        });
        let most = self.most_warnings();
        for (code, said) in std::mem::take(&mut self.warned) {
            let Some(rest) = said.count.checked_sub(most).filter(|rest| *rest > 0) else { continue };
            let message = format!("{rest} more warnings `{code}` are left out");
            let mut warning = Warning::unscanned("too-many-warnings", None, message);
            warning.incomplete = said.unscanned;
            self.out.warnings.push(warning);
        }
    }
}

/// Returns the first key that starts with `folder`.
fn first_below<T>(map: &BTreeMap<String, T>, folder: &str) -> Option<String> {
    let range = map.range::<str, _>((Bound::Included(folder), Bound::Unbounded));
    range.map(|(path, _)| path).next().filter(|path| path.starts_with(folder)).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyzer::{Analyzer, AnalyzerId, File, Select, Sink};
    use crate::facts::Fact;
    use crate::limits::{Limits, MemoryBudget};
    use crate::matcher::Matcher;
    use crate::pass::analyze_layer;
    use assay_model::contents::{Content, Sums};
    use assay_model::{Package, PackageKind};
    use assay_test::image::Tree;
    use proptest::prelude::*;
    use std::path::PathBuf;

    /// Finds a package in some files, lists all, or finds something in any.
    #[derive(Clone, Copy)]
    enum Kind {
        Packages,
        List,
        Any,
    }

    impl Analyzer for Kind {
        fn id(&self) -> AnalyzerId {
            let name = match self {
                Self::Packages => "packages",
                Self::List => "list",
                Self::Any => "any",
            };
            AnalyzerId { name, revision: 1 }
        }
        fn select(&self) -> &'static [Select] {
            match self {
                Self::Packages => &[Select::Suffix("/package")],
                Self::List => &[Select::Under("", "")],
                Self::Any => &[Select::Any],
            }
        }
        fn lists_files(&self) -> bool {
            matches!(self, Self::List)
        }
        fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
            match self {
                Self::List => {
                    let sums = Sums { md5: [0; 16], sha1: [0; 20], sha256: [0; 32] };
                    let content = Content { size: 0, mode: 0, uid: 0, gid: 0, sums };
                    out.fact(Fact::Content(Box::new(content)));
                }
                Self::Any if file.content.len() < 3 => {}
                Self::Any | Self::Packages => out.package(Package::new(PackageKind::Generic, file.path, "1")),
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(96))]

        /// Whatever replaces whatever: what is spent is what there is in the end, as long as there is enough.
        #[test]
        fn what_is_spent_is_what_is_kept(
            entries in proptest::collection::vec((0_u8..7, 0_usize..7, 0_usize..7, 0_usize..5), 0..60),
            enough: bool,
        ) {
            const PATHS: [&str; 7] = ["a/package", "a", "b", "b/package", "b/c", "b/c/package", "d"];
            let tree = entries.into_iter().fold(Tree::new(), |tree, (kind, path, other, len)| {
                let (path, other) = (PATHS[path], PATHS[other]);
                match kind {
                    0..=2 => tree.file(path, "x".repeat(len)),
                    3 => tree.hard_link(path, other),
                    4 => tree.folder(path),
                    5 => tree.symlink(path, other),
                    _ => tree.whiteout(path),
                }
            });
            let matcher = Matcher::new([&Kind::Packages as &dyn Analyzer, &Kind::List, &Kind::Any]);
            let most = if enough { 1 << 20 } else { 2000 };
            let limits = Limits {
                facts: MemoryBudget::new(1 << 20),
                file_list: MemoryBudget::new(most),
                ..Limits::new(PathBuf::new())
            };
            let (analysis, links) = analyze_layer(&tree.tar()[..], None, &matcher, &limits).unwrap();
            let pass = Pass::new(&matcher, &limits);
            let mut spent = PathCost::default();
            for (path, target) in &analysis.symlinks {
                spent.facts += limits::symlink_cost(path, target);
            }
            let mut paths: Vec<&String> = analysis.files.keys().chain(links.by_path.keys()).collect();
            paths.sort();
            paths.dedup();
            for path in paths {
                let said = analysis.files.get(path).map(Vec::as_slice).unwrap_or_default();
                let waiting = links.by_path.get(path).map(|link| pass.cost_of_waiting(path, &link.analyzers));
                let cost = PathCost::of_file(path, said).or(waiting.unwrap_or_default());
                spent = PathCost { facts: spent.facts + cost.facts, file_list: spent.file_list + cost.file_list };
            }
            let left = (1 << 20) - spent.facts;
            prop_assert!(limits.facts.has(left) && !limits.facts.has(left + 1), "{:?} {:?}", spent, limits.facts);
            prop_assert!(spent.file_list <= most);
            let left = most - spent.file_list;
            prop_assert!(
                limits.file_list.has(left) && !limits.file_list.has(left + 1), "{:?} {:?}", spent, limits.file_list
            );
        }
    }
}
