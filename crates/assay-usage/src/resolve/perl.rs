//! Perl's `@INC` ([`perlvar`](https://perldoc.perl.org/variables/@INC)).
//!
//! The folders are known by their layout; whichever of them has the file counts. A module written in C comes with
//! `auto/A/B/B.so`.

use super::{Answer, Context, Resolver};
use assay_analyze::{Ask, CodeFile, Language};
use assay_model::path::{ancestors, normalise, parent};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// Finds Perl's modules.
pub(super) struct PerlModules;

/// What is worked out once per image: files by their name below a folder of `@INC`.
#[derive(Default)]
pub(crate) struct Known {
    names: OnceCell<HashMap<String, Vec<String>>>,
    /// What the interpreter loads itself.
    own: OnceCell<Vec<(Ask, Answer)>>,
}

impl Resolver for PerlModules {
    fn language(&self) -> Language {
        Language::Perl
    }

    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer {
        match ask {
            Ask::Import(module) => answer(import(context, from.0, module)),
            Ask::Include(path) => answer(include(context, from.0, path)),
            _ => Answer::BuiltIn,
        }
    }

    fn start(&self, context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
        let cwd = format!("{}/x", normalise(&context.config.working_dir));
        // Loaded by the interpreter itself, without a word in any text; the same for each of a distribution's hundreds of scripts.
        let own = context.memo.perl.own.get_or_init(|| {
            let modules = ["strict", "warnings", "utf8", "unicore::Name", "feature", "sitecustomize"];
            let found =
                |module: &str| (Ask::Import(module.to_owned()), answer(import(context, &cwd, module)));
            modules.into_iter().map(found).collect()
        });
        let mut found = own.clone();
        let mut words = words.iter().skip(1).map(String::as_str);
        while let Some(word) = words.next() {
            if let Some(module) = word.strip_prefix("-M").or_else(|| word.strip_prefix("-m")) {
                let module = module.trim_start_matches('-').split('=').next().unwrap_or_default();
                found.push((Ask::Import(module.to_owned()), answer(import(context, &cwd, module))));
            } else if word.starts_with('-') && word.ends_with(['e', 'E']) {
                for ask in crate::code::perl_text(words.next().unwrap_or_default()) {
                    let answer = match &ask {
                        Ask::Import(module) => answer(import(context, &cwd, module)),
                        Ask::Include(path) => answer(include(context, &cwd, path)),
                        _ => Answer::Unknown("computed by the command's text".to_owned()),
                    };
                    found.push((ask, answer));
                }
                break;
            } else if word == "-I" {
                words.next();
            } else if !word.starts_with('-') {
                found.push((Ask::Include(word.to_owned()), answer(include(context, &cwd, word))));
                break;
            }
        }
        // `plackup app.psgi`
        for word in words {
            let files = include(context, &cwd, word);
            if !files.is_empty() {
                found.push((Ask::Include(word.to_owned()), answer(files)));
            }
        }
        found
    }

    fn is_runtime(&self, _context: &Context<'_>, path: &str) -> bool {
        // Debian's own modules are in `perl`, those of other packages in `perl5`.
        place(path).is_some_and(|place| place.standard)
    }
}

fn answer(files: BTreeSet<String>) -> Answer {
    if files.is_empty() { Answer::Absent } else { Answer::Files(files.into_iter().collect()) }
}

struct Place<'a> {
    standard: bool,
    below: &'a str,
}

/// Returns where below a folder of `@INC` a file lies, as the layout of Perl's folders says.
fn place(path: &str) -> Option<Place<'_>> {
    let (start, len, mut standard) = [("/perl5/", false), ("/perl-base/", true), ("/perl/", true)]
        .iter()
        .filter_map(|(folder, standard)| path.find(folder).map(|start| (start, folder.len(), *standard)))
        .min()?;
    let mut below = path.get(start + len..)?;
    while let Some((first, rest)) = below.split_once('/') {
        let version = first.starts_with(|first: char| first.is_ascii_digit());
        let folder = matches!(first, "vendor_perl" | "site_perl" | "core_perl");
        if !version && !folder && !first.contains("-linux") {
            break;
        }
        standard = if first == "core_perl" { true } else { standard && !folder };
        below = rest;
    }
    // The official image keeps its own in `usr/local/lib/perl5/5.40.0`.
    let own = path.starts_with("usr/local/lib/perl5/5") && !path.contains("/site_perl/");
    Some(Place { standard: standard || own, below })
}

fn names<'c>(context: &'c Context<'_>) -> &'c HashMap<String, Vec<String>> {
    context.memo.perl.names.get_or_init(|| {
        let mut names: HashMap<String, Vec<String>> = HashMap::new();
        for (path, file) in &context.files.code {
            if matches!(file.code.language, Language::Perl | Language::Native)
                && let Some(place) = place(path)
            {
                names.entry(place.below.to_owned()).or_default().push(path.clone());
            }
        }
        names
    })
}

fn import(context: &Context<'_>, from: &str, module: &str) -> BTreeSet<String> {
    let path = module.replace("::", "/");
    let last = path.rsplit('/').next().unwrap_or(&path);
    let mut found = include(context, from, &format!("{path}.pm"));
    if !found.is_empty() {
        let native = format!("auto/{path}/{last}.so");
        found.extend(names(context).get(&native).into_iter().flatten().cloned());
    }
    found
}

fn include(context: &Context<'_>, from: &str, path: &str) -> BTreeSet<String> {
    let files = context.files;
    let mut found = BTreeSet::new();
    let mut add = |path: &str| {
        if let Some((path, file)) = files.find(path)
            && file.code.language == Language::Perl
        {
            found.insert(path.to_owned());
        }
    };
    if path.starts_with('/') {
        add(path);
        return found;
    }
    let cwd = normalise(&context.config.working_dir);
    add(&format!("{cwd}/{path}"));
    // Scripts set their path to a `lib` beside or above them.
    if place(from).is_none() {
        for folder in ancestors(from) {
            add(&format!("{folder}/{path}"));
            add(&format!("{folder}/lib/{path}"));
        }
    }
    let mut folders: Vec<&str> = Vec::new();
    for variable in &context.config.env {
        folders.extend(variable.strip_prefix("PERL5LIB=").into_iter().flat_map(|paths| paths.split(':')));
    }
    if let Some(file) = files.code.get(from) {
        folders.extend(file.code.asks.iter().filter_map(|ask| match ask {
            Ask::SearchPath(folder) => Some(folder.as_str()),
            _ => None,
        }));
    }
    for folder in folders {
        let base = if folder.starts_with('/') { String::new() } else { format!("{}/", parent(from)) };
        add(&format!("{base}{folder}/{path}"));
    }
    found.extend(names(context).get(path).into_iter().flatten().cloned());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::testing::{Image, check, check_ask};

    fn image() -> Image {
        Image::new(Language::Perl)
            .files(&[
                "usr/lib/x86_64-linux-gnu/perl-base/strict.pm",
                "usr/share/perl/5.36.0/strict.pm",
                "usr/lib/x86_64-linux-gnu/perl/5.36.0/List/Util.pm",
                "usr/share/perl5/Mojo/Base.pm",
                "srv/lib/My/App.pm",
                "srv/bin/app.pl",
            ])
            .native(&["usr/lib/x86_64-linux-gnu/perl/5.36.0/auto/List/Util/Util.so"])
    }

    #[test]
    fn modules_are_found_in_every_folder() {
        let image = image();
        let find = |from: &str, name: &str, want: &[&str]| check(&PerlModules, &image, from, name, want);
        find(
            "x.pl",
            "strict",
            &["usr/lib/x86_64-linux-gnu/perl-base/strict.pm", "usr/share/perl/5.36.0/strict.pm"],
        );
        let perl = "usr/lib/x86_64-linux-gnu/perl/5.36.0";
        find(
            "x.pl",
            "List::Util",
            &[&format!("{perl}/List/Util.pm"), &format!("{perl}/auto/List/Util/Util.so")],
        );
        find("x.pl", "Mojo::Base", &["usr/share/perl5/Mojo/Base.pm"]);
        find("srv/bin/app.pl", "My::App", &["srv/lib/My/App.pm"]);
        find("x.pl", "My::App", &[]);
        check_ask(
            &PerlModules,
            &image,
            "x",
            &Ask::Include("/srv/bin/app.pl".to_owned()),
            &["srv/bin/app.pl"],
        );
    }

    #[test]
    fn what_is_started_is_found() {
        let start = |words: &[&str], want: &str| {
            let found = image().start(&PerlModules, words);
            assert!(found.iter().any(|path| path == want), "{words:?}: {found:?}");
        };
        start(&["perl", "-w", "/srv/bin/app.pl"], "srv/bin/app.pl");
        start(&["perl", "-MMojo::Base=-strict", "-e", "1"], "usr/share/perl5/Mojo/Base.pm");
        start(&["perl", "-lne", "use List::Util;"], "usr/lib/x86_64-linux-gnu/perl/5.36.0/List/Util.pm");
    }
}
