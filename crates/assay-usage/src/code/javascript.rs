//! JavaScript under Node: modules, scripts, and the `package.json` files that say which file a name means
//! ([CommonJS](https://nodejs.org/api/modules.html), [ECMAScript modules](https://nodejs.org/api/esm.html),
//! [`package.json`](https://nodejs.org/api/packages.html)).
//!
//! Three words load modules: `require`, `import` and `from`. A name of which only the beginning is literal,
//! `require('./locale/' + name)`, is `./locale/*`: what is computed is taken to stay below the folder.
//!
//! `new Function(text)` is not said to load anything: its text sees no `require`, and an `import()` in it is a literal somewhere,
//! which is read there. `eval` sees what its caller sees.
//!
//! A `package.json` has `Entry` for `main`, and a `SearchPath` `key=target` for each entry of `exports`, `imports` (whose keys start with
//! `#`) and `scripts` (`scripts/start=node server.js`).

use super::text::{
    Asks, at, before, commented, from, quoted, report, shebang, skip, skip_back, word, word_before,
};
use assay_analyze::{Analyzer, AnalyzerId, Ask, Code, Dynamic, Fact, File, Language, Select, Sink};
use memchr::memmem::{find, find_iter};
use serde_json::Value;

/// Reads what JavaScript files import.
pub(super) struct JavaScriptImports;

/// Bytes of a `package.json`; those of the npm registry hold a few thousand.
const MAX_MANIFEST: u64 = 4 << 20;
/// Entries of `exports` or `imports` that are kept; some packages list each of their files.
const MAX_TARGETS: usize = 2000;
/// Conditions inside conditions in `exports`.
const MAX_DEPTH: usize = 16;

impl Analyzer for JavaScriptImports {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "javascript-imports", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Suffix(".js"),
            Select::Suffix(".mjs"),
            Select::Suffix(".cjs"),
            Select::Name("package.json"),
            Select::Magic(b"#!"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let name = file.name();
        if name == "package.json" {
            return manifest(file, out);
        }
        let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        if matches!(suffix, "js" | "mjs" | "cjs") || shebang(file, "node") || shebang(file, "bun") {
            report(file, out, Language::JavaScript, scan);
        }
    }
}

/// Reads what a `package.json` hands out.
fn manifest(file: &File<'_>, out: &mut Sink<'_>) {
    let size = file.content.len();
    let mut asks = Asks::default();
    let mut name = None;
    // The analyzer of packages warns of what cannot be read.
    let text = if size <= MAX_MANIFEST { super::text::start_of(file) } else { None };
    match text.and_then(|text| {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&text);
        serde_json::from_slice::<Value>(text).ok()
    }) {
        Some(manifest) => {
            name = manifest.get("name").and_then(Value::as_str).map(str::to_owned);
            if let Some(main) = manifest.get("main").and_then(Value::as_str) {
                asks.push(Ask::Entry(main.to_owned()));
            }
            let mut left = MAX_TARGETS;
            if let Some(exports) = manifest.get("exports").filter(|exports| !exports.is_null()) {
                targets(".", exports, MAX_DEPTH, &mut left, &mut asks);
            }
            if let Some(Value::Object(imports)) = manifest.get("imports") {
                imports.iter().for_each(|(key, value)| targets(key, value, MAX_DEPTH, &mut left, &mut asks));
            }
            if let Some(Value::Object(scripts)) = manifest.get("scripts") {
                for (key, line) in scripts.iter().take(100) {
                    let line = line.as_str().unwrap_or_default();
                    asks.push(Ask::SearchPath(format!("scripts/{key}={line}")));
                }
            }
            if left == 0 {
                asks.dynamic(Dynamic::Module);
            }
        }
        None => asks.dynamic(Dynamic::Module),
    }
    let code = Code { language: Language::JavaScript, size, name, library: true, asks: asks.finish() };
    out.fact(Fact::Code(Box::new(code)));
}

/// Adds the targets of one key of `exports` or `imports`, whatever the condition: only a run shows which hold.
fn targets(key: &str, value: &Value, depth: usize, left: &mut usize, asks: &mut Asks) {
    let Some(depth) = depth.checked_sub(1) else { return asks.dynamic(Dynamic::Module) };
    match value {
        Value::String(target) => {
            let Some(fewer) = left.checked_sub(1) else { return };
            *left = fewer;
            asks.push(Ask::SearchPath(format!("{key}={target}")));
        }
        Value::Array(all) => all.iter().for_each(|value| targets(key, value, depth, left, asks)),
        Value::Object(all) => {
            for (condition, value) in all {
                // Node never takes these two.
                if condition == "types" || condition == "browser" {
                    continue;
                }
                let inner = if condition.starts_with('.') && key == "." { condition } else { key };
                targets(inner, value, depth, left, asks);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_name(byte: u8) -> bool {
    super::text::is_name(byte) || byte == b'$'
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// Skips blanks and comments.
fn gap(text: &[u8], mut place: usize) -> usize {
    loop {
        place = skip(text, place, is_blank);
        let rest = from(text, place);
        if rest.starts_with(b"/*") {
            match find(rest, b"*/") {
                Some(end) => place += end + 2,
                None => return text.len(),
            }
        } else if rest.starts_with(b"//") {
            place = skip(text, place, |byte| byte != b'\n');
        } else {
            return place;
        }
    }
}

/// Reads what a JavaScript text asks for.
pub(super) fn scan(text: &[u8], asks: &mut Asks) {
    for place in find_iter(text, b"require") {
        require(text, place, place + b"require".len(), asks);
    }
    for place in find_iter(text, b"import") {
        let after = place + b"import".len();
        if is_name(before(text, place)) || is_name(at(text, after)) {
            continue;
        }
        let next = gap(text, after);
        match at(text, next) {
            b'(' if before(text, place) != b'.'
                && !commented(text, place, b"*")
                && !commented(text, place, b"//") =>
            {
                argument(text, next + 1, asks, true);
            }
            b'"' | b'\'' => named(text, next, asks),
            _ => {}
        }
    }
    for place in find_iter(text, b"from") {
        let after = place + b"from".len();
        if !is_name(before(text, place)) && before(text, place) != b'.' {
            let next = gap(text, after);
            if matches!(at(text, next), b'"' | b'\'') {
                named(text, next, asks);
            }
        }
    }
    code_as_text(text, asks);
    others(text, asks);
}

/// Adds the name in quotes at `place`.
fn named(text: &[u8], place: usize, asks: &mut Asks) {
    if let Some((name, _)) = quoted(text, place)
        && is_specifier(&name)
    {
        asks.import(name);
    }
}

/// Returns whether this may be a module's name: prose between quotes is none.
fn is_specifier(name: &str) -> bool {
    !name.is_empty() && name.len() < 1024 && !name.contains(['\n', '<', '>', '|', '"', '\''])
}

/// Reads one `require`, of whatever kind.
fn require(text: &[u8], place: usize, after: usize, asks: &mut Asks) {
    let previous = before(text, place);
    if is_name(at(text, after)) || is_name(previous) {
        return;
    }
    let next = gap(text, after);
    match at(text, next) {
        b'(' => {
            if commented(text, place, b"//") || commented(text, place, b"*") {
                return;
            }
            // `function require(x)` is a bundle's own.
            if word_before(text, skip_back(text, place, is_blank), is_name) == b"function" {
                return;
            }
            argument(text, next + 1, asks, true);
        }
        b'.' => {
            let property = skip(text, next + 1, is_blank);
            if from(text, property).starts_with(b"resolve") {
                let open = gap(text, property + b"resolve".len());
                if at(text, open) == b'(' {
                    // The path may be used for anything, so what is computed is computed where it is used.
                    argument(text, open + 1, asks, false);
                }
            }
        }
        // `eval("require")(name)` hides the name from bundlers.
        b'"' | b'\''
            if previous == at(text, next)
                && (text.get(..place).unwrap_or_default().trim_ascii_end().ends_with(b"eval(\"")
                    || text.get(..place).unwrap_or_default().trim_ascii_end().ends_with(b"eval('")) =>
        {
            asks.dynamic(Dynamic::Module);
        }
        // Given to something else: `const load = require;`, `wrap(require)`, but not `typeof require` or a parameter.
        b';' | b',' | b')' | b'|' | b'?' | b'[' | b'}' | b']' => {
            if commented(text, place, b"//")
                || commented(text, place, b"*")
                || previous == b'.' && !owned(text, place)
            {
                return;
            }
            let end = skip_back(text, place, is_blank);
            let word = word_before(text, end, is_name);
            if word == b"typeof" || is_parameter(text, end, next) {
                return;
            }
            asks.dynamic(Dynamic::Module);
        }
        _ => {}
    }
}

/// Returns whether what stands before `.require` is `module`.
fn owned(text: &[u8], place: usize) -> bool {
    text.get(..place).unwrap_or_default().ends_with(b"module.")
}

/// Returns whether a name between these places is a parameter: `function (require, …) {`, `(require) =>`.
fn is_parameter(text: &[u8], start: usize, end: usize) -> bool {
    let open = skip_back(text, start, |byte| is_name(byte) || is_blank(byte) || byte == b',');
    if before(text, open) != b'(' {
        return false;
    }
    let head = skip_back(text, open - 1, is_blank);
    let name = word_before(text, head, is_name);
    if name == b"function" {
        return true;
    }
    let earlier = skip_back(text, head - name.len(), is_blank);
    if !name.is_empty() && word_before(text, earlier, is_name) == b"function" {
        return true;
    }
    let close = skip(text, end, |byte| is_name(byte) || is_blank(byte) || byte == b',');
    at(text, close) == b')' && from(text, gap(text, close + 1)).starts_with(b"=>")
}

/// Reads the argument of `require(…)` or `import(…)` that starts at `place`.
fn argument(text: &[u8], place: usize, asks: &mut Asks, loads: bool) {
    let start = gap(text, place);
    let quote = at(text, start);
    match quote {
        b'"' | b'\'' => {
            let Some((name, end)) = quoted(text, start) else { return asks.dynamic(Dynamic::Module) };
            match at(text, gap(text, end)) {
                b')' | b',' if is_specifier(&name) => asks.import(name),
                b')' | b',' => {}
                b'+' => partly(&name, asks, loads),
                _ if loads => asks.dynamic(Dynamic::Module),
                _ => {}
            }
        }
        b'`' => {
            let body = from(text, start + 1);
            let body = body.get(..body.len().min(1024)).unwrap_or_default();
            let literal = memchr::memchr3(b'`', b'$', b'\n', body);
            let name = literal.and_then(|end| std::str::from_utf8(body.get(..end)?).ok()).unwrap_or_default();
            match literal.map(|end| at(body, end)) {
                Some(b'`') if is_specifier(name) => asks.import(name),
                _ => partly(name, asks, loads),
            }
        }
        // A bundle's own numbers, and a call without a name.
        b'0'..=b'9' | b')' => {}
        _ => folder(text, start, asks, loads),
    }
}

/// Adds a name of which only the beginning is known.
fn partly(name: &str, asks: &mut Asks, loads: bool) {
    match name.rsplit_once('/') {
        Some((folder, _)) if folder.starts_with('.') && folder.trim_matches(['.', '/']).len() > 1 => {
            asks.push(Ask::Maybe(Dynamic::Module, format!("{folder}/*")));
        }
        _ if loads => asks.dynamic(Dynamic::Module),
        _ => {}
    }
}

/// Reads `__dirname + '/x'` and `path.join(__dirname, 'x', 'y')`.
fn folder(text: &[u8], start: usize, asks: &mut Asks, loads: bool) {
    let rest = from(text, start);
    let joined = [&b"path.join("[..], b"path.resolve(", b"join(", b"resolve("];
    let (mut place, join) = match joined.iter().find(|call| rest.starts_with(call)) {
        Some(call) => (gap(text, start + call.len()), true),
        None => (start, false),
    };
    let computed = |asks: &mut Asks| {
        if loads {
            asks.dynamic(Dynamic::Module);
        }
    };
    if !from(text, place).starts_with(b"__dirname") {
        return computed(asks);
    }
    place += b"__dirname".len();
    let mut path = String::from(".");
    loop {
        place = gap(text, place);
        match at(text, place) {
            b')' => break asks.import(path),
            b',' | b'+' => {
                let quote = gap(text, place + 1);
                let literal = matches!(at(text, quote), b'"' | b'\'').then(|| quoted(text, quote)).flatten();
                let Some((part, end)) = literal else {
                    path.push('/');
                    break partly(&path, asks, loads);
                };
                if join {
                    path.push('/');
                }
                path.push_str(&part);
                place = end;
            }
            _ => break computed(asks),
        }
        if path.len() > 1024 {
            break computed(asks);
        }
    }
}

/// `eval` of what is no literal.
fn code_as_text(text: &[u8], asks: &mut Asks) {
    for place in find_iter(text, b"eval") {
        let after = place + b"eval".len();
        if matches!(before(text, place), b'.') || is_name(before(text, place)) || is_name(at(text, after)) {
            continue;
        }
        let open = skip(text, after, is_blank);
        if at(text, open) == b'('
            && !matches!(at(text, gap(text, open + 1)), b'"' | b'\'' | b')')
            && !commented(text, place, b"//")
            && !commented(text, place, b"*")
        {
            asks.dynamic(Dynamic::Module);
        }
    }
}

/// What Node's own modules load or run.
fn others(text: &[u8], asks: &mut Asks) {
    let imports = |asks: &Asks, name: &str| asks.imports(name) || asks.imports(&format!("node:{name}"));
    if imports(asks, "child_process") {
        programs(text, asks);
    }
    if imports(asks, "module") {
        for place in find_iter(text, b"createRequire") {
            let after = gap(text, place + b"createRequire".len());
            if at(text, after) != b'(' {
                continue;
            }
            // Under its usual name it has been read already.
            let mut end = skip_back(text, place, is_blank);
            if before(text, end) == b'.' {
                end = skip_back(text, end - 1, is_name);
            }
            end = skip_back(text, end, is_blank);
            let named = before(text, end) == b'='
                && word_before(text, skip_back(text, end - 1, is_blank), is_name) == b"require";
            if !named {
                asks.dynamic(Dynamic::Module);
            }
        }
        for word in [&b"_load"[..], b"_resolveFilename", b"_initPaths", b"globalPaths"] {
            if find(text, word).is_some() {
                asks.dynamic(Dynamic::Module);
            }
        }
    }
    if imports(asks, "worker_threads") || imports(asks, "cluster") {
        workers(text, asks);
    }
    if imports(asks, "vm") && find(text, b"importModuleDynamically").is_some() {
        asks.dynamic(Dynamic::Module);
    }
    if imports(asks, "ffi-napi")
        || imports(asks, "ffi")
        || imports(asks, "koffi")
        || find(text, b"process.dlopen").is_some()
    {
        asks.dynamic(Dynamic::Library);
    }
}

/// Programs that are run, and modules that run in a process of their own.
fn programs(text: &[u8], asks: &mut Asks) {
    for call in [&b"spawn"[..], b"spawnSync", b"execFile", b"execFileSync", b"execSync", b"exec", b"fork"] {
        for place in find_iter(text, call) {
            let after = place + call.len();
            let next = skip(text, after, is_blank);
            if is_name(before(text, place)) || is_name(at(text, after)) {
                continue;
            }
            if at(text, next) != b'(' {
                // Renamed, or a part of `const { spawn } = require(…)`, which is called by its name.
                if at(text, next) == b':' {
                    asks.dynamic(Dynamic::Program);
                }
                continue;
            }
            let start = gap(text, next + 1);
            if call == b"fork" {
                argument(text, start, asks, true);
                continue;
            }
            let literal = matches!(at(text, start), b'"' | b'\'').then(|| quoted(text, start)).flatten();
            let line = literal.map(|(line, _)| line).unwrap_or_default();
            match line.split_ascii_whitespace().next() {
                Some(program) if !line.contains(['|', '&', ';', '`', '$', '=']) => {
                    asks.push(Ask::Maybe(Dynamic::Program, program.to_owned()));
                }
                _ => asks.dynamic(Dynamic::Program),
            }
        }
    }
    // `promisify(cp.exec)` and the like.
    for call in [&b".exec)"[..], b".execFile)", b".spawn)", b"(exec)", b"(execFile)", b"(spawn)"] {
        if find(text, call).is_some() {
            asks.dynamic(Dynamic::Program);
        }
    }
}

/// `new Worker(new URL('./w.js', import.meta.url))` and `setupPrimary({exec: …})`.
fn workers(text: &[u8], asks: &mut Asks) {
    for place in find_iter(text, b"Worker") {
        let open = skip(text, place + b"Worker".len(), is_blank);
        if is_name(before(text, place)) || at(text, open) != b'(' {
            continue;
        }
        let start = gap(text, open + 1);
        let rest = from(text, start);
        let url = rest.strip_prefix(b"new URL(").map(|_| gap(text, start + b"new URL(".len()));
        if rest.starts_with(b"__filename") || rest.starts_with(b"import.meta.url") {
            continue;
        }
        argument(text, url.unwrap_or(start), asks, true);
    }
    for word in [&b"setupPrimary"[..], b"setupMaster"] {
        if find(text, word).is_some() && !word_is_absent(text, b"exec") {
            asks.dynamic(Dynamic::Module);
        }
    }
}

fn word_is_absent(text: &[u8], sought: &[u8]) -> bool {
    find_iter(text, sought).all(|place| word(text, place, is_name) != sought)
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
    fn every_form_of_import_is_seen() {
        check("const a = require('a'), b = require(\"b/c\")\n", &["import a", "import b/c"]);
        check("require(`a`);require( /* why */ 'b' )", &["import a", "import b"]);
        check("module.require('a'); require.resolve('b')", &["import a", "import b"]);
        check(
            "import a from 'a'\nimport * as b from \"b\"\nimport 'c'\n",
            &["import c", "import a", "import b"],
        );
        check(
            "import a,{b as c}from'd';export*from\"e\";export{x}from'f'",
            &["import d", "import e", "import f"],
        );
        check("import {\n  a,\n  b\n} from\n  './c.js'\n", &["import ./c.js"]);
        check("import('a').then(x); await import(`b`)", &["import a", "import b"]);
        check("import x from './a.json' with { type: 'json' }", &["import ./a.json"]);
        check("x = import.meta.url; Array.from('abc'); requires('x'); __webpack_require__(12)", &[]);
        check("// we require ( a ) thing\n * @type {import(x)}\n", &[]);
        check("try { require('bufferutil') } catch (e) {}", &["import bufferutil"]);
    }

    #[test]
    fn computed_names_are_said_to_be_computed() {
        check("require(name)", &["any module"]);
        check("require('a' + b)", &["any module"]);
        check("require('./locale/' + name)", &["maybe module ./locale/*"]);
        check("import(`./lang/${x}.js`)", &["maybe module ./lang/*"]);
        check("require('./' + name)", &["any module"]);
        check(
            "require(__dirname + '/a'); require(path.join(__dirname, 'b', 'c'))",
            &["import ./a", "import ./b/c"],
        );
        check("require(path.join(__dirname, 'models', file))", &["maybe module ./models/*"]);
        check("require(path.join(__dirname, file))", &["any module"]);
        check("const load = require;", &["any module"]);
        check("run(require)", &["any module"]);
        check("eval('require')(name)", &["any module"]);
        check("eval(text)", &["any module"]);
        check("eval('1'); model.eval(x)", &[]);
        check("(function (require, module) { typeof require; })\nfunction require(x) {}", &[]);
        check(
            "import {createRequire} from 'module'; const require = createRequire(import.meta.url)",
            &["import module"],
        );
        check(
            "import {createRequire} from 'node:module'; const load = createRequire(x)",
            &["import node:module", "any module"],
        );
        check("require.resolve(name)", &[]);
    }

    #[test]
    fn programs_and_workers() {
        check("require('child_process').execSync('git log')", &["import child_process", "maybe program git"]);
        check(
            "const {spawn} = require('child_process'); spawn(command)",
            &["import child_process", "any program"],
        );
        check(
            "const cp = require('child_process'); cp.fork('./w.js')",
            &["import child_process", "import ./w.js"],
        );
        check("/x/.exec(y)", &[]);
        check(
            "require('worker_threads'); new Worker(new URL('./w.js', import.meta.url))",
            &["import worker_threads", "import ./w.js"],
        );
        check("require('worker_threads'); new Worker(file)", &["import worker_threads", "any module"]);
    }

    #[test]
    fn a_manifest_says_which_file_a_name_means() {
        let check = |text: &str, want: &[&str]| {
            assert_eq!(facts(&JavaScriptImports, "a/package.json", text.as_bytes()), want, "{text}");
        };
        check(r#"{"name": "a", "main": "lib/x"}"#, &["entry lib/x"]);
        check(r#"{"exports": "./x.js"}"#, &["path .=./x.js"]);
        check(
            r##"{"exports": {".": {"types": "./t.d.ts", "import": "./x.mjs", "default": ["./x.js"]}, "./*": "./lib/*.js", "./no": null},
                "imports": {"#dep": {"node": "real-dep"}}, "scripts": {"start": "node ."}}"##,
            &[
                "path .=./x.js",
                "path .=./x.mjs",
                "path ./*=./lib/*.js",
                "path #dep=real-dep",
                "path scripts/start=node .",
            ],
        );
        check("{", &["any module"]);
        check("[]", &[]);
    }

    #[test]
    fn any_bytes_are_survived() {
        check_total(
            scan,
            &[
                "require",
                "import",
                "from",
                "eval",
                "createRequire",
                "'module'",
                "'child_process'",
                "exec",
                "__dirname",
                "path.join(",
                "/*",
                "Worker",
                "${",
            ],
        );
    }
}
