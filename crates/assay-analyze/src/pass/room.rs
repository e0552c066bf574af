//! What a pass may still keep: what was said, marks and warnings.
//!
//! What an entry replaces is given back, so that only what is there in the end counts. Where there is no more memory for what
//! is said, a layer is still read for its marks; where there is none for marks, for what is said.

use super::Pass;
use crate::analyzer::LeftOut;
use crate::cover::path_key;
use crate::facts::Cover;
use crate::limits::{self, MARK};
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
    /// Returns whether there is memory to look at a file; says so when there is none.
    pub(super) fn has_room(&mut self, path: &str) -> bool {
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

    /// Notes that there would be more on another day.
    pub(super) fn note(&mut self, left_out: LeftOut) {
        self.hindered |= left_out.facts || left_out.expansion;
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
        if let Some(said) = self.out.files.remove(path) {
            self.limits.facts.give_back(limits::file_cost(path, &said));
        } else if link.is_some() {
            self.limits.facts.give_back(limits::path_cost(path));
        }
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
        let facts = &self.limits.facts;
        self.out.files.retain(|path, all| {
            all.retain(|one| !one.said.facts.is_empty() || !one.said.warnings.is_empty());
            if all.is_empty() {
                facts.give_back(limits::path_cost(path));
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
