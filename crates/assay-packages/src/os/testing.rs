//! Runs one analyzer on one file, for the tests of this folder.

use assay_analyze::{Analyzer, Fact, File, LayerFacts, PathFacts, Sink};
use assay_model::Package;

/// Returns what `analyzer` says about a file with this content.
pub(super) fn analyze(analyzer: &dyn Analyzer, path: &str, content: &[u8]) -> PathFacts {
    let mut facts = LayerFacts::default();
    analyzer.analyze(&File::new(path, 0o644, &content), &mut Sink::new(path, &mut facts));
    facts.paths.remove(path).unwrap_or_default()
}

/// Returns the packages among these facts.
pub(super) fn packages(facts: &PathFacts) -> Vec<&Package> {
    facts
        .facts
        .iter()
        .filter_map(|fact| if let Fact::Package(package) = fact { Some(&**package) } else { None })
        .collect()
}

/// Returns the warnings' codes.
pub(super) fn codes(facts: &PathFacts) -> Vec<&str> {
    facts.warnings.iter().map(|warning| &*warning.code).collect()
}

/// Returns the owned files by package.
pub(super) fn owned(facts: &PathFacts) -> Vec<(&str, Vec<&str>)> {
    let mut owned = Vec::new();
    for fact in &facts.facts {
        if let Fact::OwnedFiles { package, files, .. } = fact {
            owned.push((package.as_str(), files.iter().collect()));
        }
    }
    owned
}
