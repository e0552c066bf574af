//! Bundler's `Gemfile.lock`, also called `gems.locked` (<https://bundler.io/man/bundle-lock.1.html>,
//! [how Bundler reads it](https://github.com/rubygems/rubygems/blob/master/bundler/lib/bundler/lockfile_parser.rb)).
//!
//! The indentation has the meaning: sections start at the margin, gems at four spaces, what they need at six. `GEM`, `GIT` and
//! `PLUGIN SOURCE` list what Bundler fetches; `PATH` lists the application's own gems, whose names may be anybody's on
//! rubygems.org, so they are left out. A gem has one line for each platform. A lockfile inside an installed gem is its
//! authors' own, and nothing is installed from it.

use super::ruby;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Origin, Package, PackageKind};
use std::collections::{BTreeMap, BTreeSet};

/// `Gemfile.lock`; [`RubyGemspec`](super::ruby_gemspec::RubyGemspec) links it.
pub(super) struct GemfileLock;

impl Analyzer for GemfileLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "ruby-gemfile-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("Gemfile.lock"), Select::Name("gems.locked")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if ruby::is_inside_gem(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        for line in text.lines() {
            lock.line(line.trim_end());
        }
        if !lock.has_sections && !text.trim().is_empty() {
            lock.damage("it has no section of a lockfile");
        }
        if let Some(problem) = lock.problem {
            out.warn("damaged-lockfile", problem);
        }
        for ((name, version), requires) in lock.gems {
            let mut package = Package::new(PackageKind::Gem, name, version);
            package.origin = Origin::Declared;
            package.requires = requires.into_iter().map(str::to_owned).collect();
            out.package(package);
        }
    }
}

#[derive(Default)]
struct Lock<'a> {
    has_sections: bool,
    in_fetched: bool,
    current: Option<(&'a str, &'a str)>,
    gems: BTreeMap<(&'a str, &'a str), BTreeSet<&'a str>>,
    problem: Option<String>,
}

impl<'a> Lock<'a> {
    fn line(&mut self, line: &'a str) {
        let text = line.trim_start_matches(' ');
        match line.len().saturating_sub(text.len()) {
            _ if text.is_empty() => {}
            0 if text.starts_with(['<', '=', '>', '|']) => {
                self.damage("it has the marks of a merge conflict");
            }
            0 => {
                self.current = None;
                self.in_fetched = matches!(text, "GEM" | "GIT" | "PLUGIN SOURCE");
                let known =
                    self.in_fetched || matches!(text, "PATH" | "PLATFORMS" | "DEPENDENCIES" | "BUNDLED WITH");
                self.has_sections |= known;
                // Sections come with Bundler's versions (`CHECKSUMS`); they are all in capitals.
                if !known && !text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b' ') {
                    self.damage(&format!("`{}` is no section", text.chars().take(40).collect::<String>()));
                }
            }
            4 if self.in_fetched => {
                self.current = spec(text);
                match self.current {
                    Some(gem) => drop(self.gems.entry(gem).or_default()),
                    None => self.damage("a gem has no version"),
                }
            }
            6 => {
                if let Some(requires) = self.current.as_ref().and_then(|gem| self.gems.get_mut(gem)) {
                    let name = text.split(' ').next().unwrap_or_default().trim_end_matches('!');
                    requires.insert(name);
                }
            }
            // `remote:`, `revision:`, `specs:`
            _ => {}
        }
    }

    fn damage(&mut self, problem: &str) {
        self.problem.get_or_insert_with(|| format!("{problem}; gems may be missing"));
    }
}

/// Splits `nokogiri (1.13.10-x86_64-linux)` into name and version.
fn spec(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(" (")?;
    let version = rest.trim_end_matches('!').strip_suffix(')')?;
    // The first dash starts the platform: a version of RubyGems' has none.
    let version = version.split('-').next().unwrap_or(version);
    (!name.is_empty() && ruby::is_version(version)).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const LOCK: &[u8] = include_bytes!("../../testdata/ruby_gemfile_lock/Gemfile.lock");

    #[test]
    fn gems_of_all_fetched_sources() {
        let expected = "~ nokogiri 1.13.10 -> mini_portile2, racc\n~ racc 1.6.2\n~ rack 3.0.0.beta1\n~ rbs 2.0.0\n\
                        ~ test-unit 3.5.3 -> power_assert\n";
        check(&GemfileLock, "app/Gemfile.lock", LOCK, expected);
        check(
            &GemfileLock,
            "app/gems.locked",
            String::from_utf8_lossy(LOCK).replace('\n', "\r\n").as_bytes(),
            expected,
        );
        check(&GemfileLock, "usr/lib/ruby/gems/3.1.0/gems/typeprof-0.21.2/Gemfile.lock", LOCK, "");
        check(&GemfileLock, "Gemfile.lock", b"", "");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let damaged = "! damaged-lockfile\n";
        check(
            &GemfileLock,
            "Gemfile.lock",
            b"GEM\n  specs:\n    a (1.0)\n    b (2.",
            &format!("{damaged}~ a 1.0\n"),
        );
        check(
            &GemfileLock,
            "Gemfile.lock",
            b"GEM\n  specs:\n<<<<<<< HEAD\n    a (1.0)\n=======\n    a (1.1)\n>>>>>>> x\n",
            &format!("{damaged}~ a 1.0\n~ a 1.1\n"),
        );
        check(&GemfileLock, "Gemfile.lock", b"gem 'a'\n", damaged);
        check(&GemfileLock, "Gemfile.lock", b"  a (1)\n", damaged);
        check_total(&GemfileLock, "Gemfile.lock");
    }
}
