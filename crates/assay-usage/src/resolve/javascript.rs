//! Node's module search ([the algorithm](https://nodejs.org/api/modules.html#all-together),
//! [`exports` and `imports`](https://nodejs.org/api/packages.html#package-entry-points)).
//!
//! Which conditions of `exports` hold depends on who imports and on flags, so all targets of a name count. A `package.json` on the
//! way is read by Node and counts as loaded: some packages hold nothing else that is code. Files are sought from where they
//! really are, as Node does, so pnpm's links work.

use super::{Answer, Context, Resolver};
use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Dynamic, Language};
use assay_model::path::{file_name, normalise, parent};
use std::collections::BTreeSet;

/// Finds Node's modules.
pub(super) struct NodeModules;

/// Packages that load the compiled addon of whoever calls them, by searching its folder.
const ADDON_LOADERS: &[&str] = &[
    "bindings",
    "node-gyp-build",
    "node-gyp-build-optional-packages",
    "@mapbox/node-pre-gyp",
    "node-pre-gyp",
    "pkg-prebuilds",
    "prebuildify",
];

/// Modules that are part of Node (`node -p "module.builtinModules"`), without those that start with `_`.
const BUILT_IN: &[&str] = &[
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Folders Debian's Node searches besides (`/usr/share/doc/nodejs/README.Debian`).
const GLOBAL: &[&str] = &[
    "usr/share/nodejs",
    "usr/lib/nodejs",
    "usr/lib/x86_64-linux-gnu/nodejs",
    "usr/lib/aarch64-linux-gnu/nodejs",
];

/// Packages below [`GLOBAL`] that Debian's Node loads as parts of itself (`node_builtin_shareable_builtins` of its build).
const SHARED: &[&str] = &["acorn", "acorn-walk", "amaro", "cjs-module-lexer", "undici"];

/// Endings that Node adds to a name; JSON is no code, but its package is used.
const ENDINGS: &[&str] = &["", ".js", ".json", ".node", ".mjs", ".cjs"];

/// Links from one manifest's `imports` to another's.
const MAX_DEPTH: usize = 8;

impl Resolver for NodeModules {
    fn language(&self) -> Language {
        Language::JavaScript
    }

    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer {
        let search = Search { context, files: context.files };
        match ask {
            Ask::Import(name) | Ask::Include(name) => search.module(from.0, name),
            Ask::Maybe(Dynamic::Module, name) => match name.strip_suffix("/*") {
                Some(folder) => {
                    let folder = format!("{}/{folder}", parent(from.0));
                    let Some(folder) = search.files.real_path(&folder) else { return Answer::Absent };
                    let below = search.files.below(&folder).map(|(path, _)| path.to_owned()).collect();
                    Answer::Maybe(below, format!("a name below `{folder}` is computed"))
                }
                None => search.module(from.0, name),
            },
            // What a manifest hands out is loaded by those who ask for it.
            _ => Answer::BuiltIn,
        }
    }

    fn start(&self, context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
        let mut found = Vec::new();
        let search = Search { context, files: context.files };
        runtime(&search, &mut found);
        start(&search, words, &mut found, MAX_DEPTH);
        found
    }
}

fn is_built_in(name: &str) -> bool {
    let top = name.split_once('/').map_or(name, |(top, _)| top);
    // `punycode/` with a slash is the package, `fs/promises` the module.
    name.starts_with("node:") || !name.ends_with('/') && BUILT_IN.contains(&top.trim_start_matches('_'))
}

struct Search<'c, 'a> {
    context: &'c Context<'a>,
    files: &'a Tree<'a>,
}

impl<'a> Search<'_, 'a> {
    /// Returns what a name in the file `from` means.
    fn module(&self, from: &str, name: &str) -> Answer {
        if is_built_in(name) && !name.starts_with("_") {
            return Answer::BuiltIn;
        }
        let mut found = BTreeSet::new();
        self.find(from, name, MAX_DEPTH, &mut found);
        if found.is_empty() { Answer::Absent } else { Answer::Files(found.into_iter().collect()) }
    }

    fn find(&self, from: &str, name: &str, depth: usize, found: &mut BTreeSet<String>) {
        let Some(depth) = depth.checked_sub(1) else { return };
        // Loaders of webpack and queries of Vite: `./x.js?raw`, and addresses of files.
        let name = name.strip_prefix("file://").unwrap_or(name);
        let name = name.split_once('?').map_or(name, |(name, _)| name);
        if name.starts_with('/') {
            self.file_or_folder(normalise(name), found);
        } else if matches!(name, "." | "..") || name.starts_with("./") || name.starts_with("../") {
            self.file_or_folder(&format!("{}/{name}", parent(from)), found);
        } else if name.starts_with('#') {
            if let Some((folder, manifest)) = self.scope(from) {
                for target in matching(manifest, name) {
                    if target.starts_with("./") {
                        self.file_or_folder(&format!("{folder}/{target}"), found);
                    } else if !is_built_in(&target) {
                        self.find(from, &target, depth, found);
                    }
                }
            }
        } else {
            self.package(from, name, found);
            if ADDON_LOADERS.contains(&name)
                && let Some((folder, _)) = self.scope(from)
            {
                let addons = self.files.below(&folder).filter(|(path, _)| path.ends_with(".node"));
                found.extend(addons.map(|(path, _)| path.to_owned()));
            }
        }
    }

    /// Returns the nearest manifest above a file, with its folder.
    fn scope(&self, from: &str) -> Option<(String, &'a CodeFile)> {
        let mut folder = parent(from);
        loop {
            if let Some((_, manifest)) = self.files.find(&join(folder, "package.json")) {
                return Some((folder.to_owned(), manifest));
            }
            if folder.is_empty() || file_name(folder) == "node_modules" {
                return None;
            }
            folder = parent(folder);
        }
    }

    /// Finds a package by name, and the file of it that is meant.
    fn package(&self, from: &str, name: &str, found: &mut BTreeSet<String>) {
        let name = name.trim_end_matches('/');
        let scoped = name.starts_with('@');
        let end = name.match_indices('/').nth(usize::from(scoped)).map_or(name.len(), |(end, _)| end);
        let (package, rest) = name.split_at_checked(end).unwrap_or((name, ""));
        // A package may import itself by its name.
        if let Some((folder, manifest)) = self.scope(from)
            && manifest.code.name.as_deref() == Some(package)
        {
            self.part(&folder, rest, found);
        }
        let mut folder = parent(from);
        loop {
            if file_name(folder) != "node_modules" {
                let inside = join(folder, "node_modules");
                if self.part(&join(&inside, package), rest, found) {
                    return;
                }
            }
            if folder.is_empty() {
                break;
            }
            folder = parent(folder);
        }
        let paths = self.context.config.env.iter().filter_map(|variable| variable.strip_prefix("NODE_PATH="));
        let paths = paths.flat_map(|paths| paths.split(':')).map(normalise);
        for folder in paths.chain(GLOBAL.iter().copied()) {
            if self.part(&join(folder, package), rest, found) {
                return;
            }
        }
    }

    /// Adds a part of the package in `folder`; returns whether there is one.
    fn part(&self, folder: &str, rest: &str, found: &mut BTreeSet<String>) -> bool {
        let Some(folder) = self.files.real_path(folder) else { return false };
        let path = join(&folder, "package.json");
        let Some((manifest_path, manifest)) = self.files.find(&path) else {
            // A folder without manifest, or a file straight in `node_modules`.
            return self.file_or_folder(&format!("{folder}{rest}"), found);
        };
        found.insert(manifest_path.to_owned());
        let key = format!(".{rest}");
        for target in matching(manifest, &key) {
            self.file_or_folder(&format!("{folder}/{target}"), found);
        }
        // `require` with a path that `exports` does not name fails, but older versions of Node ignore `exports`.
        if rest.is_empty() {
            self.folder(&folder, found)
        } else {
            self.file_or_folder(&format!("{folder}{rest}"), found)
        };
        true
    }

    /// Adds the file of this name, or the one its folder starts with.
    fn file_or_folder(&self, path: &str, found: &mut BTreeSet<String>) -> bool {
        let Some(base) = self.files.real_path(path) else { return false };
        for ending in ENDINGS {
            let path = if ending.is_empty() { base.clone() } else { format!("{base}{ending}") };
            if let Some((path, _)) = self.files.find(&path) {
                found.insert(path.to_owned());
                return true;
            }
        }
        // TypeScript's output keeps `./x.js` where other tools run the source.
        let folder = self.folder(&base, found);
        // Data of a package counts as the package's use.
        if !folder
            && base.contains("node_modules/")
            && let Some((scope, _)) = self.scope(&base)
        {
            found.insert(join(&scope, "package.json"));
        }
        folder
    }

    /// Adds what a folder starts with.
    fn folder(&self, folder: &str, found: &mut BTreeSet<String>) -> bool {
        let mut hit = false;
        if let Some((path, manifest)) = self.files.find(&join(folder, "package.json")) {
            found.insert(path.to_owned());
            hit = true;
            for ask in &manifest.code.asks {
                let Ask::Entry(main) = ask else { continue };
                let Some(main) = self.files.real_path(&join(folder, main)) else { continue };
                if main != folder && self.main(&main, found) {
                    return true;
                }
            }
        }
        self.index(folder, found) || hit
    }

    fn main(&self, path: &str, found: &mut BTreeSet<String>) -> bool {
        ENDINGS.iter().any(|ending| {
            let main = self.files.find(&format!("{path}{ending}"));
            main.map(|(path, _)| found.insert(path.to_owned())).is_some()
        }) || self.index(path, found)
    }

    fn index(&self, folder: &str, found: &mut BTreeSet<String>) -> bool {
        ["index.js", "index.json", "index.node", "index.mjs", "index.cjs"].iter().any(|name| {
            let index = self.files.find(&join(folder, name));
            index.map(|(path, _)| found.insert(path.to_owned())).is_some()
        })
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Returns the targets a manifest gives for a key of `exports` or `imports`; a `*` in a target stands for what its key's stood for.
fn matching(manifest: &CodeFile, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    for ask in &manifest.code.asks {
        let Ask::SearchPath(entry) = ask else { continue };
        let Some((pattern, target)) = entry.split_once('=') else { continue };
        if pattern == key {
            found.push(target.to_owned());
        } else if let Some((head, tail)) = pattern.split_once('*') {
            let middle = key.strip_prefix(head).and_then(|rest| rest.strip_suffix(tail));
            if let Some(middle) = middle.filter(|middle| !middle.is_empty()) {
                found.push(target.replace('*', middle));
            }
        } else if let Some(rest) =
            key.strip_prefix(pattern).filter(|_| pattern.ends_with('/') && pattern != "./")
        {
            found.push(format!("{target}{rest}"));
        }
    }
    found
}

/// Options of Node that take the next word and load nothing.
const WITH_VALUE: &[&str] =
    &["-C", "--conditions", "--title", "--icu-data-dir", "--input-type", "--stack-trace-limit"];

/// Adds what Node reads whatever it is given.
fn runtime(search: &Search<'_, '_>, found: &mut Vec<(Ask, Answer)>) {
    let cwd = join(normalise(&search.context.config.working_dir), "x");
    for folder in GLOBAL.iter().flat_map(|folder| SHARED.iter().map(move |name| join(folder, name))) {
        let Some(folder) = search.files.real_path(&folder) else { continue };
        let own: Vec<String> = search.files.below(&folder).map(|(path, _)| path.to_owned()).collect();
        if !own.is_empty() {
            found.push((Ask::Import(folder), Answer::Files(own)));
        }
    }
    if let Some((folder, _)) = search.scope(&cwd) {
        found.push((
            Ask::Include("package.json".to_owned()),
            Answer::Files(vec![join(&folder, "package.json")]),
        ));
    }
}

/// Reads Node's words (<https://nodejs.org/api/cli.html>).
fn start(search: &Search<'_, '_>, words: &[String], found: &mut Vec<(Ask, Answer)>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let cwd = join(normalise(&search.context.config.working_dir), "x");
    let mut preload = |name: &str| {
        found.push((Ask::Import(name.to_owned()), search.module(&cwd, name)));
    };
    let options =
        search.context.config.env.iter().filter_map(|variable| variable.strip_prefix("NODE_OPTIONS="));
    let mut options = options.flat_map(str::split_ascii_whitespace);
    while let Some(option) = options.next() {
        preloaded(option, &mut options, &mut preload);
    }
    let mut words = words.iter().skip(1).map(String::as_str);
    while let Some(word) = words.next() {
        if preloaded(word, &mut words, &mut preload) {
            continue;
        }
        match word {
            "-e" | "--eval" | "-p" | "--print" | "-pe" => {
                let text = words.next().unwrap_or_default();
                for ask in crate::code::javascript_text(text) {
                    let answer = match &ask {
                        Ask::Import(name) => search.module(&cwd, name),
                        _ => Answer::Unknown("computed by the command's text".to_owned()),
                    };
                    found.push((ask, answer));
                }
                return;
            }
            word if WITH_VALUE.contains(&word) => {
                words.next();
            }
            word if word.starts_with('-') => {}
            script => {
                let path = if script.starts_with('/') { script.to_owned() } else { format!("./{script}") };
                let answer = search.module(&cwd, &path);
                found.push((Ask::Include(script.to_owned()), answer));
                let name = file_name(script)
                    .trim_end_matches(".js")
                    .trim_end_matches(".cjs")
                    .trim_end_matches("-cli");
                if matches!(name, "npm" | "yarn" | "pnpm" | "npx") {
                    manager(search, words.collect(), found, depth);
                } else {
                    // `pm2 start app.js`, `mocha test`: files of the application.
                    for word in words.filter(|word| !word.starts_with('-')) {
                        let answer = search.module(&cwd, &format!("./{word}"));
                        if matches!(answer, Answer::Files(_)) {
                            found.push((Ask::Include(word.to_owned()), answer));
                        }
                    }
                }
                return;
            }
        }
    }
    // Without a script, the folder's own is not run: Node reads from its input.
}

/// Reads an option that loads a module first.
fn preloaded<'a>(
    option: &str,
    rest: &mut impl Iterator<Item = &'a str>,
    preload: &mut impl FnMut(&str),
) -> bool {
    const OPTIONS: &[&str] = &["-r", "--require", "--import", "--loader", "--experimental-loader"];
    if OPTIONS.contains(&option) {
        rest.next().into_iter().for_each(&mut *preload);
        return true;
    }
    let value = option.split_once('=').filter(|(name, _)| OPTIONS.contains(name));
    value.into_iter().for_each(|(_, value)| preload(value));
    value.is_some()
}

/// Follows `npm start`, `npm run serve`, `npx tool` to the script of the working directory's manifest.
fn manager(search: &Search<'_, '_>, words: Vec<&str>, found: &mut Vec<(Ask, Answer)>, depth: usize) {
    let cwd = normalise(&search.context.config.working_dir);
    let mut words = words.into_iter().filter(|word| !word.starts_with('-'));
    let Some(first) = words.next() else { return };
    let script =
        if matches!(first, "run" | "run-script" | "exec") { words.next().unwrap_or_default() } else { first };
    let manifest = search.files.find(&join(cwd, "package.json"));
    let key = format!("scripts/{script}=");
    let lines: Vec<String> = manifest
        .into_iter()
        .flat_map(|(_, manifest)| &manifest.code.asks)
        .filter_map(|ask| match ask {
            Ask::SearchPath(entry) => entry.strip_prefix(&key).map(str::to_owned),
            _ => None,
        })
        .collect();
    for line in lines.iter().map(String::as_str).chain(lines.is_empty().then_some(script)) {
        // The line is one for the shell; each part of it may start a program of `node_modules/.bin`.
        for part in line.split(['&', '|', ';']) {
            let mut words: Vec<String> = part.split_ascii_whitespace().map(str::to_owned).collect();
            let settings = words.iter().take_while(|word| word.contains('=') || *word == "exec").count();
            words.drain(..settings);
            let Some(program) = words.first() else { continue };
            if program == "node" {
                start(search, &words, found, depth);
            } else if let Some((path, _)) = search.files.find(&format!("{cwd}/node_modules/.bin/{program}")) {
                found.push((Ask::Run(program.clone()), Answer::Files(vec![path.to_owned()])));
                words.insert(0, "node".to_owned());
                if let Some(second) = words.get_mut(1) {
                    *second = format!("/{path}");
                }
                start(search, &words, found, depth);
            } else {
                found.push((
                    Ask::Run(program.clone()),
                    Answer::Unknown(format!("`{line}` is run by a package manager")),
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::testing::{Image, check, check_ask};

    fn path(entry: &str) -> Ask {
        Ask::SearchPath(entry.to_owned())
    }

    fn image() -> Image {
        let main = |main: &str| [Ask::Entry(main.to_owned())];
        Image::new(Language::JavaScript)
            .asking(
                "srv/app/package.json",
                &[path("#conf=./conf/index.js"), path("scripts/start=NODE_ENV=x node server.js")],
            )
            .files(&[
                "srv/app/server.js",
                "srv/app/conf/index.js",
                "srv/app/util.js",
                "srv/app/locale/de.js",
                "srv/app/node_modules/plain/index.js",
                "srv/app/node_modules/express/lib/main.js",
                "srv/app/node_modules/express/lib/router.js",
                "srv/app/node_modules/express/node_modules/debug/index.js",
                "srv/app/node_modules/debug/index.js",
                "srv/app/node_modules/modern/dist/index.mjs",
                "srv/app/node_modules/modern/dist/sub/x.js",
                "srv/app/node_modules/.pnpm/linked@1/node_modules/linked/index.js",
                "srv/app/node_modules/.pnpm/linked@1/node_modules/needed/index.js",
                "usr/share/nodejs/semver/index.js",
            ])
            .native(&["srv/app/node_modules/addon/build/Release/addon.node"])
            .asking("srv/app/node_modules/addon/package.json", &[])
            .asking("srv/app/node_modules/express/package.json", &main("./lib/main"))
            .asking(
                "srv/app/node_modules/modern/package.json",
                &[path(".=./dist/index.mjs"), path("./*=./dist/sub/*.js")],
            )
            .asking("srv/app/node_modules/data/package.json", &main("data.json"))
            .asking("usr/share/nodejs/semver/package.json", &[])
            .link("srv/app/node_modules/linked", ".pnpm/linked@1/node_modules/linked")
            .working_dir("/srv/app")
    }

    #[test]
    fn names_are_found_as_node_finds_them() {
        let image = image();
        let find = |name: &str, want: &[&str]| check(&NodeModules, &image, "srv/app/server.js", name, want);
        find("fs", &["built in"]);
        find("node:test", &["built in"]);
        find("fs/promises", &["built in"]);
        find("./util", &["srv/app/util.js"]);
        find("./conf", &["srv/app/conf/index.js"]);
        find(".", &["srv/app/package.json"]);
        find("#conf", &["srv/app/conf/index.js"]);
        find("plain", &["srv/app/node_modules/plain/index.js"]);
        find("plain/index", &["srv/app/node_modules/plain/index.js"]);
        find(
            "express",
            &["srv/app/node_modules/express/lib/main.js", "srv/app/node_modules/express/package.json"],
        );
        find(
            "express/lib/router",
            &["srv/app/node_modules/express/lib/router.js", "srv/app/node_modules/express/package.json"],
        );
        find(
            "modern",
            &["srv/app/node_modules/modern/dist/index.mjs", "srv/app/node_modules/modern/package.json"],
        );
        find(
            "modern/x",
            &["srv/app/node_modules/modern/dist/sub/x.js", "srv/app/node_modules/modern/package.json"],
        );
        find("data", &["srv/app/node_modules/data/package.json"]);
        find("data/more.json", &["srv/app/node_modules/data/package.json"]);
        find("semver", &["usr/share/nodejs/semver/index.js", "usr/share/nodejs/semver/package.json"]);
        find("linked", &["srv/app/node_modules/.pnpm/linked@1/node_modules/linked/index.js"]);
        find("nothing", &[]);
    }

    #[test]
    fn the_nearest_package_is_meant() {
        let image = image();
        let find = |from: &str, name: &str, want: &[&str]| check(&NodeModules, &image, from, name, want);
        let nested = "srv/app/node_modules/express/node_modules/debug/index.js";
        find("srv/app/node_modules/express/lib/main.js", "debug", &[nested]);
        find("srv/app/node_modules/plain/index.js", "debug", &["srv/app/node_modules/debug/index.js"]);
        let pnpm = "srv/app/node_modules/.pnpm/linked@1/node_modules";
        find(&format!("{pnpm}/linked/index.js"), "needed", &[&format!("{pnpm}/needed/index.js")]);
        find(
            "srv/app/node_modules/addon/x.js",
            "bindings",
            &["srv/app/node_modules/addon/build/Release/addon.node"],
        );
        let ask = Ask::Maybe(Dynamic::Module, "./locale/*".to_owned());
        check_ask(&NodeModules, &image, "srv/app/server.js", &ask, &["srv/app/locale/de.js"]);
    }

    #[test]
    fn what_is_started_is_found() {
        let image = image();
        let start = |words: &[&str], want: &[&str]| {
            let want = [&["srv/app/package.json"], want].concat();
            assert_eq!(image.start(&NodeModules, words), want, "{words:?}");
        };
        start(&["node", "server.js"], &["srv/app/server.js"]);
        start(
            &["node", "--inspect", "-r", "./util", "/srv/app/server"],
            &["srv/app/util.js", "srv/app/server.js"],
        );
        start(
            &["node", "--require=./util.js", "-e", "require('plain')"],
            &["srv/app/util.js", "srv/app/node_modules/plain/index.js"],
        );
        start(&["node", "/usr/bin/npm", "start"], &["srv/app/server.js"]);
        start(&["node", "/usr/bin/npm", "run", "start"], &["srv/app/server.js"]);
        start(&["node"], &[]);
        let shared = "usr/share/nodejs/acorn/dist/acorn.js";
        assert_eq!(image.files(&[shared]).working_dir("/").start(&NodeModules, &["node"]), [shared]);
    }
}
