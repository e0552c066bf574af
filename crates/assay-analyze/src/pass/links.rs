//! Hard links: what was said of a file is said of its other names, by the analyzers that those ask for.

use super::{AnalyzeLayerError, Pass, path_cost};
use crate::facts::{Fact, LayerAnalysis, PathFacts};
use crate::limits::{self, Limits, PathCost};
use crate::matcher::Matcher;
use assay_model::Warning;
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

/// Facts that a file says that says little.
const FEW_FACTS: usize = 8;

/// Hard links to files that were not kept, whose names ask for an analysis that the target's name did not.
///
/// The layer has to be read again for these; that never happens in images made by ordinary tools.
#[derive(Debug, Default)]
pub struct UnresolvedLinks {
    pub(super) by_path: BTreeMap<String, UnresolvedLink>,
}

#[derive(Debug)]
pub(super) struct UnresolvedLink {
    pub(super) target: String,
    /// The analyzers that want the link and have not seen the target.
    pub(super) analyzers: Vec<usize>,
    /// The number of the link's entry: the target is what had its name before.
    pub(super) entry: u64,
}

impl UnresolvedLinks {
    /// Returns whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }
}

/// Reads a layer a second time, for hard links left over from the first.
///
/// # Errors
/// Fails as [`analyze_layer`] does.
pub fn resolve_links(
    reader: impl Read + Send,
    links: &UnresolvedLinks,
    analysis: &mut LayerAnalysis,
    matcher: &Matcher<'_>,
    limits: &Limits,
) -> Result<(), AnalyzeLayerError> {
    let mut by_target: LinksByTarget<'_> = HashMap::new();
    for (path, link) in &links.by_path {
        by_target.entry(&link.target).or_default().push((path, link));
    }
    let mut pass = Pass::new(matcher, limits);
    pass.walk(reader, Some(&by_target))?;
    let given_up = pass.full || pass.list_full || limits.stop.is_raised();
    for (path, link) in &links.by_path {
        if !given_up && !pass.out.files.contains_key(path) {
            let message = format!("it is a hard link to `{}`, which this layer does not have", link.target);
            pass.warn(Warning::unscanned("unresolved-link", Some(path), message));
        }
    }
    let hindered = pass.is_hindered();
    let found = pass.finish().0;
    analysis.repeatable &= !hindered;
    for (path, said) in found.files {
        analysis.files.entry(path).or_default().extend(said);
    }
    // The second reading says again what the first said about the layer itself.
    let new: Vec<Warning> =
        found.warnings.into_iter().filter(|warning| !analysis.warnings.contains(warning)).collect();
    analysis.warnings.extend(new);
    Ok(())
}

pub(super) type LinksByTarget<'a> = HashMap<&'a str, Vec<(&'a str, &'a UnresolvedLink)>>;

impl Pass<'_> {
    /// Gives a hard link what was said about its target, by the analyzers that want the link, too.
    pub(super) fn hard_link(&mut self, path: &str, target: &str) {
        self.catch_up_with(target);
        let mut found = std::mem::take(&mut self.found);
        self.matcher.by_path(path, &mut found);
        self.without_lists(&mut found);
        // A link to a link that waits for the second reading waits for the same file.
        let waiting = self.links.by_path.get(target).map(|link| link.target.clone());
        let said = self.out.files.get(target).map(Vec::as_slice).unwrap_or_default();
        let index_of =
            |name: &str| self.matcher.analyzers().iter().position(|analyzer| analyzer.id().name == name);
        let mut copies = Vec::new();
        let mut cost = PathCost::default();
        let mut full = false;
        let mut list_full = self.list_full;
        for analysis in said {
            let Some(index) = index_of(analysis.analyzer) else { continue };
            let listed = analysis.is_file_list();
            // Where there was no room for one, adding up what each of a million links would cost takes too long.
            if self.full && !listed && analysis.said.facts.len() > FEW_FACTS {
                full = true;
                break;
            }
            let wanted = found.contains(&index) || self.matcher.selects_by_magic(index);
            found.retain(|wanted| *wanted != index);
            if !wanted || (listed && list_full) {
                continue;
            }
            let memory = self.limits.memory(listed);
            let before = if listed { cost.file_list } else { cost.facts };
            let mut more = 0_u64;
            let fits = analysis.said.facts.iter().map(limits::cost).all(|one| {
                let fits = memory.spend(one, before.saturating_add(more));
                more = more.saturating_add(if fits { one } else { 0 });
                fits
            });
            *(if listed { &mut cost.file_list } else { &mut cost.facts }) = before.saturating_add(more);
            if !fits && !listed {
                full = true;
                break;
            }
            if !fits {
                memory.give_back(more);
                cost.file_list = before;
                list_full = true;
                continue;
            }
            let mut copy = analysis.clone();
            relocate(&mut copy.said, target, path);
            copies.push(copy);
        }
        let mut of_path = self.cost_of_waiting(path, &found);
        if !copies.is_empty() {
            of_path = of_path.or(self::path_cost(path, &copies));
        }
        full |= of_path.facts > 0 && !self.limits.facts.spend(of_path.facts, cost.facts);
        if !full && of_path.file_list > 0 && !self.limits.file_list.spend(of_path.file_list, cost.file_list) {
            list_full = true;
            self.limits.file_list.give_back(cost.file_list);
            copies.retain(|copy| !copy.is_file_list());
            found.retain(|index| !self.matcher.lists_files(*index));
        }
        if full {
            // A layer may have a million links to what there is no room for.
            copies.clear();
            self.limits.give_back(cost);
            self.no_room();
        } else if !found.is_empty() {
            let link = UnresolvedLink {
                target: waiting.unwrap_or_else(|| target.to_owned()),
                analyzers: found.clone(),
                entry: self.out.entries,
            };
            self.links.by_path.insert(path.to_owned(), link);
        }
        if list_full {
            self.no_room_in_list();
        }
        if !copies.is_empty() {
            self.out.files.insert(path.to_owned(), copies);
        }
        self.found = found;
    }
}

/// Makes facts about `from` be about `to`.
fn relocate(said: &mut PathFacts, from: &str, to: &str) {
    for fact in &mut said.facts {
        if let Fact::Package(package) = fact {
            for location in &mut package.locations {
                if let Some(rest) = location.path.strip_prefix(from) {
                    location.path = format!("{to}{rest}");
                }
            }
        }
    }
    for warning in &mut said.warnings {
        if warning.path.as_deref() == Some(from) {
            warning.path = Some(to.to_owned());
        }
    }
}
