//! Perl: modules that are used, required and run
//! ([`perlfunc`](https://perldoc.perl.org/functions/require), [`perlmod`](https://perldoc.perl.org/perlmod)).
//!
//! Only the words `use`, `no`, `require` and `do` load files. Code in strings (`eval "require $class"`) is read as well, and what it computes
//! is seen there.

use super::text::{
    Asks, at, before, commented, from, is_name, quoted, report, shebang, skip, skip_back, word, word_before,
};
use assay_analyze::{Analyzer, AnalyzerId, Ask, Dynamic, File, Language, Select, Sink};
use memchr::memmem::{find, find_iter};

/// Reads what Perl files use.
pub(super) struct PerlUses;

impl Analyzer for PerlUses {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "perl-uses", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".pm"),
            Select::Suffix(".pl"),
            Select::Suffix(".psgi"),
            Select::Suffix(".al"),
            Select::Magic(b"#!"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let suffix = file.name().rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if matches!(suffix, "pm" | "pl" | "psgi" | "al") || shebang(file, "perl") {
            report(file, out, Language::Perl, scan);
        }
    }
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"')
}

fn is_module(byte: u8) -> bool {
    is_name(byte) || byte == b':' || byte == b'\''
}

/// Reads what a Perl text asks for.
pub(super) fn scan(text: &[u8], asks: &mut Asks) {
    for place in find_iter(text, b"use") {
        if let Some(after) = statement(text, place, b"use") {
            used(text, after, asks);
        }
    }
    for (word, path_only) in [(&b"require"[..], false), (b"do", true)] {
        for place in find_iter(text, word) {
            if let Some(after) = statement(text, place, word) {
                required(text, after, asks, path_only);
            }
        }
    }
    for place in find_iter(text, b"eval") {
        let Some(after) = statement(text, place, b"eval") else { continue };
        let next = skip(text, after, |byte| is_blank(byte) || byte == b'(');
        // Text is read as code already; a variable holds other text.
        if matches!(at(text, next), b'$' | b'@') {
            asks.dynamic(Dynamic::Module);
        }
    }
    const LOADERS: [&str; 5] =
        ["Module::Runtime", "Module::Load", "Class::Load", "Module::Pluggable", "Module::Find"];
    if asks.any_import(|name| LOADERS.iter().any(|loader| name.starts_with(loader)))
        || find(text, b"load_class").is_some()
    {
        asks.dynamic(Dynamic::Module);
    }
    for place in find_iter(text, b"@INC") {
        let rest = from(text, place + b"@INC".len()).trim_ascii_start();
        let head = text.get(..place).unwrap_or_default().trim_ascii_end();
        let assigned = rest.starts_with(b"=") && !rest.starts_with(b"==");
        let given = [&b"unshift"[..], b"push", b"("].iter().any(|word| head.ends_with(word));
        if (assigned || given) && !commented(text, place, b"#") {
            asks.dynamic(Dynamic::Module);
        }
    }
    programs(text, asks);
    if asks.any_import(|name| name.starts_with("FFI::") || name == "DynaLoader")
        && find(text, b"dl_load_file").is_some()
        || asks.any_import(|name| name.starts_with("FFI::"))
    {
        asks.dynamic(Dynamic::Library);
    }
}

/// Returns the place after a word that stands as one.
fn statement(text: &[u8], place: usize, name: &[u8]) -> Option<usize> {
    let after = place + name.len();
    let previous = before(text, place);
    let owned = is_name(previous)
        || matches!(previous, b'$' | b'@' | b'%' | b'&' | b'>' | b':' | b'-' | b'=' if previous != b'=');
    (!owned && !is_name(at(text, after)) && !commented(text, place, b"#")).then_some(after)
}

/// Reads what follows `use`: a version, a module, and for some modules a list of others.
fn used(text: &[u8], after: usize, asks: &mut Asks) {
    let start = skip(text, after, is_blank);
    if start == after || !at(text, start).is_ascii_alphabetic() && at(text, start) != b'_' {
        return;
    }
    let module = word(text, start, is_module);
    let end = start + module.len();
    let Ok(name) = std::str::from_utf8(module) else { return };
    // `use v5.36` is a version, prose goes on with a word.
    if name.starts_with('v')
        && name
            .get(1..)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    {
        return;
    }
    let next = skip(text, end, is_blank);
    let prose = at(text, next).is_ascii_alphabetic()
        && word(text, next, is_name) != b"qw"
        && !matches!(at(text, next), b'q' | b'v');
    if prose && !name.contains("::") && !matches!(name, "lib" | "constant" | "parent" | "base") {
        // Still a module when it is spelled like one.
        if !name.starts_with(|first: char| first.is_ascii_uppercase()) {
            return;
        }
    }
    if name == "if" {
        // use if CONDITION, 'Module'
        return list(text, end, asks);
    }
    asks.import(name.replace('\'', "::"));
    match name {
        "parent" | "base" | "fields" | "aliased" | "autouse" => list(text, end, asks),
        "lib" => {
            let open = skip(text, end, is_blank);
            match is_quote(at(text, open)).then(|| quoted(text, open)).flatten() {
                Some((folder, _)) if !folder.contains('$') => asks.push(Ask::SearchPath(folder)),
                // `use lib "$FindBin::Bin/../lib"` is beside the file, and is searched anyway.
                _ if from(text, end)
                    .split(|byte| *byte == b';')
                    .next()
                    .is_some_and(|line| find(line, b"Bin").is_some()) => {}
                _ => asks.dynamic(Dynamic::Module),
            }
        }
        _ => {}
    }
}

/// Reads the modules a list names, up to the statement's end.
fn list(text: &[u8], start: usize, asks: &mut Asks) {
    let rest = from(text, start);
    let line = rest
        .get(..rest.len().min(2048))
        .unwrap_or_default()
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    for part in line.split(|byte| !is_name(*byte) && *byte != b':' && *byte != b'-') {
        let Ok(name) = std::str::from_utf8(part) else { continue };
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) && !matches!(name, "qw" | "norequire")
        {
            asks.import(name);
        }
    }
}

/// Reads what follows `require` or `do`.
fn required(text: &[u8], after: usize, asks: &mut Asks, path_only: bool) {
    let start = skip(text, after, |byte| is_blank(byte) || byte == b'(');
    let first = at(text, start);
    if is_quote(first) {
        return match quoted(text, start) {
            Some((path, _)) if first == b'\'' || !path.contains(['$', '@']) => {
                asks.push(Ask::Include(path));
            }
            _ => asks.dynamic(Dynamic::Module),
        };
    }
    if first == b'$' {
        // `do $block->()` runs no file, but may be one.
        return asks.dynamic(Dynamic::Module);
    }
    if path_only || !first.is_ascii_alphabetic() && first != b'_' {
        return;
    }
    let name = word(text, start, is_module);
    let next = skip(text, start + name.len(), is_blank);
    let ends = matches!(at(text, next), b';' | b'}' | b')' | b'"' | b'\'' | b',' | 0)
        || word(text, next, is_name).len() < 7 && at(text, next) != b'a';
    if let Ok(name) = std::str::from_utf8(name)
        && !name.starts_with('v')
        && (ends || name.contains("::"))
    {
        // A function's result: `require catfile(…)`.
        if at(text, next) == b'(' {
            return asks.dynamic(Dynamic::Module);
        }
        asks.import(name.trim_end_matches(':').replace('\'', "::"));
    }
}

/// Programs that are run.
fn programs(text: &[u8], asks: &mut Asks) {
    for call in [&b"system"[..], b"exec", b"qx"] {
        for place in find_iter(text, call) {
            let Some(after) = statement(text, place, call) else { continue };
            let open = skip(text, after, |byte| is_blank(byte) || byte == b'(');
            let defined = word_before(text, skip_back(text, place, is_blank), is_name) == b"sub";
            if defined || !matches!(at(text, open), b'\'' | b'"' | b'$' | b'@' | b'{' | b'/' | b'[' | b'|') {
                continue;
            }
            let literal = is_quote(at(text, open)).then(|| quoted(text, open)).flatten();
            let line = literal.map(|(line, _)| line).unwrap_or_default();
            match line.split_ascii_whitespace().next() {
                Some(program) if !line.contains(['|', '&', ';', '`', '$', '=', '@', '(']) => {
                    asks.push(Ask::Maybe(Dynamic::Program, program.to_owned()));
                }
                _ => asks.dynamic(Dynamic::Program),
            }
        }
    }
    // open(my $pipe, '-|', …) and `…`
    let pipe = [&b"-|"[..], b"|-"].iter().any(|pipe| {
        find_iter(text, pipe).any(|place| is_quote(before(text, place)) && is_quote(at(text, place + 2)))
    });
    let quotes = memchr::memchr_iter(b'`', text).any(|place| {
        let end = skip_back(text, place, is_blank);
        matches!(before(text, end), b'=' | b'(' | b'{') && !commented(text, place, b"#")
    });
    if quotes || pipe || asks.any_import(|name| name.starts_with("IPC::")) {
        asks.dynamic(Dynamic::Program);
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
    fn every_form_is_seen() {
        check("use strict;\nuse A::B qw(c d);\nuse 5.010; use v5.36;\n", &["import strict", "import A::B"]);
        check(
            "require A::B;\nrequire 'a/b.pl';\ndo \"c.pl\";\n",
            &["import A::B", "include a/b.pl", "include c.pl"],
        );
        check("use parent -norequire, 'A', \"B::C\";\n", &["import parent", "import A", "import B::C"]);
        check("use base qw(A B);\n", &["import base", "import A", "import B"]);
        check("use if $^O eq 'x', 'A::B';\n", &["import O", "import eq", "import x", "import A::B"]);
        check("eval { require A; 1 } or do { x() };\n", &["import A"]);
        check("use lib '/srv/lib';\nuse lib \"$FindBin::Bin/lib\";\n", &["import lib", "path /srv/lib"]);
        check("# use A;\n$x{use}; because; reuse;\n", &[]);
    }

    #[test]
    fn computed_names_are_said_to_be_computed() {
        check("require $file;\n", &["any module"]);
        check("eval \"require $class\";\n", &["any module"]);
        check("eval $text;\n", &["any module"]);
        check("unshift @INC, $x;\n", &["any module"]);
        check("system('ls', '-l'); exec($x);\nmy $d = `date`;\n", &["maybe program ls", "any program"]);
    }

    #[test]
    fn any_bytes_are_survived() {
        check_total(
            scan,
            &[
                "use ", "require ", "do ", "A::B", "qw(", "eval ", "$x", "lib ", "base ", "@INC", "system(",
                "if ",
            ],
        );
    }
}
