//! Installed gems: the gemspecs in `specifications/` that `gem` and Bundler write
//! (<https://guides.rubygems.org/specification-reference/>).
//!
//! Surprising: a gemspec is a Ruby program. What RubyGems writes itself has only literals, and name and version in a comment
//! on top (`# stub: rack 2.2.3 ruby lib`), which is all that `gem list` looks at. Nothing is run here; what is computed
//! is not seen.

use super::ruby;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind};

/// Reads the gemspecs of installed gems, and links all gems.
pub(super) struct RubyGemspec;

impl Analyzer for RubyGemspec {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "ruby-gemspec", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Suffix(".gemspec")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if ruby::home(file.path).is_none() {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let spec = Spec::read(&text);
        // In a checkout Bundler replaces the gemspecs it uses by literal ones; others are the authors' own.
        if ruby::checkout(file.path).is_some() && !spec.has_stub {
            return;
        }
        let from_file = file.name().strip_suffix(".gemspec").and_then(ruby::split_full_name);
        if spec.name.is_none() || spec.version.is_none() {
            let rest = if from_file.is_some() { "; they were taken from its file name" } else { "" };
            out.warn("damaged-package-metadata", format!("it has no name or no version{rest}"));
        } else if !spec.is_whole {
            out.warn("damaged-package-metadata", "it breaks off; licences and dependencies may be missing");
        }
        let name = spec.name.or_else(|| Some(from_file?.0.to_owned()));
        let version = spec.version.or_else(|| Some(from_file?.1.to_owned()));
        let (Some(name), Some(version)) = (name, version) else { return };
        let mut package = Package::new(PackageKind::Gem, name, version);
        package.licenses = spec.licenses;
        package.requires = spec.requires;
        package.requires.sort_unstable();
        package.requires.dedup();
        out.package(package);
    }

    fn link(&self, inventory: &mut Inventory) {
        ruby::link(inventory);
    }
}

/// What a gemspec says in literals.
#[derive(Debug, Default)]
struct Spec {
    has_stub: bool,
    is_whole: bool,
    name: Option<String>,
    version: Option<String>,
    licenses: Vec<String>,
    requires: Vec<String>,
}

impl Spec {
    fn read(text: &str) -> Self {
        let mut spec = Self::default();
        let (mut in_comments, mut in_else) = (true, false);
        for line in text.lines() {
            if in_comments && line.starts_with('#') {
                spec.stub(line);
                continue;
            }
            in_comments = false;
            spec.is_whole |= line.starts_with("end");
            // Old RubyGems know no development dependencies: after `else` stand all of them, as if they were needed to run.
            in_else |= line.trim() == "else";
            if let Some((key, value)) = statement(line) {
                spec.statement(key, value, in_else);
            }
        }
        spec
    }

    /// Takes `# stub: name version platform paths`; a second such line names extensions and has no version.
    fn stub(&mut self, line: &str) {
        let Some(stub) = line.strip_prefix("# stub: ") else { return };
        let mut words = stub.split(' ');
        if let (false, Some(name), Some(version)) = (self.has_stub, words.next(), words.next())
            && !name.is_empty()
            && ruby::is_version(version)
        {
            self.has_stub = true;
            self.name = Some(name.to_owned());
            self.version = Some(version.to_owned());
        }
    }

    fn statement(&mut self, key: &str, value: &str, in_else: bool) {
        let assigned = || value.strip_prefix('=').filter(|value| !value.starts_with('='));
        let first = |value: &str| literals(value).next().filter(|text| !text.is_empty());
        match key {
            "name" => self.name = self.name.take().or_else(|| first(assigned()?)),
            "version" => {
                self.version =
                    self.version.take().or_else(|| first(assigned()?).filter(|text| ruby::is_version(text)));
            }
            "license" | "licenses" => {
                self.licenses
                    .extend(assigned().into_iter().flat_map(literals).filter(|text| !text.is_empty()));
            }
            "add_runtime_dependency" | "add_dependency" if !in_else => self.requires.extend(first(value)),
            _ => {}
        }
    }
}

/// Splits `s.name = "rack"` into `name` and `= "rack"`, whatever stands for `s`.
fn statement(line: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (receiver, rest) = line.trim_start().split_once('.')?;
    if receiver.is_empty() || !receiver.chars().all(is_word) {
        return None;
    }
    let (key, value) = rest.split_at_checked(rest.find(|c| !is_word(c))?)?;
    Some((key, value.trim_start()))
}

/// Returns the string literals of a line of Ruby: `"a"`, `'a'` and `%q<a>`, up to a comment or a string that does not end.
fn literals(mut text: &str) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        loop {
            let (_, from) = text.split_at_checked(text.find(['"', '\'', '%', '#'])?)?;
            let mut chars = from.chars();
            let end = match chars.next()? {
                '#' => return None,
                '%' => {
                    let close =
                        chars.as_str().strip_prefix('q').and_then(|rest| match rest.chars().next()? {
                            '<' => Some('>'),
                            '(' => Some(')'),
                            '[' => Some(']'),
                            '{' => Some('}'),
                            _ => None,
                        });
                    let Some(close) = close else {
                        text = chars.as_str();
                        continue;
                    };
                    chars.next();
                    chars.next();
                    close
                }
                quote => quote,
            };
            let mut literal = String::new();
            loop {
                match chars.next()? {
                    '\\' => literal.push(chars.next()?),
                    c if c == end => break,
                    c => literal.push(c),
                }
            }
            text = chars.as_str();
            return Some(literal);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    const NOKOGIRI: &[u8] = include_bytes!("../../testdata/ruby_gemspec/nokogiri-1.13.10.gemspec");

    #[test]
    fn installed_gems() {
        for path in [
            "usr/lib/ruby/gems/3.1.0/specifications/nokogiri-1.13.10.gemspec",
            "opt/r/specifications/default/nokogiri-1.13.10.gemspec",
            "b/bundler/gems/nokogiri-0123456789ab/nokogiri.gemspec",
        ] {
            check(&RubyGemspec, path, NOKOGIRI, "nokogiri 1.13.10 [MIT] -> mini_portile2, racc\n");
        }
        check(&RubyGemspec, "b/gems/nokogiri-1.13.10/nokogiri.gemspec", NOKOGIRI, "");
        check(
            &RubyGemspec,
            "b/bundler/gems/x-0123456789ab/x.gemspec",
            b"s.name = 'x'\ns.version = '1'\nend\n",
            "",
        );
    }

    #[test]
    fn platforms_and_hand_written_ones() {
        let at = "g/specifications/google-protobuf-3.21.1-x86_64-linux.gemspec";
        check(
            &RubyGemspec,
            at,
            b"# -*- encoding: utf-8 -*-\n# stub: google-protobuf 3.21.1 x86_64-linux lib\0ext\n# stub: ext/x.rb 3\n\nGem::Specification.new do |s|\nend\n",
            "google-protobuf 3.21.1\n",
        );
        check(
            &RubyGemspec,
            "g/specifications/x-1.0.gemspec",
            b"Gem::Specification.new do |spec|\n  spec.name    = 'x' # \"no\"\n  spec.version = Gem::Version.new(%q{1.0.pre})\n  spec.version == '7'\n  \
              spec.licenses = [\"GPL-2.0\", 'Nonstandard \\'x\\'']\n  spec.add_dependency 'b', '%q<no>'\n  spec.add_runtime_dependency %q<a>\n  \
              spec.add_dependency NAME\n  spec.add_development_dependency 'c'\nend # of it\n",
            "x 1.0.pre [GPL-2.0; Nonstandard 'x'] -> a, b\n",
        );
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let damaged = "! damaged-package-metadata\n";
        let cut = NOKOGIRI.split_at(400).0;
        check(
            &RubyGemspec,
            "specifications/nokogiri-1.13.10.gemspec",
            cut,
            &format!("{damaged}nokogiri 1.13.10\n"),
        );
        check(&RubyGemspec, "specifications/rack-2.2.3.gemspec", b"", &format!("{damaged}rack 2.2.3\n"));
        check(
            &RubyGemspec,
            "specifications/rack-2.2.3.gemspec",
            b"Gem::Specification.new do |s|\n s.name = 'rack'\n s.version = Rack::VERSION\n s.license = \"MIT\nend\n",
            &format!("{damaged}rack 2.2.3\n"),
        );
        check(&RubyGemspec, "specifications/rack.gemspec", b"# stub: rack lib\n", damaged);
        check_total(&RubyGemspec, "specifications/x.gemspec");
    }
}
