//! `go.mod` ([reference](https://go.dev/ref/mod#go-mod-file)): what a module asks for.
//!
//! Since Go 1.17 the file lists every module of the build, also those that others bring along. A `replace` puts another
//! module in the place of one, for one version or all; a folder has no version, and is left out. The lines `go` and
//! `toolchain` are the least that is needed, not what will be used: they are no standard library.

use super::go_binary::is_folder;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};
use std::collections::HashMap;

/// `go.mod`.
pub(super) struct GoMod;

impl Analyzer for GoMod {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "go-mod", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("go.mod")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Go's module cache and vendor folders hold the `go.mod` of every module that was ever looked at.
        if file.path.contains("pkg/mod/") || file.path.contains("/vendor/") {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut required: Vec<(String, String)> = Vec::new();
        let mut replaced: HashMap<(String, String), (String, String)> = HashMap::new();
        let mut block = String::new();
        for line in text.lines() {
            let mut words = words(line);
            if words.first().is_some_and(|word| word == ")") {
                block.clear();
                continue;
            }
            let keyword = if block.is_empty() && !words.is_empty() { words.remove(0) } else { block.clone() };
            if words.first().is_some_and(|word| word == "(") {
                block = keyword;
                continue;
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            match (keyword.as_str(), words.as_slice()) {
                ("require", [path, version]) => required.push(((*path).to_owned(), (*version).to_owned())),
                ("replace", [path, rest @ ..]) => {
                    // Without a version, all are replaced.
                    let (version, rest) = match rest {
                        ["=>", rest @ ..] => ("", rest),
                        [version, "=>", rest @ ..] => (*version, rest),
                        _ => continue,
                    };
                    let by =
                        (rest.first().copied().unwrap_or_default(), rest.get(1).copied().unwrap_or_default());
                    replaced
                        .insert(((*path).to_owned(), version.to_owned()), (by.0.to_owned(), by.1.to_owned()));
                }
                _ => {}
            }
        }
        for (path, version) in required {
            let exact = replaced.get(&(path.clone(), version.clone()));
            let (path, version) = match exact.or_else(|| replaced.get(&(path.clone(), String::new()))) {
                Some((by, _)) if is_folder(by) => continue,
                Some((by, version)) => (by.clone(), version.clone()),
                None => (path, version),
            };
            let mut package = Package::new(PackageKind::Go, path, version);
            package.origin = Origin::Declared;
            out.package(package);
        }
    }
}

/// Splits a line into words, without comments and quotation marks.
fn words(line: &str) -> Vec<String> {
    let line = line.split_once("//").map_or(line, |(line, _)| line);
    line.split_whitespace().map(|word| word.trim_matches(['"', '`']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};
    use proptest::prelude::*;

    fn scan(text: &str) -> Vec<String> {
        let mut facts = LayerFacts::default();
        let bytes = text.as_bytes();
        let file = File::new("go.mod", 0o644, &bytes);
        GoMod.analyze(&file, &mut Sink::new("go.mod", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(format!("{} {}", package.name, package.version)),
            _ => None,
        });
        packages.collect()
    }

    #[test]
    fn requirements_are_read_and_replaced() {
        let text = "module example.com/a // why\n\ngo 1.21\ntoolchain go1.22.1\nrequire golang.org/x/net v0.16.0\nrequire (\n\
            \tgithub.com/b/c v1.0.0 // indirect\n\t\"github.com/d/e/v2\" v2.1.0+incompatible\n\tgithub.com/f/g v1.0.0\n\
            \tgithub.com/h/i v1.0.0\n)\nreplace github.com/b/c v1.0.0 => github.com/x/c v1.0.1\n\
            replace (\n\tgithub.com/f/g => ../g\n\tgithub.com/h/i v0.9.0 => github.com/h/i v0.9.1\n)\nexclude github.com/z/z v1.0.0\n";
        assert_eq!(
            scan(text),
            [
                "golang.org/x/net v0.16.0",
                "github.com/x/c v1.0.1",
                "github.com/d/e/v2 v2.1.0+incompatible",
                "github.com/h/i v1.0.0"
            ]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_survived(text in "(require|replace|=>|\\(|\\)|a/b|v1|\n| |\\PC){0,40}") {
            scan(&text);
        }
    }
}
