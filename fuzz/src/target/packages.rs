//! Every analyzer, walked as the list that scans use.
//!
//! The first byte of an input chooses the path under which the rest is shown to the analyzer: some read more than one kind of
//! file, and some take a name or version from the path.

use super::{choice, chosen};
use crate::{Target, seed};
use assay_analyze::{Analyzer, File, LayerFacts, Matcher, Select, Sink};

pub(super) fn targets() -> Vec<Target> {
    assay_engine::analyzers(&assay_model::FindingKind::ALL)
        .chain(assay_engine::deep_analyzers())
        .map(|analyzer| {
            let name = format!("analyzer-{}", analyzer.id().name);
            let paths = paths(analyzer);
            let known = paths.clone();
            Target::new(
                name,
                move || seeds(analyzer, &known),
                move |data| {
                    let (number, content) = choice(data);
                    analyze(analyzer, &paths[number % paths.len()], content)
                },
            )
        })
        .collect()
}

fn analyze(analyzer: &'static dyn Analyzer, path: &str, content: &[u8]) -> LayerFacts {
    let mut facts = LayerFacts::default();
    let file = File::new(path, 0o755, &content);
    analyzer.analyze(&file, &mut Sink::new(path, &mut facts));
    facts
}

/// Returns a path for every way in which the analyzer selects files, then those of the samples it wants.
fn paths(analyzer: &'static dyn Analyzer) -> Vec<String> {
    let mut paths: Vec<String> = analyzer
        .select()
        .iter()
        .map(|select| match select {
            Select::Name(name) => format!("srv/app/{name}"),
            Select::NameAffixes(start, end) => format!("srv/app/{start}-1.2{end}"),
            Select::Path(path) => (*path).to_owned(),
            Select::Suffix(suffix) => format!("srv/lib/name-1.2.3{suffix}"),
            Select::Link(folder) => format!("{folder}name.wants/name.service"),
            Select::Under(folder, suffix) => format!("{folder}name-1.2-3{suffix}"),
            Select::Within(folder, suffix) => format!("srv/{folder}name-1.2.3{suffix}"),
            Select::Magic(_) | Select::Mode(_) | Select::Capabilities => "usr/bin/program".to_owned(),
            // A user's own file, in which most is looked for.
            Select::Any => "srv/app/settings.conf".to_owned(),
        })
        .collect();
    paths.extend(samples(analyzer).map(|(path, _)| path));
    paths.dedup();
    paths.truncate(usize::from(u8::MAX));
    paths
}

/// Returns the samples that the analyzer selects.
fn samples(analyzer: &'static dyn Analyzer) -> impl Iterator<Item = (String, Vec<u8>)> {
    let matcher = Matcher::new([analyzer]);
    seed::package_files().into_iter().filter(move |(path, content)| {
        let mut found = Vec::new();
        matcher.by_path(path, &mut found);
        matcher.by_magic(content, &mut found);
        !found.is_empty()
    })
}

fn seeds(analyzer: &'static dyn Analyzer, paths: &[String]) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = samples(analyzer)
        .filter_map(|(path, content)| Some(chosen(paths.iter().position(|known| *known == path)?, &content)))
        .collect();
    seeds.extend(seed::any_text().iter().map(|text| chosen(0, text.as_bytes())));
    seeds
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Analyzers may come without a sample of their own; a sample that none of them understands is a mistake.
    #[test]
    fn every_sample_says_something() {
        let matcher = Matcher::new(assay_engine::analyzers(&assay_model::FindingKind::ALL));
        let mut wrong = Vec::new();
        for (path, content) in seed::package_files() {
            let mut found = Vec::new();
            matcher.by_path(&path, &mut found);
            matcher.by_magic(&content, &mut found);
            let said =
                |index: &usize| !analyze(matcher.analyzers()[*index], &path, &content).paths.is_empty();
            // Programs for other systems have nothing in them but their headers.
            let bare = path.ends_with("program.exe") || path.ends_with("mac-program");
            if !bare && !found.iter().any(said) {
                wrong.push(path.clone());
            }
        }
        assert!(wrong.is_empty(), "nothing is said about {wrong:?}");
    }
}
