//! Test helper: runs one analyzer on one file and renders what it says, a line each.

use assay_analyze::{Analyzer, Fact, File, LayerFacts, Sink};
use assay_model::{Origin, Package};
use proptest::prelude::*;

/// Runs `analyzer` on `content` and compares its packages and warnings with `expected`.
pub(crate) fn check(analyzer: &dyn Analyzer, path: &str, content: &[u8], expected: &str) {
    let mut lines: Vec<String> = Vec::new();
    for facts in run(analyzer, path, content).paths.values() {
        lines.extend(facts.warnings.iter().map(|warning| format!("! {}\n", warning.code)));
        lines.extend(facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(line(package)),
            _ => None,
        }));
    }
    assert_eq!(lines.concat(), expected, "{path}");
}

/// Returns everything `analyzer` says about a file.
pub(crate) fn run(analyzer: &dyn Analyzer, path: &str, content: &[u8]) -> LayerFacts {
    let mut facts = LayerFacts::default();
    analyzer.analyze(&File::new(path, 0o644, &content), &mut Sink::new(path, &mut facts));
    facts
}

/// Feeds arbitrary bytes and text to `analyzer`.
pub(crate) fn check_total(analyzer: &dyn Analyzer, path: &str) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) };
    proptest!(config, |(bytes in prop::collection::vec(any::<u8>(), 0..256), text in "[a-z0-9@:/.,\"'{}()\\[\\]=;\\\\ \n#-]{0,160}")| {
        run(analyzer, path, &bytes);
        run(analyzer, path, text.as_bytes());
    });
}

fn line(package: &Package) -> String {
    let declared = if package.origin == Origin::Declared { "~ " } else { "" };
    let mut line = format!("{declared}{} {}", package.full_name(), package.version);
    if !package.licenses.is_empty() {
        line.push_str(&format!(" [{}]", package.licenses.join("; ")));
    }
    if !package.requires.is_empty() {
        line.push_str(&format!(" -> {}", package.requires.join(", ")));
    }
    line + "\n"
}
