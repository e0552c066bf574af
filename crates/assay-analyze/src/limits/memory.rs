//! The memory that what is found may take: who may take how much of it, and what one thing costs.
//!
//! All layers draw on one budget, so that the total is bounded. A part of it is set aside for each layer: a hostile layer can
//! use up what is common, never what another one needs to say the little it has to say. Of its own part a layer keeps a
//! quarter for files that say little, so that one file cannot silence those behind it.

use super::Limits;
use crate::facts::{Cover, Fact, FileAnalysis, LayerAnalysis};
use assay_model::contents::Sum;
use assay_model::{Detection, FileEntry, Observation, Package};
use std::mem::size_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The memory that one kind of thing may take, shared by all layers of a scan.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    limit: u64,
    /// What is left for whoever asks first.
    common: Arc<AtomicU64>,
    /// What is left for this layer alone.
    own: Arc<AtomicU64>,
    /// Of that, what only files may take that say little.
    modest: u64,
}

/// The part of a budget that is set aside for single layers: an eighth. Honest images have one large layer and many small ones.
const SET_ASIDE: u64 = 8;

/// What a file may cost in all that says little, in bytes: three packages or so.
const LITTLE: u64 = 8 << 10;

impl MemoryBudget {
    /// Allows `limit` bytes, as [`cost`] and the marks of a layer count them.
    pub fn new(limit: u64) -> Self {
        Self { limit, common: Arc::new(AtomicU64::new(limit)), own: Arc::default(), modest: 0 }
    }

    /// Returns the number of bytes allowed.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Returns the budgets of a number of layers: each has a part of its own besides what is common.
    pub(crate) fn among(&self, layers: usize) -> impl Iterator<Item = Self> {
        let count = bytes(layers).max(1);
        let each =
            (self.limit / SET_ASIDE).checked_div(count).filter(|each| take(&self.common, each * count, 0));
        let each = each.unwrap_or(0);
        let (limit, common) = (self.limit, Arc::clone(&self.common));
        std::iter::repeat_with(move || Self {
            limit,
            common: Arc::clone(&common),
            own: Arc::new(AtomicU64::new(each)),
            modest: each / 4,
        })
        .take(layers)
    }

    /// Takes `more` bytes for something that has `before` already; false when that is too much.
    pub(crate) fn spend(&self, more: u64, before: u64) -> bool {
        take(&self.common, more, 0) || take(&self.own, more, self.kept_from(more, before))
    }

    /// Takes `bytes` of what is common. Where there is as much, [`MemoryBudget::spend`] would have taken the same, bit by bit.
    pub(crate) fn spend_common(&self, bytes: u64) -> bool {
        take(&self.common, bytes, 0)
    }

    /// Returns whether [`MemoryBudget::spend_common`] would take `bytes`.
    pub(crate) fn has_common(&self, bytes: u64) -> bool {
        self.common.load(Ordering::Relaxed) >= bytes
    }

    /// Takes `bytes` for one of many things that are not worth what is kept for files that say little.
    pub(crate) fn spend_plenty(&self, bytes: u64) -> bool {
        self.spend(bytes, LITTLE)
    }

    /// Returns whether [`MemoryBudget::spend`] would take `more` bytes for something new.
    pub(crate) fn has(&self, more: u64) -> bool {
        let enough = |left: &AtomicU64, keep: u64| left.load(Ordering::Relaxed) >= more.saturating_add(keep);
        enough(&self.common, 0) || enough(&self.own, self.kept_from(more, 0))
    }

    fn kept_from(&self, more: u64, before: u64) -> u64 {
        if before.saturating_add(more) <= LITTLE { 0 } else { self.modest }
    }

    /// Gives back bytes of what was found and is not kept.
    pub(crate) fn give_back(&self, bytes: u64) {
        self.common.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Takes `bytes` of what is left if as much as `keep` stays.
fn take(left: &AtomicU64, bytes: u64, keep: u64) -> bool {
    let rest = |left: u64| left.checked_sub(bytes).filter(|rest| *rest >= keep);
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, rest).is_ok()
}

/// What a map's entry and its allocation cost besides the text.
pub(crate) const ENTRY: u64 = 64;

/// What a file costs about which something was said, besides the facts: its entries here and in the overlay, and lists that
/// allocate for four where they hold one (measured: 3.6 KB in all for each of a million `package.json` files).
pub(crate) const FILE: u64 = 832;

/// The same of a file of which only the list of files speaks: one fact and no list that has room for more.
const LISTED: u64 = 384;

fn bytes(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// Returns about how many bytes of memory a text of that length takes with what refers to it.
pub(crate) fn text_cost(text: &str) -> u64 {
    bytes(size_of::<String>()).saturating_add(bytes(text.len()))
}

/// Returns about how many bytes of memory a fact takes.
pub fn cost(fact: &Fact) -> u64 {
    let list = |texts: &[String]| texts.iter().map(|text| text_cost(text)).sum::<u64>();
    let own = match fact {
        Fact::Package(package) => package_cost(package),
        Fact::Os { os, .. } => text_cost(&os.id).saturating_add(text_cost(&os.name)),
        Fact::OwnedFiles { package, files, .. } => text_cost(package)
            .saturating_add(files.iter().map(|path| bytes(path.len().saturating_add(4))).sum()),
        Fact::Licenses { package, licenses, .. } => text_cost(package).saturating_add(list(licenses)),
        Fact::Leftover { .. } => 0,
        Fact::Detection(detection) => {
            let details = detection.details.iter().map(|detail| text_cost(&detail.value));
            let texts = [&detection.path, &detection.subject].map(|text| text_cost(text));
            details.chain(texts).fold(bytes(size_of::<Detection>()), u64::saturating_add)
        }
        Fact::Observation(observation) => {
            let details = observation.details.iter().map(|detail| text_cost(&detail.value));
            details.fold(bytes(size_of::<Observation>()), u64::saturating_add)
        }
        // It stays until the end, with its path, as a file of the inventory.
        Fact::Content(_) => bytes(size_of::<FileEntry>()),
        Fact::Installed { package, files, .. } => {
            let entry = size_of::<(String, Option<Sum>)>();
            let files = files.iter().map(|(path, _)| bytes(path.len().saturating_add(entry)));
            files.fold(text_cost(package), u64::saturating_add)
        }
        Fact::Code(code) => {
            let asks = bytes(code.asks.len().saturating_mul(size_of::<crate::code::Ask>()));
            asks.saturating_add(code.asks.iter().map(ask_text).sum()).saturating_add(ENTRY)
        }
    };
    own.saturating_add(bytes(size_of::<Fact>()))
}

fn ask_text(ask: &crate::code::Ask) -> u64 {
    use crate::code::Ask;
    match ask {
        Ask::Interpreter(text, words) => {
            bytes(text.len()).saturating_add(words.iter().map(|word| text_cost(word)).sum())
        }
        Ask::Library(text)
        | Ask::Rpath(text)
        | Ask::Runpath(text)
        | Ask::SearchPath(text)
        | Ask::Import(text)
        | Ask::Entry(text)
        | Ask::Include(text)
        | Ask::Run(text)
        | Ask::Maybe(_, text) => bytes(text.len()),
        Ask::Command(words) => words.iter().map(|word| text_cost(word)).sum(),
        Ask::Dynamic(_) | Ask::Processor(..) => 0,
    }
}

/// What a package takes later, besides what it is: its names as keys while packages are connected and judged, its place in
/// the report (measured: 280,000 packages took 480 MB).
const PACKAGE: u64 = 1024;

fn package_cost(package: &Package) -> u64 {
    let texts = [&package.licenses, &package.provides, &package.requires, &package.contains];
    let lists: u64 = texts.into_iter().flatten().map(|text| text_cost(text)).sum();
    let options = [&package.namespace, &package.architecture, &package.module, &package.vendor];
    let options: u64 = options.into_iter().flatten().map(|text| bytes(text.len())).sum();
    let source = package.source.as_ref().map_or(0, |source| bytes(source.name.len() + source.version.len()));
    let places: u64 = package.locations.iter().map(|place| text_cost(&place.path)).sum();
    let names = bytes(package.name.len() + package.version.len());
    bytes(size_of::<Package>()) + PACKAGE + lists + options + source + places + names
}

/// What one mark of a layer costs: the key of a path.
pub(crate) const MARK: u64 = 16;

/// Returns about how many bytes of memory it takes to remember that a path was looked at.
pub(crate) fn path_cost(path: &str) -> u64 {
    text_cost(path).saturating_add(FILE)
}

/// Returns about how many bytes of memory a path takes in the list of files; it is there twice while layers are laid over each other.
pub(crate) fn listed_path_cost(path: &str) -> u64 {
    text_cost(path).saturating_mul(2).saturating_add(LISTED)
}

/// What is said about a path takes from two budgets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PathCost {
    pub(crate) facts: u64,
    pub(crate) file_list: u64,
}

impl PathCost {
    /// Returns what the path itself costs.
    pub(crate) fn of_path(path: &str, facts: bool, listed: bool) -> Self {
        Self {
            facts: if facts { path_cost(path) } else { 0 },
            file_list: if listed { listed_path_cost(path) } else { 0 },
        }
    }

    /// Returns about how many bytes of memory a path takes with all that was said about it.
    pub(crate) fn of_file(path: &str, said: &[FileAnalysis]) -> Self {
        let is_list = FileAnalysis::is_file_list;
        let mut sum = Self::of_path(path, !said.iter().all(is_list), said.iter().any(is_list));
        for analysis in said {
            let to = if is_list(analysis) { &mut sum.file_list } else { &mut sum.facts };
            *to = analysis.said.facts.iter().map(cost).fold(*to, u64::saturating_add);
        }
        sum
    }

    /// Returns the larger of each.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { facts: self.facts.max(other.facts), file_list: self.file_list.max(other.file_list) }
    }

    fn add(self, other: Self) -> Self {
        Self {
            facts: self.facts.saturating_add(other.facts),
            file_list: self.file_list.saturating_add(other.file_list),
        }
    }
}

impl Limits {
    /// Returns the memory of the list of files, or of everything else that is found.
    pub(crate) fn memory(&self, listing: bool) -> &MemoryBudget {
        if listing { &self.file_list } else { &self.facts }
    }

    pub(crate) fn give_back(&self, cost: PathCost) {
        self.facts.give_back(cost.facts);
        self.file_list.give_back(cost.file_list);
    }
}

impl FileAnalysis {
    /// Returns whether it belongs to the list of files.
    pub(crate) fn is_file_list(&self) -> bool {
        let listed = |fact: &Fact| matches!(fact, Fact::Content(_) | Fact::Installed { .. });
        !self.said.facts.is_empty() && self.said.facts.iter().all(listed)
    }
}

/// Returns about how many bytes of memory a symbolic link takes.
pub(crate) fn symlink_cost(path: &str, target: &str) -> u64 {
    text_cost(path).saturating_add(text_cost(target)).saturating_add(ENTRY)
}

impl Cover {
    /// Returns about how many bytes of memory it takes.
    pub(crate) fn cost(&self) -> u64 {
        bytes(self.len()).saturating_mul(MARK)
    }
}

impl LayerAnalysis {
    fn cost(&self) -> PathCost {
        let files = self.files.iter().map(|(path, said)| PathCost::of_file(path, said));
        let links = self.symlinks.iter().map(|(path, target)| symlink_cost(path, target));
        let links = PathCost { facts: links.fold(0, u64::saturating_add), file_list: 0 };
        files.fold(links, PathCost::add)
    }

    /// Takes from the budgets what reading the layer would have taken, and leaves out, with a warning, what does not fit.
    pub fn fit(&mut self, limits: &Limits) {
        let (marks, cost) = (self.cover.cost(), self.cost());
        if limits.marks.spend(marks, 0) {
            if limits.facts.spend(cost.facts, 0) {
                if limits.file_list.spend(cost.file_list, 0) {
                    return;
                }
                limits.facts.give_back(cost.facts);
            }
            limits.marks.give_back(marks);
        }
        let warnings = std::mem::take(&mut self.warnings);
        *self = self.within(limits);
        self.warnings.splice(0..0, warnings);
    }

    /// Returns a copy for another place in the image, as far as it fits: it takes memory again. What the layer itself is warned
    /// of is not repeated.
    #[must_use]
    pub fn within(&self, limits: &Limits) -> Self {
        let mut copy = Self {
            diff_id: self.diff_id,
            repeatable: self.repeatable,
            symlinks_left_out: self.symlinks_left_out,
            entries: self.entries,
            unpacked_size: self.unpacked_size,
            ..Self::default()
        };
        if limits.marks.spend(self.cover.cost(), 0) {
            copy.cover = self.cover.clone();
        } else {
            copy.warnings.push(limits.too_many_marks());
        }
        let (mut cut, mut list_cut) = (false, false);
        for (path, said) in &self.files {
            let cost = PathCost::of_file(path, said);
            let facts = limits.facts.spend(cost.facts, 0);
            let listed = limits.file_list.spend(cost.file_list, 0);
            (cut, list_cut) = (cut || !facts, list_cut || !listed);
            let fits = |analysis: &&FileAnalysis| if analysis.is_file_list() { listed } else { facts };
            let said: Vec<FileAnalysis> = said.iter().filter(fits).cloned().collect();
            if !said.is_empty() {
                copy.files.insert(path.clone(), said);
            }
            // Adding up what a million files cost of which none fits takes its time, too.
            if cut && !limits.facts.has(path_cost("")) {
                break;
            }
        }
        for (path, target) in &self.symlinks {
            if !limits.facts.spend_plenty(symlink_cost(path, target)) {
                cut = true;
                copy.symlinks_left_out = true;
                break;
            }
            copy.symlinks.insert(path.clone(), target.clone());
        }
        if cut {
            copy.warnings.push(limits.too_many_facts(None));
        }
        if list_cut {
            copy.warnings.push(limits.too_many_files());
        }
        copy.repeatable &= copy.warnings.is_empty();
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_model::PackageKind;

    #[test]
    fn facts_are_counted_by_all_clones() {
        let budget = MemoryBudget::new(100);
        assert!(budget.clone().spend(60, 0));
        assert!(!budget.spend(41, 0));
        assert!(budget.spend(40, 0));
        budget.give_back(40);
        assert!(budget.has(40) && !budget.has(41));
    }

    #[test]
    fn a_greedy_layer_leaves_the_others_their_part() {
        let budget = MemoryBudget::new(8 << 20);
        let [greedy, other]: [MemoryBudget; 2] = budget.among(2).collect::<Vec<_>>().try_into().unwrap();
        let mut taken = 0;
        while greedy.spend(1000, taken) {
            taken += 1000;
        }
        // Seven eighths are common, a sixteenth is its own, of which a quarter is kept for files that say little.
        assert!((7 << 20) + (380 << 10) < taken && taken < (7 << 20) + (385 << 10), "{taken}");
        assert!(!greedy.has(LITTLE + 1) && greedy.spend(LITTLE, 0) && !greedy.spend(1000, LITTLE));
        assert!(other.spend(380 << 10, 0) && !other.spend(10 << 10, 0));
        let little = std::iter::repeat_with(|| other.spend(LITTLE, 0)).take_while(|spent| *spent).count();
        assert_eq!(little, 16);
        greedy.give_back(taken);
        assert!(other.spend(taken, 0), "what one does not keep, others may have");
    }

    #[test]
    fn what_is_long_costs_more() {
        let package = |name: &str| Fact::Package(Box::new(Package::new(PackageKind::Npm, name, "1")));
        let (short, long) = (cost(&package("a")), cost(&package(&"a".repeat(10_000))));
        assert!(short >= bytes(size_of::<Package>()) && long >= short + 9_999);
    }
}
