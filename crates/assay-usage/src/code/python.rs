//! Python: modules, console scripts, and the `.pth` and `pyvenv.cfg` files that make up its search path
//! ([import statement](https://docs.python.org/3/reference/simple_stmts.html#the-import-statement),
//! [`site`](https://docs.python.org/3/library/site.html)).
//!
//! Names are as Python writes references to objects: `from a.b import c, d` is `a.b:c,d`, since only the files tell whether `c`
//! is a module of its own; relative ones keep their dots, `.:x`. Every import holds the word `import`, so one search finds them
//! all, in functions and `try` blocks too.
//!
//! A compiled module without its source (`.pyc` outside `__pycache__`) is not decoded: it may load anything.

use super::text::{
    Asks, at, before, commented, from, is_name, quoted, report, shebang, skip, skip_back, word, word_before,
};
use assay_analyze::{Analyzer, AnalyzerId, Ask, Dynamic, File, Language, Select, Sink};
use memchr::memmem::{find, find_iter};

/// Reads what Python files import.
pub(super) struct PythonImports;

impl Analyzer for PythonImports {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-imports", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".py"),
            Select::Suffix(".pyw"),
            Select::Suffix(".pyc"),
            Select::Suffix(".pth"),
            Select::Name("pyvenv.cfg"),
            Select::Magic(b"#!"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let name = file.name();
        if name == "pyvenv.cfg" {
            return report(file, out, Language::Python, scan_venv);
        }
        match name.rsplit_once('.').map_or("", |(_, suffix)| suffix) {
            "py" | "pyw" => report(file, out, Language::Python, scan),
            "pth" => report(file, out, Language::Python, scan_pth),
            "pyc" if file.path.contains("__pycache__/") => {}
            "pyc" => report(file, out, Language::Python, |_, asks| asks.anything()),
            _ if shebang(file, "python") || shebang(file, "pypy") => {
                report(file, out, Language::Python, scan);
            }
            _ => {}
        }
    }
}

/// `home = /usr/bin` says whose standard library a virtual environment shares.
fn scan_venv(text: &[u8], asks: &mut Asks) {
    for line in text.split(|byte| *byte == b'\n') {
        let Ok(line) = std::str::from_utf8(line) else { continue };
        let Some((key, value)) = line.split_once('=') else { continue };
        match key.trim() {
            "home" => asks.push(Ask::SearchPath(value.trim().to_owned())),
            "include-system-site-packages" if value.trim().eq_ignore_ascii_case("true") => {
                asks.push(Ask::Entry("system-site-packages".to_owned()));
            }
            _ => {}
        }
    }
}

/// Lines that start with `import` are run when Python starts; others are folders to search.
fn scan_pth(text: &[u8], asks: &mut Asks) {
    for line in text.split(|byte| *byte == b'\n') {
        let Ok(folder) = std::str::from_utf8(line.trim_ascii()) else { continue };
        if folder.starts_with("import ") || folder.starts_with("import\t") {
            scan(line, asks);
        } else if !folder.is_empty() && !folder.starts_with('#') {
            asks.push(Ask::SearchPath(folder.to_owned()));
        }
    }
}

/// Reads what a Python text asks for.
pub(super) fn scan(text: &[u8], asks: &mut Asks) {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for place in find_iter(text, b"import") {
        let after = place + b"import".len();
        let (previous, next) = (before(text, place), at(text, after));
        if !is_name(previous) && !is_name(next) {
            statement(text, place, after, asks);
        } else if from(text, place).starts_with(b"import_module") {
            by_name(text, place, after + b"_module".len(), asks);
        } else if previous == b'_' && from(text, after).starts_with(b"__") {
            by_name(text, place.saturating_sub(2), after + 2, asks);
        }
    }
    code_as_text(text, asks);
    search_path(text, asks);
    names_of_others(text, asks);
    programs(text, asks);
    libraries(text, asks);
    settings(text, asks);
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

/// Skips blanks and lines that a backslash joins.
fn blanks(text: &[u8], mut place: usize) -> usize {
    loop {
        place = skip(text, place, is_blank);
        let rest = from(text, place);
        if rest.starts_with(b"\\\n") {
            place += 2;
        } else if rest.starts_with(b"\\\r\n") {
            place += 3;
        } else {
            return place;
        }
    }
}

fn blanks_back(text: &[u8], mut place: usize) -> usize {
    loop {
        place = skip_back(text, place, is_blank);
        let head = text.get(..place).unwrap_or_default();
        if head.ends_with(b"\\\n") {
            place -= 2;
        } else if head.ends_with(b"\\\r\n") {
            place -= 3;
        } else {
            return place;
        }
    }
}

/// Reads `import a, b.c as d`, or `from x import a, b` when `from x` stands before.
fn statement(text: &[u8], place: usize, after: usize, asks: &mut Asks) {
    let end = blanks_back(text, place);
    match before(text, end) {
        // Where a statement can begin.
        b'\n' | b'\r' | b';' | b':' => return plain(text, after, asks),
        // A string that holds code, as `.pth` files and tests do.
        b'"' | b'\'' => return plain(text, after, asks),
        _ => {}
    }
    if end == 0 {
        return plain(text, after, asks);
    }
    // Backwards over the module's name: `from . x . y import`, blanks allowed around dots.
    let mut start = end;
    let mut module = Vec::new();
    loop {
        let part = word_before(text, start, |byte| is_name(byte) || byte == b'.');
        if part == b"from" && !module.is_empty() {
            break;
        }
        if part.is_empty() {
            return;
        }
        // `from.x import`: the dots belong to the name.
        if let Some(rest) = part.strip_prefix(b"from").filter(|rest| rest.starts_with(b".")) {
            module.splice(0..0, rest.iter().copied());
            break;
        }
        module.splice(0..0, part.iter().copied());
        if module.len() > 512 {
            return;
        }
        start = blanks_back(text, start - part.len());
    }
    let Ok(module) = String::from_utf8(module) else { return };
    names(text, after, module, asks);
}

/// Reads the list after `import`.
fn plain(text: &[u8], mut place: usize, asks: &mut Asks) {
    loop {
        place = blanks(text, place);
        let mut name = String::new();
        // Blanks may stand around the dots.
        loop {
            let part = word(text, place, |byte| is_name(byte) || byte == b'.');
            place += part.len();
            name.push_str(&String::from_utf8_lossy(part));
            let next = blanks(text, place);
            if part.is_empty() || !(name.ends_with('.') || at(text, next) == b'.') || name.len() > 512 {
                break;
            }
            place = next;
        }
        if name.is_empty() || name.starts_with('.') {
            return;
        }
        place = blanks(text, place);
        let mut renamed = false;
        if word(text, place, is_name) == b"as" {
            renamed = true;
            place = blanks(text, place + 2);
            place = blanks(text, skip(text, place, is_name));
        }
        // Under another name, its functions cannot be found by the module's.
        match name.as_str() {
            "subprocess" if renamed => asks.dynamic(Dynamic::Program),
            "importlib" | "pkg_resources" | "runpy" | "imp" | "pickle" if renamed => {
                asks.dynamic(Dynamic::Module);
            }
            _ => {}
        }
        asks.import(name);
        if at(text, place) != b',' {
            return;
        }
        place += 1;
    }
}

/// Reads the list after `from … import`.
fn names(text: &[u8], place: usize, module: String, asks: &mut Asks) {
    let mut place = blanks(text, place);
    let enclosed = at(text, place) == b'(';
    if enclosed {
        place += 1;
    }
    let gap = |mut place: usize| {
        loop {
            place = blanks(text, place);
            match at(text, place) {
                b'\n' | b'\r' if enclosed => place += 1,
                b'#' if enclosed => place = skip(text, place, |byte| byte != b'\n'),
                _ => return place,
            }
        }
    };
    let mut reference = module;
    let module_len = reference.len();
    reference.push(':');
    loop {
        place = gap(place);
        let name = if at(text, place) == b'*' { b"*" } else { word(text, place, is_name) };
        if name.is_empty() {
            break;
        }
        place = gap(place + name.len());
        if word(text, place, is_name) == b"as" {
            place = gap(place + 2);
            place = gap(skip(text, place, is_name));
        }
        let name = String::from_utf8_lossy(name);
        of_module(reference.get(..module_len).unwrap_or_default(), &name, asks);
        if reference.len() > module_len + 1 {
            reference.push(',');
        }
        reference.push_str(&name);
        if at(text, place) != b',' || reference.len() > 8192 {
            break;
        }
        place += 1;
    }
    // What is too long, or no list at all, still loads the module.
    if reference.len() == module_len + 1 || reference.len() > 8192 {
        reference.truncate(module_len);
    }
    asks.import(reference);
}

/// Says what names of the standard library mean that load or run what they are given.
fn of_module(module: &str, name: &str, asks: &mut Asks) {
    let starts = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    match module {
        "subprocess" if starts(&["run", "call", "check_", "Popen", "get", "*"]) => {
            asks.dynamic(Dynamic::Program);
        }
        "os" if starts(&["system", "popen", "exec", "spawn", "posix_spawn", "*"]) => {
            asks.dynamic(Dynamic::Program);
        }
        "asyncio" | "asyncio.subprocess" if starts(&["create_subprocess", "*"]) => {
            asks.dynamic(Dynamic::Program);
        }
        "importlib" | "builtins" if name == "*" => asks.dynamic(Dynamic::Module),
        "pickle" if starts(&["load", "Unpickler", "*"]) => asks.dynamic(Dynamic::Module),
        "sys" if matches!(name, "path" | "meta_path" | "path_hooks") => asks.dynamic(Dynamic::Module),
        "ctypes" if starts(&["CDLL", "PyDLL", "cdll", "pydll", "*"]) => asks.dynamic(Dynamic::Library),
        _ => {}
    }
}

/// Reads `import_module(…)` and `__import__(…)`.
fn by_name(text: &[u8], place: usize, after: usize, asks: &mut Asks) {
    if commented(text, place, b"#") || is_name(at(text, after)) {
        return;
    }
    let next = blanks(text, after);
    if at(text, next) != b'(' {
        // `from importlib import import_module` only gives it its name, and a definition is no call.
        let end = blanks_back(text, place);
        let end = if before(text, end) == b'(' { blanks_back(text, end - 1) } else { end };
        let known = word_before(text, end, is_name) == b"import" && word(text, next, is_name) != b"as";
        let spoken =
            matches!((before(text, place), at(text, after)), (b'`' | b'\'' | b'"', b'`' | b'\'' | b'"'));
        if !known && (!spoken || before(text, place) != b'`') {
            asks.dynamic(Dynamic::Module);
        }
        return;
    }
    if word_before(text, blanks_back(text, place), is_name) == b"def" {
        return;
    }
    let blank = |byte: u8| byte.is_ascii_whitespace();
    let argument = skip(text, next + 1, blank);
    match argument_text(text, argument) {
        Some((name, end)) => match at(text, skip(text, end, blank)) {
            b')' => asks.import(name),
            b',' if !name.starts_with('.') => asks.import(name),
            // `import_module('.x', __package__)`; any other package is another's.
            b',' => {
                let second = skip(text, skip(text, end, blank) + 1, blank);
                let named = |word: &[u8]| from(text, second).starts_with(word);
                if named(b"__name__") || named(b"__package__") || named(b"package=__") {
                    asks.import(format!("{name}:"));
                } else {
                    asks.dynamic(Dynamic::Module);
                }
            }
            _ => asks.dynamic(Dynamic::Module),
        },
        None => asks.dynamic(Dynamic::Module),
    }
}

/// Reads a string literal that computes nothing.
fn argument_text(text: &[u8], place: usize) -> Option<(String, usize)> {
    let place = match at(text, place) {
        b'r' | b'u' | b'b' | b'R' | b'U' | b'B' => place + 1,
        _ => place,
    };
    let quote = at(text, place);
    if !matches!(quote, b'\'' | b'"') || from(text, place).starts_with(&[quote; 3]) {
        return None;
    }
    quoted(text, place)
}

/// Calls whatever follows each place at which `word` stands as a name of its own.
fn each_word(text: &[u8], word: &[u8], mut found: impl FnMut(usize, usize)) {
    for place in find_iter(text, word) {
        let after = place + word.len();
        if !is_name(before(text, place)) && !is_name(at(text, after)) && !commented(text, place, b"#") {
            found(place, after);
        }
    }
}

/// `exec(…)` and `eval(…)` run text, which may import; literals have been read already.
fn code_as_text(text: &[u8], asks: &mut Asks) {
    for word in [&b"exec"[..], b"eval"] {
        each_word(text, word, |place, after| {
            let next = skip(text, after, is_blank);
            if at(text, next) != b'(' || argument_text(text, next + 1).is_some() {
                return;
            }
            let method =
                before(text, place) == b'.' && !text.get(..place).unwrap_or_default().ends_with(b"builtins.");
            let defined = word_before(text, blanks_back(text, place), is_name) == b"def";
            if !method && !defined {
                asks.dynamic(Dynamic::Module);
            }
        });
    }
}

/// A search path that is changed leads to folders nobody can tell.
fn search_path(text: &[u8], asks: &mut Asks) {
    const CHANGES: [&[u8]; 6] = [b".insert", b".append", b".extend", b"[", b"_hooks", b"_importer"];
    for place in find_iter(text, b"sys.") {
        let rest = from(text, place + b"sys.".len());
        if rest.starts_with(b"meta_path") {
            asks.dynamic(Dynamic::Module);
        }
        let Some(rest) = rest.strip_prefix(b"path") else { continue };
        let assigned = rest.trim_ascii_start();
        let assigned = assigned.strip_prefix(b"+").unwrap_or(assigned);
        let changed = CHANGES.iter().any(|change| rest.starts_with(change))
            || assigned.starts_with(b"=") && !assigned.starts_with(b"==");
        if changed && !commented(text, place, b"#") {
            asks.dynamic(Dynamic::Module);
        }
    }
    if asks.any_import(|name| name.starts_with("site")) && find(text, b"addsitedir").is_some() {
        asks.dynamic(Dynamic::Module);
    }
}

/// Functions of the standard library, and of setuptools, that import what they are told to.
fn names_of_others(text: &[u8], asks: &mut Asks) {
    const LOADERS: [&[u8]; 14] = [
        b"entry_points",
        b"load_entry_point",
        b"spec_from_",
        b"exec_module",
        b"load_module",
        b"load_source",
        b"SourceFileLoader",
        b"ExtensionFileLoader",
        b"run_path",
        b"run_module",
        b"walk_packages",
        b"resolve_name",
        b"pickle.load",
        b"Unpickler",
    ];
    // None of these can be reached without the module.
    const MODULES: [&str; 7] = ["importlib", "pkg_resources", "pkgutil", "runpy", "imp", "pickle", "cPickle"];
    let named = |name: &str| MODULES.iter().any(|module| name.starts_with(module) || name.ends_with(module));
    if asks.any_import(named) && LOADERS.iter().any(|word| find(text, word).is_some()) {
        asks.dynamic(Dynamic::Module);
    }
    // Handlers and formatters are named by strings.
    let configured = |name: &str| name.starts_with("logging") || name.contains("dictConfig");
    let words: [&[u8]; 3] = [b"logging.config", b"dictConfig", b"fileConfig"];
    if asks.imports("logging:config")
        || asks.any_import(configured) && words.iter().any(|word| find(text, word).is_some())
    {
        asks.dynamic(Dynamic::Module);
    }
}

/// Programs that are run.
fn programs(text: &[u8], asks: &mut Asks) {
    if asks.any_import(|name| name.contains("subprocess") || name.starts_with("asyncio")) {
        subprocesses(text, asks);
    }
    for place in find_iter(text, b"os.") {
        let after = place + b"os.".len();
        let rest = from(text, after);
        let starts = OF_OS.iter().any(|start| rest.starts_with(start));
        if starts && !is_name(before(text, place)) && !commented(text, place, b"#") {
            program(text, skip(text, after, is_name), asks);
        }
    }
    if asks.imports("pty") {
        each_word(text, b"spawn", |_, after| program(text, after, asks));
    }
}

/// Functions of `os` that run programs, by how their names begin.
const OF_OS: [&[u8]; 5] = [b"system", b"popen", b"exec", b"spawn", b"posix_spawn"];

fn subprocesses(text: &[u8], asks: &mut Asks) {
    const CALLS: [&[u8]; 7] =
        [b"run", b"call", b"check_call", b"check_output", b"Popen", b"getoutput", b"getstatusoutput"];
    for place in find_iter(text, b"subprocess") {
        let after = place + b"subprocess".len();
        if text.get(..place).unwrap_or_default().ends_with(b"create_") {
            asks.dynamic(Dynamic::Program);
            continue;
        }
        if at(text, after) != b'.' || commented(text, place, b"#") {
            continue;
        }
        let function = word(text, after + 1, is_name);
        if CALLS.contains(&function) {
            program(text, after + 1 + function.len(), asks);
        }
    }
}

/// Reads what is run from the first argument of the call whose bracket should stand at `place`.
fn program(text: &[u8], place: usize, asks: &mut Asks) {
    let blank = |byte: u8| byte.is_ascii_whitespace();
    let mut argument = skip(text, place, blank);
    let called = at(text, argument) == b'(';
    argument = skip(text, argument + 1, |byte| blank(byte) || matches!(byte, b'[' | b'('));
    let literal = if called { argument_text(text, argument) } else { None };
    let words = literal.as_ref().map(|(line, _)| line.split_ascii_whitespace().collect::<Vec<_>>());
    match words.as_deref() {
        Some([program, ..]) if !program.contains(['$', '{', '%', '|', '&', ';', '`', '=', '(']) => {
            asks.push(Ask::Maybe(Dynamic::Program, (*program).to_owned()));
            // A line for the shell may run others.
            if literal.is_some_and(|(line, _)| line.contains(['|', '&', ';', '`', '$'])) {
                asks.dynamic(Dynamic::Program);
            }
        }
        _ => asks.dynamic(Dynamic::Program),
    }
}

/// Shared libraries that are opened by name.
fn libraries(text: &[u8], asks: &mut Asks) {
    const OPENERS: [&[u8]; 5] = [b"CDLL", b"PyDLL", b"LoadLibrary", b"dlopen", b"cdll."];
    if !asks.any_import(|name| name.contains("ctypes") || name.contains("ffi")) {
        return;
    }
    for opener in OPENERS {
        for place in find_iter(text, opener) {
            if commented(text, place, b"#") {
                continue;
            }
            let after = place + opener.len();
            let next = skip(text, after, is_blank);
            match at(text, next) {
                b'(' => match argument_text(text, skip(text, next + 1, |byte| byte.is_ascii_whitespace())) {
                    Some((name, _)) => asks.push(Ask::Maybe(Dynamic::Library, name)),
                    None if from(text, next + 1).trim_ascii_start().starts_with(b"None") => {}
                    None => asks.dynamic(Dynamic::Library),
                },
                // `import CDLL`, `class X(CDLL)` and `cdll.LoadLibrary` are none; `cdll.name` is.
                _ if opener == b"cdll." && !from(text, after).starts_with(b"LoadLibrary") => {
                    asks.dynamic(Dynamic::Library);
                }
                _ => {}
            }
        }
    }
}

/// Django's settings name applications and middleware by strings; what looks like a module's name may be one.
fn settings(text: &[u8], asks: &mut Asks) {
    if find(text, b"INSTALLED_APPS").is_none() {
        return;
    }
    let mut place = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\'', from(text, place)) {
        let open = place + found;
        match quoted(text, open) {
            Some((name, end)) => {
                place = end;
                let part = |part: &str| {
                    part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                        && part.chars().all(|c| c.is_alphanumeric() || c == '_')
                };
                if name.len() > 2 && name.split('.').all(part) {
                    asks.push(Ask::Maybe(Dynamic::Module, name));
                }
            }
            None => place = open + 1,
        }
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
    fn every_form_of_import_is_seen() {
        check("import os\n", &["import os"]);
        check("import os", &["import os"]);
        check("\u{feff}import os, sys as system, a.b.c as d\n", &["import os", "import sys", "import a.b.c"]);
        check("import a . b\nimport a.\\\n  b\n", &["import a.b"]);
        check("if x: import a; import b\n", &["import a", "import b"]);
        check("def f():\n\timport \\\n  a\n", &["import a"]);
        check("from a.b import c\n", &["import a.b:c"]);
        check("from a import (  # why\n    b as B,\n    c,  # that\n)\n", &["import a:b,c"]);
        check("from a import b, \\\n    c\nx = 1\n", &["import a:b,c"]);
        check(
            "from . import x\nfrom .. import y\nfrom ..a import b\n",
            &["import .:x", "import ..:y", "import ..a:b"],
        );
        check("from.import x\nfrom.a import(b)\nfrom . a import b\n", &["import .:x", "import .a:b"]);
        check("from a \\\n  import b\n", &["import a:b"]);
        check("from a import *\r\nimport b\r\n", &["import a:*", "import b"]);
        check(
            "try:\n    from simplejson import loads\nexcept ImportError:\n    from json import loads\n",
            &["import simplejson:loads", "import json:loads"],
        );
        check("import über\n", &["import über"]);
        check("# the import of a\nimportant = reimport\nx = 'import'\n", &[]);
    }

    #[test]
    fn computed_names_are_said_to_be_computed() {
        check("importlib.import_module('a.b')\n", &["import a.b"]);
        check("importlib.import_module(name)\n", &["any module"]);
        check("import_module('.x', __package__)\n", &["import .x:"]);
        check("import_module('.x', other)\n", &["any module"]);
        check("import_module('a' + b)\n", &["any module"]);
        check("import_module(f'a.{b}')\n", &["any module"]);
        check("from importlib import import_module\n", &["import importlib:import_module"]);
        check(
            "from importlib import import_module as load\n",
            &["import importlib:import_module", "any module"],
        );
        check("load = importlib.import_module\n", &["any module"]);
        check("__import__('a')\n__import__(\n  'b',\n)\n", &["import a", "import b"]);
        check("x = __import__(name, level=0)\n", &["any module"]);
        check("#   x = __import__(name)\n", &[]);
        check("exec(code, scope)\n", &["any module"]);
        check("eval (text)\n", &["any module"]);
        check("redis.eval(script)\nre.exec(x)\ndef exec(self):\n  pass\n", &[]);
        check("sys.path.insert(0, here)\n", &["any module"]);
        check("sys.path = [x]\n", &["any module"]);
        check("for x in sys.path: pass\nif sys.path == []: pass\n", &[]);
        check("import pickle\npickle.loads(x)\n", &["import pickle", "any module"]);
        check(
            "from importlib.metadata import entry_points\n",
            &["import importlib.metadata:entry_points", "any module"],
        );
    }

    #[test]
    fn programs_and_libraries_are_named_or_computed() {
        // Anything may be known by its name.
        #[track_caller]
        fn check(text: &str, want: &[&str]) {
            check_scan(scan, &format!("from a import *\n{text}"), &[&["import a:*"], want].concat());
        }
        check(
            "import subprocess\nsubprocess.run(['git', 'log'])\n",
            &["import subprocess", "maybe program git"],
        );
        check("subprocess.Popen(\n    ('uname', '-p'))\n", &["maybe program uname"]);
        check("subprocess.call(command)\n", &["any program"]);
        check("subprocess.call('a | b', shell=True)\n", &["maybe program a", "any program"]);
        check("x = subprocess.PIPE\n", &[]);
        check("from subprocess import Popen\n", &["import subprocess:Popen", "any program"]);
        check("import subprocess as s\n", &["import subprocess", "any program"]);
        check("os.system('ls -l')\nos.execvp(a, b)\n", &["maybe program ls", "any program"]);
        check("popen = subprocess.Popen\n", &["any program"]);
        check("await asyncio.create_subprocess_exec(x)\n", &["any program"]);
        check("import ctypes\nctypes.CDLL('libc.so.6')\n", &["import ctypes", "maybe library libc.so.6"]);
        check("import ctypes\nctypes.CDLL(None)\nctypes.CDLL(x)\n", &["import ctypes", "any library"]);
        check("ffi.dlopen('libx.so')\n", &["maybe library libx.so"]);
    }

    #[test]
    fn settings_name_modules_by_strings() {
        check(
            "INSTALLED_APPS = ['django.contrib.admin', \"corsheaders\", 'not one', 'it''s']\n",
            &["maybe module django.contrib.admin", "maybe module corsheaders"],
        );
        check("x = ['django.contrib.admin']\n", &[]);
    }

    #[test]
    fn settings_of_the_search_path_are_read() {
        check_scan(scan_pth, "# note\n../x\nimport _virtualenv\n", &["path ../x", "import _virtualenv"]);
        check_scan(
            scan_venv,
            "home = /usr/bin\ninclude-system-site-packages = true\n",
            &["path /usr/bin", "entry system-site-packages"],
        );
    }

    #[test]
    fn any_bytes_are_survived() {
        let words = &[
            "import",
            "from",
            "__import__",
            "import_module",
            "subprocess.run",
            "CDLL",
            "ctypes",
            "exec",
            "sys.path",
            "MIDDLEWARE",
            "\\\n",
        ];
        check_total(scan, words);
        check_total(scan_pth, words);
    }
}
