//! One pass for the literals of all rules: where in a text could a rule match?
//!
//! Literals are searched in groups of at most 64 with Teddy, which is some ten times as fast as one automaton for all. The shortest
//! literal of a group decides how selective its fingerprints are, so that those below four bytes are searched one by one.

use aho_corasick::packed;
use aho_corasick::{AhoCorasick, MatchKind};
use memchr::memmem;

/// The least bytes of a literal in a group.
const LEAST: usize = 4;
/// The most literals that Teddy takes.
const GROUP: usize = 64;

/// The literals of rules, ready to be searched.
pub(crate) struct Literals {
    groups: Vec<Group>,
}

struct Group {
    searcher: Searcher,
    /// By the number of the literal: the rules to try where it stands.
    rules: Vec<Vec<usize>>,
}

enum Searcher {
    Packed(packed::Searcher),
    /// A single one.
    One(Box<memmem::Finder<'static>>),
    /// For processors without the instructions.
    Automaton(AhoCorasick),
}

impl Literals {
    /// Compiles pairs of a literal and the index of its rule.
    pub(crate) fn new(literals: &[(&'static str, usize)]) -> Self {
        let mut texts: Vec<&'static str> = literals.iter().map(|(text, _)| *text).collect();
        texts.sort_unstable_by_key(|text| (std::cmp::Reverse(text.len()), *text));
        texts.dedup();
        let long = texts.partition_point(|text| text.len() >= LEAST);
        let (long, short) = texts.split_at(long);
        let groups = long.chunks(GROUP).chain(short.chunks(1)).filter_map(|texts| {
            let searcher = Searcher::new(texts)?;
            // Only one literal is reported at a place, the longest; the rules of those it starts with are tried there as well.
            let rules_at = |found: &str| {
                let mut rules: Vec<usize> = literals
                    .iter()
                    .filter(|(text, _)| found.starts_with(text) || text.starts_with(found))
                    .map(|(_, rule)| *rule)
                    .collect();
                rules.sort_unstable();
                rules.dedup();
                rules
            };
            Some(Group { searcher, rules: texts.iter().map(|text| rules_at(text)).collect() })
        });
        Self { groups: groups.collect() }
    }

    /// Calls `found` with each place and the rules to try there.
    pub(crate) fn search(&self, text: &[u8], mut found: impl FnMut(usize, &[usize])) {
        for group in &self.groups {
            let mut at = |literal: usize, start: usize| {
                if let Some(rules) = group.rules.get(literal) {
                    found(start, rules);
                }
            };
            match &group.searcher {
                Searcher::Packed(searcher) => {
                    searcher.find_iter(text).for_each(|found| at(found.pattern().as_usize(), found.start()));
                }
                Searcher::One(finder) => finder.find_iter(text).for_each(|start| at(0, start)),
                Searcher::Automaton(searcher) => {
                    searcher.find_iter(text).for_each(|found| at(found.pattern().as_usize(), found.start()));
                }
            }
        }
    }
}

impl Searcher {
    fn new(texts: &[&'static str]) -> Option<Self> {
        if let [one] = texts {
            return Some(Self::One(Box::new(memmem::Finder::new(*one))));
        }
        let packed = packed::Config::new()
            .match_kind(packed::MatchKind::LeftmostLongest)
            .builder()
            .extend(texts)
            .build();
        match packed {
            Some(searcher) => Some(Self::Packed(searcher)),
            None => AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(texts)
                .ok()
                .map(Self::Automaton),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_literal_is_found_with_the_rules_of_its_prefixes() {
        let literals = Literals::new(&[("sk-a", 0), ("sk-abc", 1), ("xoxb-", 2), ("sk-a", 3)]);
        let mut found = Vec::new();
        literals.search(b"a sk-abc, xoxb-1 and sk-ax", |at, rules| found.push((at, rules.to_vec())));
        assert_eq!(found, [(2, vec![0, 1, 3]), (10, vec![2]), (21, vec![0, 1, 3])]);
    }

    #[test]
    fn more_literals_than_a_group_holds_are_all_found() {
        let texts: Vec<String> = (0..300).map(|number| format!("<{number:03}>")).collect();
        let literals: Vec<(&'static str, usize)> =
            texts.iter().enumerate().map(|(index, text)| (&*text.clone().leak(), index)).collect();
        let mut found = Vec::new();
        Literals::new(&literals).search(texts.concat().as_bytes(), |_, rules| found.extend_from_slice(rules));
        found.sort_unstable();
        assert_eq!(found, (0..300).collect::<Vec<_>>());
    }
}
