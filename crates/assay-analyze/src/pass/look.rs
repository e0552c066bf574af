//! Analyzers at work on one file, on whichever thread.

use crate::analyzer::{Analyzer, File, LeftOut, Sink};
use crate::facts::{LayerFacts, PathFacts};
use crate::limits::{Expansion, Limits};
use crate::matcher::Matcher;
use assay_model::Warning;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What one analyzer said about a file.
pub(super) struct Said {
    /// Its number.
    pub(super) analyzer: usize,
    /// What it said.
    pub(super) said: PathFacts,
    /// What the facts have taken, and of which memory.
    pub(super) cost: u64,
    pub(super) listing: bool,
    /// What is missing in it.
    pub(super) left_out: LeftOut,
    /// How many warnings of which code were not kept, and whether they leave something unscanned.
    pub(super) unsaid: Vec<(&'static str, u64, bool)>,
}

/// Has analyzers look at a file.
pub(super) fn look(
    file: &File<'_>,
    analyzers: &[usize],
    matcher: &Matcher<'_>,
    limits: &Limits,
    expansion: &Expansion,
) -> Vec<Said> {
    let wanted = analyzers.iter().filter_map(|index| Some((*index, *matcher.analyzers().get(*index)?)));
    wanted.map(|(index, analyzer)| said_by(index, analyzer, file, limits, expansion)).collect()
}

/// Runs one analyzer. That it panics would be a bug; it must not take the rest of the scan with it.
fn said_by(
    index: usize,
    analyzer: &dyn Analyzer,
    file: &File<'_>,
    limits: &Limits,
    expansion: &Expansion,
) -> Said {
    let mut facts = LayerFacts::default();
    let listing = analyzer.lists_files();
    let mut sink = Sink::within(file.path, &mut facts, limits, expansion, listing);
    let ended = catch_unwind(AssertUnwindSafe(|| analyzer.analyze(file, &mut sink)));
    let (cost, left_out, unsaid) = (sink.cost, sink.left_out, sink.unsaid().collect());
    let mut said = facts.paths.remove(file.path).unwrap_or_default();
    if ended.is_err() {
        let message = format!("the analyzer `{}` failed on it; please report this", analyzer.id().name);
        said.warnings.push(Warning::unscanned("analyzer-failed", Some(file.path), message));
    }
    Said { analyzer: index, said, cost, listing, left_out, unsaid }
}
