//! Ruby's load path, of gems and of the standard library
//! ([`Gem::Specification`](https://docs.ruby-lang.org/en/master/Gem/Specification.html)).
//!
//! A name is sought in `lib` of every gem that is installed and in every folder of the standard library: which version of a gem is meant
//! depends on what was activated before, so all versions count.
//!
//! The standard library and RubyGems are the runtime. RubyGems loads by computed names what `require` names, which is followed where
//! it is called, and plug-ins (`rubygems_plugin`) of its own commands.

use super::{Answer, Context, Resolver};
use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Dynamic, Language};
use assay_model::path::{ancestors, file_name, normalise, parent};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

/// Finds Ruby's files.
pub(super) struct RubyFiles;

/// Files that parts of Ruby written in C require: no text says so.
const BY_NATIVE: &[(&str, &str)] = &[("psych.so", "psych/syntax_error")];

/// What is worked out once per image: files by the name `require` finds them under.
#[derive(Default)]
pub(crate) struct Known {
    names: OnceCell<HashMap<String, Vec<String>>>,
}

impl Resolver for RubyFiles {
    fn language(&self) -> Language {
        Language::Ruby
    }

    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer {
        let files = context.files;
        let mut found = BTreeSet::new();
        match ask {
            Ask::Import(name) => import(context, from.0, name, &mut found),
            Ask::Include(path) => {
                // A path from the working directory, when nothing asks for it but the command.
                with_endings(files, &format!("{}/{path}", parent(from.0)), &mut found);
            }
            Ask::Maybe(Dynamic::Module, pattern) => {
                let folder = match pattern.strip_suffix("/*") {
                    Some(folder) if folder.starts_with("./") => Some(format!("{}/{folder}", parent(from.0))),
                    Some(folder) => {
                        let prefix = format!("{folder}/");
                        for (name, paths) in names(context) {
                            if name.starts_with(&prefix) {
                                found.extend(paths.iter().cloned());
                            }
                        }
                        None
                    }
                    None => Some(library(from.0).to_owned()),
                };
                if let Some(folder) = folder.and_then(|folder| files.real_path(&folder)) {
                    found.extend(
                        files
                            .below(&folder)
                            .filter(|(_, file)| is_ruby(file))
                            .map(|(path, _)| path.to_owned()),
                    );
                }
                let why = format!("loaded by a name that is only known as `{pattern}`");
                return Answer::Maybe(found.into_iter().collect(), why);
            }
            _ => return Answer::BuiltIn,
        }
        answer(found)
    }

    fn start(&self, context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
        start(context, words)
    }

    fn is_runtime(&self, _context: &Context<'_>, path: &str) -> bool {
        place(path).is_some_and(|place| place.standard)
    }
}

fn answer(files: BTreeSet<String>) -> Answer {
    if files.is_empty() { Answer::Absent } else { Answer::Files(files.into_iter().collect()) }
}

fn is_ruby(file: &CodeFile) -> bool {
    matches!(file.code.language, Language::Ruby | Language::Native)
}

/// Where on the load path a file lies.
struct Place<'a> {
    /// Whether it is Ruby's own.
    standard: bool,
    /// The path below the folder of the load path, with its ending.
    below: &'a str,
}

/// Returns where on the load path a file lies, as the layout of Ruby's folders says.
fn place(path: &str) -> Option<Place<'_>> {
    // `…/extensions/x86_64-linux/3.1.0/nokogiri-1.15/nokogiri/nokogiri.so`
    if let Some(start) = path.rfind("/extensions/") {
        let rest = path.get(start + "/extensions/".len()..)?;
        let (_, below) = rest.splitn(3, '/').nth(2)?.split_once('/')?;
        return Some(Place { standard: false, below });
    }
    // `…/gems/rack-3.0/lib/rack.rb`
    if let Some(start) = path.rfind("/gems/") {
        let rest = path.get(start + "/gems/".len()..)?;
        let (_, inside) = rest.split_once('/').filter(|(gem, _)| gem.contains('-'))?;
        let below = inside.strip_prefix("lib/").or_else(|| inside.strip_prefix("ext/")).unwrap_or(inside);
        return Some(Place { standard: false, below });
    }
    // `usr/lib/ruby/3.1.0/json.rb`, `usr/lib/x86_64-linux-gnu/ruby/vendor_ruby/3.1.0/x.so`
    let start = path.find("/ruby/")?;
    if !path.get(..start)?.split('/').any(|part| part.starts_with("lib")) {
        return None;
    }
    let mut below = path.get(start + "/ruby/".len()..)?;
    let mut vendor = false;
    let mut depth = 0;
    while let Some((first, rest)) = below.split_once('/') {
        let version = first.starts_with(|first: char| first.is_ascii_digit()) && first.contains('.');
        let folder = matches!(first, "vendor_ruby" | "site_ruby");
        let platform = depth > 0 && first.contains("-linux");
        if !(version || folder || platform) {
            break;
        }
        vendor |= folder;
        depth += 1;
        below = rest;
    }
    // Debian keeps RubyGems apart from the rest of Ruby.
    let own = below == "rubygems.rb" || below.starts_with("rubygems/");
    (depth > 0).then_some(Place { standard: !vendor || own, below })
}

/// Returns a name without the endings that `require` adds.
fn bare(name: &str) -> &str {
    name.strip_suffix(".rb").or_else(|| name.strip_suffix(".so")).unwrap_or(name)
}

fn names<'c>(context: &'c Context<'_>) -> &'c HashMap<String, Vec<String>> {
    context.memo.ruby.names.get_or_init(|| {
        let mut names: HashMap<String, Vec<String>> = HashMap::new();
        for (path, file) in &context.files.code {
            if is_ruby(file)
                && let Some(place) = place(path)
            {
                names.entry(bare(place.below).to_owned()).or_default().push(path.clone());
            }
        }
        names
    })
}

/// Returns the folder a file's own names are sought in: `lib` of its gem, or of the project.
fn library(path: &str) -> &str {
    let below = place(path).map_or("", |place| place.below);
    if !below.is_empty() && !path.contains("/lib/ruby/") || path.contains("/gems/") {
        return path.get(..path.len() - below.len()).unwrap_or_default().trim_end_matches('/');
    }
    ancestors(path).find(|folder| file_name(folder) == "lib").unwrap_or_else(|| parent(path))
}

fn import(context: &Context<'_>, from: &str, name: &str, found: &mut BTreeSet<String>) {
    let files = context.files;
    if let Some((gem, program)) = name.split_once(':') {
        // The program's file in its gem, of whatever version.
        let programs = context.named(program).iter().filter(|path| {
            let folder = parent(path);
            let inside = parent(folder);
            matches!(file_name(folder), "exe" | "bin")
                && file_name(inside).strip_prefix(gem).is_some_and(|rest| rest.starts_with('-'))
        });
        found.extend(programs.map(|path| (*path).to_owned()));
        return;
    }
    if name == "bundler/require" {
        let gemfiles = context.named("Gemfile").iter().filter(|path| !path.contains("/gems/"));
        found.extend(gemfiles.map(|path| (*path).to_owned()));
        return;
    }
    if name.starts_with('/') {
        return with_endings(files, name, found);
    }
    let cwd = normalise(&context.config.working_dir);
    if name.starts_with("./") || name.starts_with("../") {
        return with_endings(files, &format!("{cwd}/{name}"), found);
    }
    // RubyGems needs no gem: those it names build other gems when they are installed.
    let of_gems = place(from).is_some_and(|place| place.standard && place.below.starts_with("rubygems"));
    let paths = names(context).get(bare(name)).into_iter().flatten();
    found.extend(paths.filter(|path| !of_gems || place(path).is_some_and(|place| place.standard)).cloned());
    for (library, name) in BY_NATIVE {
        if found.iter().any(|path| file_name(path) == *library) {
            found.extend(names(context).get(*name).into_iter().flatten().cloned());
        }
    }
    if place(from).is_none() {
        // A project searches its own `lib` and whatever else it adds.
        for folder in ancestors(from).chain([cwd]) {
            with_endings(files, &format!("{folder}/{name}"), found);
            with_endings(files, &format!("{folder}/lib/{name}"), found);
        }
    }
}

fn with_endings(files: &Tree<'_>, path: &str, found: &mut BTreeSet<String>) {
    for ending in ["", ".rb", ".so"] {
        if let Some((path, file)) = files.find(&format!("{path}{ending}"))
            && is_ruby(file)
        {
            found.insert(path.to_owned());
        }
    }
}

/// What Ruby loads before the script; `enc/*` by parts of it that are written in C.
const AT_START: &[&str] = &[
    "rubygems",
    "rbconfig",
    "did_you_mean",
    "error_highlight",
    "syntax_suggest",
    "monitor",
    "unicode_normalize/normalize",
    "rubygems/defaults/operating_system",
];

/// Files of a project that servers and tools read without being told.
const OF_PROJECTS: &[&str] = &[
    "config.ru",
    "Rakefile",
    "config/application.rb",
    "config/boot.rb",
    "config/environment.rb",
    "config/puma.rb",
    "config/unicorn.rb",
    "config/routes.rb",
    "config/sidekiq.rb",
    "app.rb",
];

/// Reads Ruby's words (<https://docs.ruby-lang.org/en/master/ruby/options_md.html>).
fn start(context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
    let mut found = Vec::new();
    let cwd = normalise(&context.config.working_dir);
    let import_all = |name: &str| {
        let mut files = BTreeSet::new();
        import(context, "", name, &mut files);
        (Ask::Import(name.to_owned()), answer(files))
    };
    found.extend(AT_START.iter().map(|name| import_all(name)));
    let encodings: BTreeSet<String> = names(context)
        .iter()
        .filter(|(name, _)| name.starts_with("enc/"))
        .flat_map(|(_, paths)| paths.iter().cloned())
        .collect();
    found.push((Ask::Import("enc/*".to_owned()), answer(encodings)));
    let options = context.config.env.iter().filter_map(|variable| variable.strip_prefix("RUBYOPT="));
    let options =
        options.flat_map(str::split_ascii_whitespace).filter_map(|option| option.strip_prefix("-r"));
    found.extend(options.map(import_all));
    let relative = |path: &str| {
        let mut files = BTreeSet::new();
        with_endings(
            context.files,
            &if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") },
            &mut files,
        );
        files
    };
    let mut words = words.iter().skip(1).map(String::as_str);
    let mut script = None;
    while let Some(word) = words.next() {
        match word {
            "-e" => {
                let text = words.next().unwrap_or_default();
                for ask in crate::code::ruby_text(text) {
                    let name = match &ask {
                        Ask::Import(name) => Some(name.clone()),
                        Ask::Include(name) => Some(format!("./{name}")),
                        _ => None,
                    };
                    let answer = name.map_or_else(
                        || Answer::Unknown("computed by the command's text".to_owned()),
                        |name| import_all(&name).1,
                    );
                    found.push((ask, answer));
                }
                break;
            }
            "-r" => found.extend(words.next().map(import_all)),
            "-I" | "-C" | "-S" | "-x" | "-E" if word != "-S" => {
                words.next();
            }
            _ => match word.strip_prefix("-r").filter(|name| !name.is_empty()) {
                Some(name) => found.push(import_all(name)),
                None if word.starts_with('-') => {}
                None => {
                    found.push((Ask::Include(word.to_owned()), answer(relative(word))));
                    script = Some(word);
                    break;
                }
            },
        }
    }
    // `bundle exec puma -C config/puma.rb`, `rackup other.ru`: files of the project, and programs of gems.
    if script.is_some() {
        for word in words.filter(|word| !word.starts_with('-')) {
            let mut files = relative(word);
            let programs =
                context.named(word).iter().filter(|path| matches!(file_name(parent(path)), "exe" | "bin"));
            files.extend(programs.filter(|path| path.contains("/gems/")).map(|path| (*path).to_owned()));
            if !files.is_empty() {
                found.push((Ask::Include(word.to_owned()), answer(files)));
            }
        }
        for name in OF_PROJECTS {
            let files = relative(name);
            if !files.is_empty() {
                found.push((Ask::Include((*name).to_owned()), answer(files)));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::testing::{Image, check, check_ask};

    fn image() -> Image {
        Image::new(Language::Ruby)
            .files(&[
                "usr/lib/ruby/3.1.0/json.rb",
                "usr/lib/ruby/vendor_ruby/rubygems.rb",
                "var/lib/gems/3.1.0/gems/rack-2.2.3/lib/rack.rb",
                "var/lib/gems/3.1.0/gems/rack-2.2.3/lib/rack/request.rb",
                "var/lib/gems/3.1.0/gems/rack-2.2.3/bin/rackup",
                "var/lib/gems/3.1.0/gems/rack-3.0.0/lib/rack.rb",
                "srv/app/config.ru",
                "srv/app/Gemfile",
                "srv/app/lib/shop.rb",
                "srv/app/lib/shop/cart.rb",
                "usr/local/bin/rackup",
            ])
            .native(&[
                "usr/lib/x86_64-linux-gnu/ruby/3.1.0/json/ext/parser.so",
                "var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/puma-6.0/puma/puma_http11.so",
            ])
            .working_dir("/srv/app")
    }

    #[test]
    fn names_are_found_in_gems_and_in_the_library() {
        let image = image();
        let gems = "var/lib/gems/3.1.0/gems";
        let find = |from: &str, name: &str, want: &[&str]| check(&RubyFiles, &image, from, name, want);
        find("x.rb", "json", &["usr/lib/ruby/3.1.0/json.rb"]);
        find("x.rb", "json/ext/parser", &["usr/lib/x86_64-linux-gnu/ruby/3.1.0/json/ext/parser.so"]);
        find(
            "x.rb",
            "puma/puma_http11",
            &["var/lib/gems/3.1.0/extensions/x86_64-linux/3.1.0/puma-6.0/puma/puma_http11.so"],
        );
        find(
            "x.rb",
            "rack",
            &[&format!("{gems}/rack-2.2.3/lib/rack.rb"), &format!("{gems}/rack-3.0.0/lib/rack.rb")],
        );
        find("x.rb", "rack/request.rb", &[&format!("{gems}/rack-2.2.3/lib/rack/request.rb")]);
        find("srv/app/config.ru", "shop", &["srv/app/lib/shop.rb"]);
        find("srv/app/config.ru", "bundler/require", &["srv/app/Gemfile"]);
        find("usr/local/bin/rackup", "rack:rackup", &[&format!("{gems}/rack-2.2.3/bin/rackup")]);
        find("x.rb", "nothing", &[]);
        let include = |from: &str, path: &str, want: &[&str]| {
            check_ask(&RubyFiles, &image, from, &Ask::Include(path.to_owned()), want);
        };
        include("srv/app/lib/shop.rb", "shop/cart", &["srv/app/lib/shop/cart.rb"]);
        let all = Ask::Maybe(Dynamic::Module, "**".to_owned());
        check_ask(
            &RubyFiles,
            &image,
            "srv/app/lib/shop.rb",
            &all,
            &["srv/app/lib/shop.rb", "srv/app/lib/shop/cart.rb"],
        );
    }

    #[test]
    fn what_is_started_is_found() {
        let start = |words: &[&str], want: &[&str]| {
            let found = image().start(&RubyFiles, words);
            want.iter()
                .for_each(|path| assert!(found.iter().any(|found| found == path), "{words:?}: {found:?}"));
        };
        start(
            &["ruby", "/usr/local/bin/rackup"],
            &["usr/lib/ruby/vendor_ruby/rubygems.rb", "usr/local/bin/rackup", "srv/app/config.ru"],
        );
        start(&["ruby", "-rjson", "lib/shop.rb"], &["usr/lib/ruby/3.1.0/json.rb", "srv/app/lib/shop.rb"]);
        start(&["ruby", "-e", "require 'rack'"], &["var/lib/gems/3.1.0/gems/rack-2.2.3/lib/rack.rb"]);
    }
}
