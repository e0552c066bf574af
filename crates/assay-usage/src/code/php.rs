//! PHP: files that are included, and classes that are loaded when they are named
//! ([`include`](https://www.php.net/manual/en/function.include.php), [autoloading](https://www.php.net/manual/en/language.oop5.autoload.php)).
//!
//! A class is loaded by being named, so every qualified name in a file counts, in strings too, as does every word where only a class can
//! stand. Classes of a file's own namespace need no qualification: `App\*` stands for all of them.
//!
//! Composer's maps (`vendor/composer/autoload_*.php`) are PHP themselves; each entry becomes a `SearchPath` `kind:name=path`, the path below
//! `vendor` (`v/…`) or below the project (`b/…`).

use super::text::{
    Asks, at, before, commented, from, is_name, quoted, report, shebang, skip, skip_back, word, word_before,
};
use assay_analyze::{Analyzer, AnalyzerId, Ask, Dynamic, File, Language, Select, Sink};
use assay_model::path::{file_name, parent};
use memchr::memmem::{find, find_iter};
use std::collections::HashMap;

/// Reads what PHP files include and name.
pub(super) struct PhpIncludes;

/// Bytes of a class's name.
const MAX_NAME: usize = 512;

impl Analyzer for PhpIncludes {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "php-includes", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".php"),
            Select::Suffix(".inc"),
            Select::Suffix(".phtml"),
            Select::Suffix(".phar"),
            Select::Magic(b"#!"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let name = file.name();
        let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix).to_ascii_lowercase();
        if file_name(parent(file.path)) == "composer" && name.starts_with("autoload_") {
            return report(file, out, Language::Php, |text, asks| map(text, name, asks));
        }
        match suffix.as_str() {
            // An archive of many files, perhaps compressed.
            "phar" => report(file, out, Language::Php, |_, asks| asks.anything()),
            "php" | "phtml" => report(file, out, Language::Php, scan),
            // Assembler and C++ use this suffix too.
            "inc" => {
                let mut start = [0; 5];
                if file.content.read_exact_at(0, &mut start).is_ok() && start == *b"<?php" {
                    report(file, out, Language::Php, scan);
                }
            }
            _ if shebang(file, "php") => report(file, out, Language::Php, scan),
            _ => {}
        }
    }
}

/// Reads one of Composer's maps: `'Twig\\' => array($vendorDir . '/twig/twig/src'),`.
fn map(text: &[u8], name: &str, asks: &mut Asks) {
    let kind = match name {
        "autoload_psr4.php" => "psr4",
        "autoload_namespaces.php" => "psr0",
        "autoload_classmap.php" => "class",
        "autoload_files.php" => "file",
        // The same again in another form, and the code that reads them.
        _ => return,
    };
    for line in text.split(|byte| *byte == b'\n') {
        let open = skip(line, 0, |byte| byte.is_ascii_whitespace());
        let Some((key, end)) = is_quote(at(line, open)).then(|| quoted(line, open)).flatten() else {
            continue;
        };
        let mut place = end;
        while let Some(dollar) = memchr::memchr(b'$', from(line, place)) {
            place += dollar;
            let base = if from(line, place).starts_with(b"$vendorDir") { "v" } else { "b" };
            let literal = memchr::memchr2(b'\'', b'"', from(line, place)).map(|open| place + open);
            let next =
                memchr::memchr(b'$', from(line, place + 1)).map_or(line.len(), |next| place + 1 + next);
            let part = literal.filter(|open| *open < next).and_then(|open| quoted(line, open));
            let path = part.as_ref().map_or("", |(path, _)| path.as_str());
            asks.push(Ask::SearchPath(format!("{kind}:{key}={base}{path}")));
            place = part.map_or(place + 1, |(_, end)| end);
        }
    }
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'\'' | b'"')
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn is_comment(text: &[u8], place: usize) -> bool {
    [&b"//"[..], b"*", b"#", b"/*"].iter().any(|mark| commented(text, place, mark))
}

/// Reads what a PHP text asks for.
pub(super) fn scan(text: &[u8], asks: &mut Asks) {
    for word in [&b"require"[..], b"include"] {
        for place in find_iter(text, word) {
            let mut after = place + word.len();
            if from(text, after).starts_with(b"_once") {
                after += b"_once".len();
            }
            let owned = matches!(before(text, place), b'$' | b'>' | b':' | b'\\' | b'\'' | b'"' | b'-');
            if is_name(before(text, place)) || is_name(at(text, after)) || owned || is_comment(text, place) {
                continue;
            }
            include(text, after, asks);
        }
    }
    classes(text, asks);
    computed(text, asks);
}

/// Reads the path after `include`.
fn include(text: &[u8], after: usize, asks: &mut Asks) {
    let mut place = skip(text, after, |byte| is_blank(byte) || byte == b'(' || byte == b'@');
    let here: [(&[u8], &str); 6] = [
        (b"dirname(__DIR__)", ".."),
        (b"dirname(__DIR__, 1)", ".."),
        (b"dirname(__DIR__, 2)", "../.."),
        (b"dirname(__FILE__)", "."),
        (b"dirname(dirname(__FILE__))", ".."),
        (b"__DIR__", "."),
    ];
    let mut path = String::new();
    if let Some((word, folder)) = here.iter().find(|(word, _)| from(text, place).starts_with(word)) {
        path.push_str(folder);
        place = skip(text, place + word.len(), is_blank);
        if at(text, place) != b'.' {
            return asks.dynamic(Dynamic::Module);
        }
        place = skip(text, place + 1, is_blank);
    }
    if !is_quote(at(text, place)) {
        // `include = 1`, an argument's name and other words are no statements.
        if matches!(at(text, place), b'$' | b'\\') || is_name(at(text, place)) {
            asks.dynamic(Dynamic::Module);
        }
        return;
    }
    let quote = at(text, place);
    let Some((literal, end)) = quoted(text, place) else { return asks.dynamic(Dynamic::Module) };
    let whole = !matches!(at(text, skip(text, end, is_blank)), b'.')
        && (quote == b'\'' || !literal.contains(['$', '{']));
    path.push_str(&literal);
    if whole {
        return asks.push(Ask::Include(path));
    }
    let known = path.split(['$', '{']).next().unwrap_or_default();
    match known.rsplit_once('/') {
        Some((folder, _)) if folder.starts_with('.') && folder.trim_matches(['.', '/']).len() > 1 => {
            asks.push(Ask::Maybe(Dynamic::Module, format!("{folder}/*")));
        }
        _ => asks.dynamic(Dynamic::Module),
    }
}

/// Reads names of classes.
fn classes(text: &[u8], asks: &mut Asks) {
    let namespace = namespace(text);
    let mut aliases: HashMap<String, String> = HashMap::new();
    let mut names: Vec<String> = Vec::new();
    // Qualified names, in code and in strings, where a separator may be written twice.
    let mut place = 0;
    while let Some(found) = memchr::memchr(b'\\', from(text, place)) {
        let middle = place + found;
        let is_part = |byte: u8| is_name(byte) || byte == b'\\';
        let start = skip_back_bounded(text, middle, is_part);
        let end = skip(text, middle, is_part);
        place = end.max(middle + 1);
        if end - start > MAX_NAME {
            continue;
        }
        let Some(raw) = text.get(start..end).and_then(|raw| std::str::from_utf8(raw).ok()) else { continue };
        let name = raw.replace("\\\\", "\\");
        let trimmed = name.trim_matches('\\');
        if at(text, skip(text, end, is_blank)) == b'{' && name.ends_with('\\') {
            // use A\{B, C as D};
            let body = from(text, end);
            let close = memchr::memchr(b'}', body).unwrap_or(0).min(8192);
            let list = String::from_utf8_lossy(body.get(..close).unwrap_or_default()).replace('{', "");
            for part in list.split(',') {
                let mut words = part.split_whitespace().filter(|word| !matches!(*word, "function" | "const"));
                let Some(first) = words.next() else { continue };
                let full = format!("{trimmed}\\{first}");
                let alias = words.next_back().unwrap_or_else(|| first.rsplit('\\').next().unwrap_or(first));
                aliases.insert(alias.to_owned(), full.clone());
                names.push(full);
            }
            continue;
        }
        // `\n` in a string and a lone separator are no names.
        if trimmed.len() < 3
            || trimmed
                .split('\\')
                .any(|part| part.is_empty() || part.starts_with(|c: char| c.is_ascii_digit()))
        {
            continue;
        }
        let head = word_before(text, skip_back(text, start, is_blank), is_name);
        if head == b"namespace" {
            continue;
        }
        if matches!(head, b"use" | b"function" | b"const")
            || before(text, skip_back(text, start, is_blank)) == b','
        {
            let after = skip(text, end, is_blank);
            let alias = if word(text, after, is_name) == b"as" {
                String::from_utf8_lossy(word(text, skip(text, after + 2, is_blank), is_name)).into_owned()
            } else {
                trimmed.rsplit('\\').next().unwrap_or(trimmed).to_owned()
            };
            aliases.insert(alias, trimmed.to_owned());
        }
        if !name.starts_with('\\')
            && let Some((first, rest)) = trimmed.split_once('\\')
        {
            if let Some(full) = aliases.get(first) {
                names.push(format!("{full}\\{rest}"));
            }
            if let Some(namespace) = &namespace {
                names.push(format!("{namespace}\\{trimmed}"));
            }
        }
        names.push(trimmed.to_owned());
    }
    if let Some(namespace) = &namespace {
        names.push(format!("{namespace}\\*"));
    }
    // Plain names are classes of the global namespace, when there is no other.
    if namespace.is_none() {
        for keyword in [&b"new"[..], b"extends", b"implements"] {
            for place in find_iter(text, keyword) {
                let after = place + keyword.len();
                if is_name(before(text, place)) || !is_blank(at(text, after)) {
                    continue;
                }
                let start = skip(text, after, is_blank);
                push_plain(word(text, start, is_name), &mut names);
            }
        }
        for place in find_iter(text, b"::") {
            push_plain(word_before(text, place, is_name), &mut names);
        }
    }
    names.sort_unstable();
    names.dedup();
    names.into_iter().for_each(|name| asks.import(name));
}

fn push_plain(name: &[u8], names: &mut Vec<String>) {
    let first = name.first().copied().unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    if name.len() < MAX_NAME && (first.is_ascii_uppercase() || first >= 0x80 || name.contains('_')) {
        names.push(name.into_owned());
    }
}

/// As [`skip_back`], but not over more than a name's length.
fn skip_back_bounded(text: &[u8], place: usize, part: impl Fn(u8) -> bool) -> usize {
    let mut start = place;
    while start > 0 && place - start <= MAX_NAME && part(before(text, start)) {
        start -= 1;
    }
    start
}

/// Returns the namespace a file declares.
fn namespace(text: &[u8]) -> Option<String> {
    let place = find_iter(text, b"namespace").find(|place| {
        let end = skip_back(text, *place, |byte| matches!(byte, b' ' | b'\t'));
        matches!(before(text, end), b'\n' | b'\r' | b';' | b'p' | b'/')
            && is_blank(at(text, place + b"namespace".len()))
    })?;
    let start = skip(text, place + b"namespace".len(), is_blank);
    let name = word(text, start, |byte| is_name(byte) || byte == b'\\');
    let name = String::from_utf8_lossy(name).into_owned();
    (!name.is_empty() && name.len() < MAX_NAME).then_some(name)
}

/// Classes and code by computed names.
fn computed(text: &[u8], asks: &mut Asks) {
    for place in find_iter(text, b"new") {
        let after = skip(text, place + 3, is_blank);
        if !is_name(before(text, place))
            && after > place + 3
            && matches!(at(text, after), b'$' | b'(')
            && !is_comment(text, place)
        {
            asks.dynamic(Dynamic::Module);
        }
    }
    for place in find_iter(text, b"::") {
        let end = word_before(text, place, is_name);
        if before(text, place - end.len()) == b'$' || matches!(before(text, place), b')' | b']') {
            asks.dynamic(Dynamic::Module);
        }
    }
    for place in memchr::memchr_iter(b'(', text) {
        let end = skip_back(text, place, is_blank);
        let name = word_before(text, end, is_name);
        let start = end - name.len();
        if matches!(before(text, start), b'>' | b'$') || name.len() < 2 || !called(name) {
            continue;
        }
        let owned = before(text, start) == b':' && !text.get(..start).unwrap_or_default().ends_with(b"FFI::");
        let defined = word_before(text, skip_back(text, start, is_blank), is_name) == b"function";
        if !owned && !defined && !is_comment(text, start) {
            call(text, name, place + 1, asks);
        }
    }
    for place in memchr::memchr_iter(b'`', text) {
        let end = skip_back(text, place, is_blank);
        if matches!(before(text, end), b'=' | b'(' | b'.') && !is_comment(text, place) {
            asks.dynamic(Dynamic::Program);
        }
    }
}

/// Functions that run or load what they are given.
const LOADERS: [&[u8]; 7] =
    [b"eval", b"spl_autoload_register", b"unserialize", b"create_function", b"cdef", b"load", b"dl"];
/// Functions that load a class when they are given its name.
const OF_CLASSES: [&[u8]; 7] = [
    b"class_exists",
    b"interface_exists",
    b"is_callable",
    b"call_user_func",
    b"call_user_func_array",
    b"is_a",
    b"is_subclass_of",
];
/// Functions that run programs.
const OF_PROGRAMS: [&[u8]; 7] =
    [b"exec", b"shell_exec", b"system", b"passthru", b"proc_open", b"popen", b"pcntl_exec"];

fn called(name: &[u8]) -> bool {
    LOADERS.contains(&name) || OF_CLASSES.contains(&name) || OF_PROGRAMS.contains(&name)
}

/// Reads a call whose first argument starts at `open`.
fn call(text: &[u8], name: &[u8], open: usize, asks: &mut Asks) {
    if OF_CLASSES.contains(&name) {
        // Literals have been read with the qualified names.
        if matches!(at(text, skip(text, open, is_blank)), b'$' | b'[') {
            asks.dynamic(Dynamic::Module);
        }
    } else if OF_PROGRAMS.contains(&name) {
        let start = skip(text, open, |byte| is_blank(byte) || byte == b'[');
        let literal = is_quote(at(text, start)).then(|| quoted(text, start)).flatten();
        let line = literal.map(|(line, _)| line).unwrap_or_default();
        match line.split_ascii_whitespace().next() {
            Some(program) if !line.contains(['|', '&', ';', '`', '$', '=', '(', '{']) => {
                asks.push(Ask::Maybe(Dynamic::Program, program.to_owned()));
            }
            _ => asks.dynamic(Dynamic::Program),
        }
    } else {
        match name {
            b"cdef" | b"dl" => asks.dynamic(Dynamic::Library),
            // Of `FFI`; a function of this name is somebody's own.
            b"load" if find(text, b"FFI::load").is_some() => asks.dynamic(Dynamic::Library),
            b"load" => {}
            _ => asks.dynamic(Dynamic::Module),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::testing::facts;
    use crate::code::text::testing::{check_scan, check_total};

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        check_scan(scan, text, want);
    }

    #[test]
    fn every_form_of_include_is_seen() {
        check("<?php require 'a.php'; include_once(\"b.php\");", &["include a.php", "include b.php"]);
        check("require_once __DIR__ . '/../vendor/autoload.php';", &["include ./../vendor/autoload.php"]);
        check("return include dirname(__FILE__).'/x.php';", &["include ./x.php"]);
        check("require dirname(__DIR__) . \"/y.php\";", &["include ../y.php"]);
        check("// require 'a.php'\n * include 'b.php'\n$include = 1; $x->include('c');", &[]);
        check("include $file;", &["any module"]);
        check("require __DIR__ . '/lang/' . $x . '.php';", &["maybe module ./lang/*"]);
        check("require \"./lang/$x.php\";", &["maybe module ./lang/*"]);
        check("require $dir . '/x.php';", &["any module"]);
    }

    #[test]
    fn classes_are_loaded_by_being_named() {
        check(
            "<?php\nuse A\\B;\nuse C\\D as E;\nnew E\\F();\n",
            &["import A\\B", "import C\\D", "import C\\D\\F", "import E", "import E\\F"],
        );
        check(
            "<?php\nnamespace N\\M;\nnew \\X\\Y; new Z; P\\Q::r();",
            &["import N\\M\\*", "import N\\M\\P\\Q", "import P\\Q", "import X\\Y"],
        );
        check("use A\\{B, C as D};", &["import A\\B", "import A\\C"]);
        check("$x = 'App\\\\Kernel'; echo \"\\n\";", &["import App\\Kernel"]);
        check(
            "class A extends Twig_Node { } Foo::bar(); self::x(); parent::y();",
            &["import Foo", "import Twig_Node"],
        );
    }

    #[test]
    fn computed_names_are_said_to_be_computed() {
        check("new $class;", &["any module"]);
        check("$class::create();", &["any module"]);
        check("eval($code);", &["any module"]);
        check("class_exists($name);", &["any module"]);
        check("$x->eval($code); function eval($x) {}", &[]);
        check("exec('ls -l'); $r->exec($x); $p = `date`;", &["maybe program ls", "any program"]);
        check("proc_open($command, $x, $y);", &["any program"]);
    }

    #[test]
    fn composers_maps_are_read() {
        let check = |name: &str, text: &str, want: &[&str]| {
            assert_eq!(facts(&PhpIncludes, &format!("srv/vendor/composer/{name}"), text.as_bytes()), want);
        };
        let psr4 = "<?php\n$vendorDir = dirname(__DIR__);\nreturn array(\n    'Twig\\\\' => array($vendorDir . '/twig/twig/src', $baseDir . '/x'),\n    'App\\\\' => array($baseDir . '/src'),\n);\n";
        check(
            "autoload_psr4.php",
            psr4,
            &["path psr4:Twig\\=v/twig/twig/src", "path psr4:Twig\\=b/x", "path psr4:App\\=b/src"],
        );
        check(
            "autoload_classmap.php",
            "    'A\\\\B' => $vendorDir . '/a/b.php',\n",
            &["path class:A\\B=v/a/b.php"],
        );
        check(
            "autoload_files.php",
            "    '0e6d' => $vendorDir . '/a/bootstrap.php',\n",
            &["path file:0e6d=v/a/bootstrap.php"],
        );
        check("autoload_real.php", "spl_autoload_register(array('x'));", &[]);
    }

    #[test]
    fn any_bytes_are_survived() {
        check_total(
            scan,
            &[
                "require",
                "include_once",
                "__DIR__",
                "use ",
                "A\\B",
                "namespace ",
                "new ",
                "::",
                "$x",
                "exec(",
                "\\\\",
                "{B,",
            ],
        );
        check_total(
            |text, asks| map(text, "autoload_psr4.php", asks),
            &["'A\\\\'", " => ", "$vendorDir", "$baseDir", "array("],
        );
    }
}
