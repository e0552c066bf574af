//! Ruby: files that are required, loaded and autoloaded
//! ([`Kernel#require`](https://docs.ruby-lang.org/en/master/Kernel.html#method-i-require)).
//!
//! `require_relative` and paths from `__dir__` are `Include`, everything sought on the load path is `Import`. A loader of Zeitwerk loads
//! what lies in the folder of its gem: `**`. `Bundler.require` requires what the `Gemfile` lists, which is code itself. The stub of a
//! gem's program is `gem:program`.

use super::text::{
    Asks, at, before, commented, from, is_name, quoted, report, shebang, skip, skip_back, word_before,
};
use assay_analyze::{Analyzer, AnalyzerId, Ask, Dynamic, File, Language, Select, Sink};
use memchr::memmem::{find, find_iter};

/// Reads what Ruby files require.
pub(super) struct RubyRequires;

impl Analyzer for RubyRequires {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "ruby-requires", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".rb"),
            Select::Suffix(".rake"),
            Select::Name("config.ru"),
            Select::Name("Gemfile"),
            Select::Name("Rakefile"),
            Select::Magic(b"#!"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let name = file.name();
        if name == "Gemfile" {
            return report(file, out, Language::Ruby, scan_gemfile);
        }
        let known =
            matches!(name, "config.ru" | "Rakefile") || name.ends_with(".rb") || name.ends_with(".rake");
        if known || shebang(file, "ruby") || shebang(file, "jruby") {
            report(file, out, Language::Ruby, scan);
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Reads a `Gemfile`: each gem is required by its name, or by what follows `require:`.
fn scan_gemfile(text: &[u8], asks: &mut Asks) {
    scan(text, asks);
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        let Some(rest) =
            line.strip_prefix(b"gem").filter(|rest| rest.starts_with(b" ") || rest.starts_with(b"("))
        else {
            continue;
        };
        let open = skip(rest, 0, |byte| is_blank(byte) || byte == b'(');
        let Some((name, _)) = is_quote(at(rest, open)).then(|| quoted(rest, open)).flatten() else {
            asks.dynamic(Dynamic::Module);
            continue;
        };
        // `a-b` is tried as `a-b` and as `a/b`, as Bundler does.
        if name.contains('-') {
            asks.import(name.replace('-', "/"));
        }
        asks.import(name);
        for key in [&b"require:"[..], b":require =>", b":require=>"] {
            let Some(place) = find(rest, key) else { continue };
            let mut place = skip(rest, place + key.len(), |byte| is_blank(byte) || byte == b'[');
            while is_quote(at(rest, place)) {
                let Some((name, end)) = quoted(rest, place) else { break };
                asks.import(name);
                place = skip(rest, end, |byte| is_blank(byte) || byte == b',');
            }
        }
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"')
}

/// Reads what a Ruby text asks for.
pub(super) fn scan(text: &[u8], asks: &mut Asks) {
    for place in find_iter(text, b"require") {
        let after = place + b"require".len();
        if commented(text, place, b"#") || is_name(before(text, place)) || before(text, place) == b':' {
            continue;
        }
        if from(text, after).starts_with(b"_relative") {
            load(text, after + b"_relative".len(), asks, true);
        } else if from(text, after).starts_with(b"_dependency") {
            load(text, after + b"_dependency".len(), asks, false);
        } else if !is_name(at(text, after)) && !is_bundler(text, place, asks) {
            load(text, after, asks, false);
        }
    }
    each_call(text, b"load", |place, after| {
        // `YAML.load(x)` and `def load` are others'.
        if before(text, place) != b'.' || text.get(..place).unwrap_or_default().ends_with(b"Kernel.") {
            load(text, after, asks, false);
        }
    });
    for place in find_iter(text, b"autoload") {
        let after = place + b"autoload".len();
        if text.get(..place).unwrap_or_default().ends_with(b"eager_") {
            asks.push(Ask::Maybe(Dynamic::Module, "**".to_owned()));
            continue;
        }
        if is_name(before(text, place)) || is_name(at(text, after)) || commented(text, place, b"#") {
            continue;
        }
        // `autoload :Name, 'path'`; Rails' `autoload :Name` computes the path from the name.
        let name = skip(text, after, |byte| is_blank(byte) || byte == b'(' || byte == b':');
        let comma = skip(text, skip(text, name, |byte| is_name(byte) || byte == b'"'), is_blank);
        if at(text, comma) == b',' {
            load(text, comma + 1, asks, false);
        } else if name > after {
            asks.push(Ask::Maybe(Dynamic::Module, "**".to_owned()));
        }
    }
    if find(text, b"Zeitwerk").is_some() {
        asks.push(Ask::Maybe(Dynamic::Module, "**".to_owned()));
    }
    programs_of_gems(text, asks);
    computed(text, asks);
    programs(text, asks);
    libraries(text, asks);
}

/// Reads `Bundler.require`; returns whether it is one, or a method of something else.
fn is_bundler(text: &[u8], place: usize, asks: &mut Asks) -> bool {
    if before(text, place) != b'.' {
        return false;
    }
    let object = word_before(text, place - 1, is_name);
    if object == b"Bundler" {
        asks.push(Ask::Import("bundler/require".to_owned()));
    }
    object != b"Kernel"
}

/// Reads the path after `require` and the like.
fn load(text: &[u8], after: usize, asks: &mut Asks, relative: bool) {
    let place = skip(text, after, |byte| is_blank(byte) || byte == b'(');
    let mut add = |path: String, relative: bool| {
        asks.push(if relative { Ask::Include(path) } else { Ask::Import(path) });
    };
    let first = at(text, place);
    if is_quote(first) {
        return match quoted(text, place) {
            Some((path, _)) if first == b'\'' || !path.contains("#{") => {
                add(path, relative);
            }
            Some((path, _)) => {
                // "#{__dir__}/x"
                if let Some(rest) = path.strip_prefix("#{__dir__}/").filter(|rest| !rest.contains("#{")) {
                    return add(format!("./{rest}"), true);
                }
                let literal = path.split("#{").next().unwrap_or_default();
                match literal.rsplit_once('/') {
                    Some((folder, _)) if folder.len() > 1 => {
                        asks.push(Ask::Maybe(
                            Dynamic::Module,
                            format!("{}{folder}/*", if relative { "./" } else { "" }),
                        ));
                    }
                    _ => asks.dynamic(Dynamic::Module),
                }
            }
            None => asks.dynamic(Dynamic::Module),
        };
    }
    let rest = from(text, place);
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    // File.expand_path('../x', __FILE__), File.expand_path("x", __dir__), File.join(__dir__, 'x'), __dir__ + '/x'
    let here = find(line, b"__dir__").is_some();
    if here || find(line, b"__FILE__").is_some() {
        let open = memchr::memchr2(b'\'', b'"', line);
        let literal = open.and_then(|open| quoted(line, open));
        if let Some((path, end)) = literal
            && !path.contains("#{")
            && memchr::memchr2(b'\'', b'"', from(line, end)).is_none()
        {
            // Seen from the file, `..` is its folder.
            let dirname = find(line, b"dirname").is_some();
            let path = path.trim_start_matches('/');
            let path = if here || dirname { Some(path) } else { path.strip_prefix("../") };
            if let Some(path) = path {
                return add(format!("./{path}"), true);
            }
        }
        return asks.dynamic(Dynamic::Module);
    }
    // A variable, a constant, a call or an instance's field; everything else is no call of `require`.
    if matches!(first, b'@' | b'$' | b'%' | b'*') || is_name(first) && !is_word_of_prose(rest) {
        asks.dynamic(Dynamic::Module);
    }
}

/// Returns whether a word goes on with a keyword or with prose, so that nothing is called.
fn is_word_of_prose(rest: &[u8]) -> bool {
    [&b"if "[..], b"unless ", b"and ", b"or ", b"do ", b"do\n", b"then", b"end"]
        .iter()
        .any(|word| rest.starts_with(word))
}

/// Calls `found` for each place at which `name` is called.
fn each_call(text: &[u8], name: &[u8], mut found: impl FnMut(usize, usize)) {
    for place in find_iter(text, name) {
        let after = place + name.len();
        if is_name(before(text, place))
            || matches!(before(text, place), b':' | b'@')
            || !matches!(at(text, after), b' ' | b'(')
        {
            continue;
        }
        let next = at(text, skip(text, after, |byte| is_blank(byte) || byte == b'('));
        let called =
            is_quote(next) || is_name(next) || matches!(next, b'@' | b'$' | b'*' | b'%' | b'[' | b'{');
        let defined = word_before(text, skip_back(text, place, is_blank), is_name) == b"def";
        if called && !defined && !commented(text, place, b"#") {
            found(place, after);
        }
    }
}

/// `load Gem.activate_bin_path('puma', 'puma', version)`: the program's file in its gem; and what searches all gems.
fn programs_of_gems(text: &[u8], asks: &mut Asks) {
    const SEARCHES: [&[u8]; 4] = [b"find_files", b"find_latest_files", b"load_plugins", b"try_activate"];
    const PROGRAMS: [&[u8]; 3] = [b"activate_bin_path(", b"bin_path(", b"activate_and_load_bin_path("];
    for place in find_iter(text, b"Gem.") {
        let after = place + b"Gem.".len();
        let rest = from(text, after);
        if SEARCHES.iter().any(|search| rest.starts_with(search)) {
            asks.dynamic(Dynamic::Module);
        }
        let Some(call) = PROGRAMS.iter().find(|call| rest.starts_with(call)) else { continue };
        let first = skip(text, after + call.len(), is_blank);
        let Some((gem, end)) = is_quote(at(text, first)).then(|| quoted(text, first)).flatten() else {
            continue;
        };
        let second = skip(text, end, |byte| is_blank(byte) || byte == b',');
        let Some((program, _)) = is_quote(at(text, second)).then(|| quoted(text, second)).flatten() else {
            continue;
        };
        asks.import(format!("{gem}:{program}"));
    }
}

/// Text that is run, and folders or gems that are searched.
fn computed(text: &[u8], asks: &mut Asks) {
    each_call(text, b"eval", |place, after| {
        let next = skip(text, after, |byte| is_blank(byte) || byte == b'(');
        let literal = is_quote(at(text, next)).then(|| quoted(text, next)).flatten();
        let plain = literal.is_some_and(|(text, _)| !text.contains("#{"));
        if before(text, place) != b'.' && !plain {
            asks.dynamic(Dynamic::Module);
        }
    });
    for place in memchr::memchr_iter(b'$', text) {
        let rest = from(text, place + 1);
        let Some(rest) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"LOAD_PATH")) else {
            continue;
        };
        let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = line.get(..line.len().min(400)).unwrap_or_default();
        let changes: [&[u8]; 5] = [b"<<", b"unshift", b"push", b"concat", b"+="];
        let changed = changes.iter().any(|change| find(line, change).is_some());
        // The file's own gem or project is searched anyway.
        let own = find(line, b"__dir__").is_some() || find(line, b"__FILE__").is_some();
        if changed && !own && !commented(text, place, b"#") {
            asks.dynamic(Dynamic::Module);
        }
    }
}

/// Programs that are run.
fn programs(text: &[u8], asks: &mut Asks) {
    let mut run = |place: usize| {
        let open = skip(text, place, |byte| is_blank(byte) || byte == b'(');
        let literal =
            if is_quote(at(text, open)) || at(text, open) == b'`' { quoted(text, open) } else { None };
        let line = literal.map(|(line, _)| line).unwrap_or_default();
        match line.split_ascii_whitespace().next() {
            Some(program)
                if !line.contains(['|', '&', ';', '`', '$', '=', '(']) && !program.contains("#{") =>
            {
                asks.push(Ask::Maybe(Dynamic::Program, program.to_owned()));
            }
            _ => asks.dynamic(Dynamic::Program),
        }
    };
    for call in [&b"system"[..], b"exec", b"spawn"] {
        each_call(text, call, |place, after| {
            let owner = word_before(text, place.saturating_sub(1), is_name);
            if before(text, place) != b'.' || matches!(owner, b"Kernel" | b"Process") {
                run(after);
            }
        });
    }
    for place in find_iter(text, b"Open3.") {
        let after = skip(text, place + b"Open3.".len(), is_name);
        if !commented(text, place, b"#") {
            run(after);
        }
    }
    for (call, open) in [(&b"IO.popen"[..], &b" ("[..]), (b"%x", b"({[<|!")] {
        for place in find_iter(text, call) {
            let after = place + call.len();
            if open.contains(&at(text, after)) && !commented(text, place, b"#") {
                run(after);
            }
        }
    }
    // Backquotes stand in comments and messages too: one that runs something follows an operator, or begins a line.
    let mut place = 0;
    while let Some(found) = memchr::memchr(b'`', from(text, place)) {
        let open = place + found;
        place = open + 1;
        if commented(text, open, b"#") {
            place = skip(text, open, |byte| byte != b'\n');
            continue;
        }
        let end = skip_back(text, open, is_blank);
        let Some((_, close)) = quoted(text, open) else { continue };
        if matches!(before(text, end), b'=' | b'(' | b'\n' | b'{' | b'|' | b'&' | b'[' | b',' | b'<') {
            run(open);
        }
        place = close;
    }
}

/// Shared libraries that are opened by name.
fn libraries(text: &[u8], asks: &mut Asks) {
    each_call(text, b"ffi_lib", |_, after| {
        let open = skip(text, after, |byte| is_blank(byte) || matches!(byte, b'(' | b'['));
        match is_quote(at(text, open)).then(|| quoted(text, open)).flatten() {
            Some((name, _)) if !name.contains("#{") => asks.push(Ask::Maybe(Dynamic::Library, name)),
            _ => asks.dynamic(Dynamic::Library),
        }
    });
    if find(text, b"Fiddle").is_some() || find(text, b"DynamicLibrary.open").is_some() {
        asks.dynamic(Dynamic::Library);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::text::testing::{check_scan, check_total};

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        check_scan(scan, text, want);
    }

    #[test]
    fn every_form_of_require_is_seen() {
        check(
            "require 'json'\nrequire(\"a/b\")\n  require 'c' if x\n",
            &["import json", "import a/b", "import c"],
        );
        check("require_relative 'a/b'\nrequire_relative(\"../c\")\n", &["include a/b", "include ../c"]);
        check("autoload :A, 'x/a'\nautoload(:B, \"x/b\")\n", &["import x/a", "import x/b"]);
        check("load 'tasks/x.rake'\nKernel.load('y.rb')\n", &["import tasks/x.rake", "import y.rb"]);
        check(
            "require File.expand_path('../a', __FILE__)\nrequire File.join(__dir__, 'b')\n",
            &["include ./a", "include ./b"],
        );
        check(
            "require \"#{__dir__}/c\"\nrequire File.dirname(__FILE__) + '/d'\n",
            &["include ./c", "include ./d"],
        );
        check("# require 'a'\nrequired = x.require_something\nparams.require(:user)\n", &[]);
        check("Bundler.require(*Rails.groups)\n", &["import bundler/require"]);
        check(
            "load Gem.activate_bin_path('puma', 'pumactl', version)\n",
            &["import puma:pumactl", "any module"],
        );
    }

    #[test]
    fn computed_names_are_said_to_be_computed() {
        check("require name\n", &["any module"]);
        check("files.each { |f| require f }\n", &["any module"]);
        check("require \"adapters/#{name}\"\n", &["maybe module adapters/*"]);
        check("require \"#{name}\"\n", &["any module"]);
        check("eval(text)\n", &["any module"]);
        check("$:.unshift File.expand_path('../lib', __FILE__)\n", &[]);
        check("$LOAD_PATH << folder\n", &["any module"]);
        check("loader = Zeitwerk::Loader.for_gem\n", &["maybe module **"]);
        check("YAML.load(x)\ndef load(x)\nend\n", &[]);
    }

    #[test]
    fn programs_and_libraries_are_named_or_computed() {
        check("system('git', 'log')\nexec \"ls -l\"\n", &["maybe program git", "maybe program ls"]);
        check("x = `uname -a`\n# `not this`\nraise \"use `that`\"\n", &["maybe program uname"]);
        check("spawn(command)\n", &["any program"]);
        check("ffi_lib 'c'\nffi_lib name\n", &["maybe library c", "any library"]);
    }

    #[test]
    fn a_gemfile_lists_what_is_required() {
        let text = "source 'x'\ngem 'rails', '~> 7'\ngem \"rack-test\", require: 'rack/test'\n";
        check_scan(scan_gemfile, text, &["import rails", "import rack/test", "import rack-test"]);
    }

    #[test]
    fn any_bytes_are_survived() {
        let words = &[
            "require",
            "require_relative",
            "autoload",
            ":A",
            "load ",
            "__FILE__",
            "#{",
            "system",
            "ffi_lib ",
            "$:",
            "Bundler.",
            "eval(",
            "%x(",
        ];
        check_total(scan, words);
        check_total(scan_gemfile, words);
    }
}
