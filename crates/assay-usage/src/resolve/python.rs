//! Python's module search ([import system](https://docs.python.org/3/reference/import.html),
//! [`sys.path`](https://docs.python.org/3/library/sys_path_init.html)).
//!
//! The order of `sys.path` is followed only where it is certain. The folders of started scripts, the working directory and
//! `PYTHONPATH` may come first or not at all, so a module found there does not hide one of the same name in `site-packages`:
//! both count. Code outside of `site-packages` may besides be found in any folder above the one that imports it.
//!
//! The standard library is the runtime. It loads by name `encodings`, which are its own, and what its callers name; the
//! callers are known by what they call.

use super::{Answer, Context, Resolver};
use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Language};
use assay_model::path::{ancestors, file_name, normalise, parent};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// Finds Python modules.
pub(super) struct PythonModules;

/// Modules one import may lead to; `import *` of a package leads to each of its own.
const MAX_FILES: usize = 4096;

impl Resolver for PythonModules {
    fn language(&self) -> Language {
        Language::Python
    }

    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer {
        match ask {
            Ask::Import(name) | Ask::Maybe(assay_analyze::Dynamic::Module, name) => {
                answer(Search::new(context).import(from.0, name))
            }
            Ask::Include(path) => answer(Search::new(context).script(path)),
            // Of the search path, which is known already.
            _ => Answer::BuiltIn,
        }
    }

    fn start(&self, context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
        start(context, words)
    }

    fn is_runtime(&self, _context: &Context<'_>, path: &str) -> bool {
        standard_library(path).is_some_and(|root| !in_site(path.get(root.len()..).unwrap_or_default()))
    }
}

fn answer(files: BTreeSet<String>) -> Answer {
    if files.is_empty() { Answer::Absent } else { Answer::Files(files.into_iter().collect()) }
}

/// Where modules are sought, worked out anew when more was started.
struct Roots {
    started: usize,
    /// Folders that may be on the search path or not.
    perhaps: Vec<String>,
    /// Folders that are, in their order.
    certain: Vec<String>,
    /// `.pth` and `sitecustomize` files, which are run at the start.
    at_start: Vec<String>,
    known: Rc<Modules>,
}

/// What names were found to mean.
type Modules = RefCell<HashMap<String, Rc<BTreeSet<String>>>>;

/// Returns the folder `…/lib/python3.11` a path lies in, or is.
fn standard_library(path: &str) -> Option<&str> {
    let mut from = 0;
    loop {
        let found = path.get(from..)?.find("/py")? + from;
        let end = path.get(found + 1..)?.find('/').map_or(path.len(), |end| found + 1 + end);
        let name = path.get(found + 1..end)?;
        let version = name.strip_prefix("python").or_else(|| name.strip_prefix("pypy"));
        // `python3` alone is where Debian keeps the packages of all versions.
        let versioned =
            version.is_some_and(|version| version.contains('.') && version.starts_with(['2', '3']));
        let folder = file_name(path.get(..found)?);
        if versioned && matches!(folder, "lib" | "lib64") {
            return path.get(..end);
        }
        from = found + 1;
    }
}

/// Returns whether a path below a `lib/python3` folder is that of an installed package, not of the standard library.
fn in_site(below: &str) -> bool {
    below.split('/').any(|part| matches!(part, "site-packages" | "dist-packages"))
}

/// What is worked out once per image.
#[derive(Default)]
pub(crate) struct Known {
    folders: OnceCell<Folders>,
    roots: RefCell<Option<Rc<Roots>>>,
}

/// All folders of modules there are, whoever searches them.
#[derive(Clone, Default)]
struct Folders {
    sites: BTreeSet<String>,
    libraries: BTreeSet<String>,
    /// `.pth`, `sitecustomize` and `usercustomize` files.
    at_start: BTreeSet<String>,
}

impl Folders {
    fn new(files: &Tree<'_>) -> Self {
        let mut folders = Self::default();
        // Neighbours mostly share their folder.
        let mut last = String::new();
        for (path, file) in &files.code {
            if !matches!(file.code.language, Language::Python | Language::Native) {
                continue;
            }
            if !last.is_empty() && path.starts_with(&last) {
                folders.add_at_start(path, last.len());
                continue;
            }
            if let Some(site) = site_folder(path) {
                last = format!("{site}/");
                folders.sites.insert(site.to_owned());
                folders.add_at_start(path, last.len());
            } else if let Some(library) = standard_library(path) {
                folders.libraries.insert(library.to_owned());
                folders.add_at_start(path, library.len() + 1);
            }
        }
        folders
    }

    fn add_at_start(&mut self, path: &str, folder: usize) {
        let name = path.get(folder..).unwrap_or_default();
        let customize = matches!(name, "sitecustomize.py" | "usercustomize.py");
        if customize || name.ends_with(".pth") && !name.contains('/') {
            self.at_start.insert(path.to_owned());
        }
    }
}

impl Roots {
    fn new(context: &Context<'_>) -> Self {
        let files = context.files;
        let mut perhaps = Vec::new();
        let cwd = normalise(&context.config.working_dir).to_owned();
        perhaps.push(cwd.clone());
        for variable in &context.config.env {
            if let Some(("PYTHONPATH", folders)) = variable.split_once('=') {
                perhaps.extend(folders.split(':').map(|folder| absolute(&cwd, folder)));
            }
        }
        let scripts = context.started.iter().filter_map(|path| files.find(path));
        let scripts = scripts.filter(|(_, file)| file.code.language == Language::Python);
        perhaps.extend(scripts.map(|(path, _)| parent(path).to_owned()));
        let Folders { sites, libraries, at_start } =
            context.memo.python.folders.get_or_init(|| Folders::new(files)).clone();
        let mut at_start = at_start;
        let (environments, prefixes) = interpreters(context);
        let wanted = |root: &str| belongs(root, &environments, &prefixes);
        // An interpreter nobody saw start may be any.
        let known = !environments.is_empty() || !prefixes.is_empty();
        let keep = |all: BTreeSet<String>| -> Vec<String> {
            if known && all.iter().any(|root| wanted(root)) {
                all.into_iter().filter(|root| wanted(root)).collect()
            } else {
                all.into_iter().collect()
            }
        };
        let sites = keep(sites);
        // A virtual environment has no standard library of its own.
        let mut certain = Vec::new();
        for library in keep(libraries) {
            certain.push(format!("{library}/lib-dynload"));
            certain.push(library);
        }
        at_start.retain(|path| site_folder(path).is_none_or(|site| sites.iter().any(|known| known == site)));
        for path in &at_start {
            let Some(file) = files.code.get(path) else { continue };
            for ask in &file.code.asks {
                if let Ask::SearchPath(folder) = ask {
                    perhaps.push(absolute(parent(path), folder));
                }
            }
        }
        certain.extend(sites);
        let real = |folder: &String| files.real_path(folder);
        let mut seen = BTreeSet::new();
        let mut once = |folders: Vec<String>| -> Vec<String> {
            folders.iter().filter_map(real).filter(|folder| seen.insert(folder.clone())).collect()
        };
        let certain = once(certain);
        let perhaps = once(perhaps);
        Self {
            started: context.started.len(),
            perhaps,
            certain,
            at_start: at_start.into_iter().collect(),
            known: Rc::default(),
        }
    }
}

/// Returns the `site-packages` or `dist-packages` folder a path lies in.
fn site_folder(path: &str) -> Option<&str> {
    let end = ["/site-packages/", "/dist-packages/"]
        .iter()
        .filter_map(|folder| path.find(folder).map(|start| start + folder.len() - 1))
        .min()?;
    path.get(..end)
}

/// Returns the virtual environments and the prefixes (`usr`, `usr/local`) whose interpreters were started.
fn interpreters(context: &Context<'_>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut environments, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
    let mut add = |path: &str| {
        let name = file_name(path);
        let Some(prefix) = parent(path).strip_suffix("bin").map(|prefix| prefix.trim_end_matches('/')) else {
            return;
        };
        let settings = format!("{prefix}/pyvenv.cfg");
        if let Some((_, settings)) = context.files.find(&settings) {
            environments.insert(prefix.to_owned());
            let mut shared = false;
            for ask in &settings.code.asks {
                match ask {
                    Ask::SearchPath(home) => {
                        let home = context.files.real_path(home).unwrap_or_default();
                        let home = home.strip_suffix("bin").unwrap_or(&home).trim_end_matches('/');
                        // Marked, so that it gives its standard library and not its packages.
                        prefixes.insert(format!("{home}!"));
                    }
                    Ask::Entry(_) => shared = true,
                    _ => {}
                }
            }
            if shared {
                let all: Vec<String> = prefixes
                    .iter()
                    .filter_map(|prefix| prefix.strip_suffix('!'))
                    .map(str::to_owned)
                    .collect();
                prefixes.extend(all);
            }
        } else if name.starts_with("python") || name.starts_with("pypy") {
            let real = context.files.real_path(path).unwrap_or_default();
            let real = parent(&real).strip_suffix("bin").unwrap_or_default().trim_end_matches('/').to_owned();
            prefixes.insert(if real.is_empty() { prefix.to_owned() } else { real });
        }
    };
    for path in context.started {
        add(normalise(path));
    }
    (environments, prefixes)
}

/// Returns whether a folder of modules belongs to one of these environments or prefixes.
fn belongs(root: &str, environments: &BTreeSet<String>, prefixes: &BTreeSet<String>) -> bool {
    let below = |prefix: &str| {
        let rest = if prefix.is_empty() { Some(root) } else { root.strip_prefix(prefix) };
        rest.map(|rest| rest.trim_start_matches('/')).filter(|rest| rest.starts_with("lib"))
    };
    if environments.iter().any(|environment| below(environment).is_some()) {
        return true;
    }
    let site = root.ends_with("-packages");
    prefixes.iter().any(|prefix| {
        let (prefix, library_only) = match prefix.strip_suffix('!') {
            Some(prefix) => (prefix, true),
            None => (prefix.as_str(), false),
        };
        if site && library_only {
            return false;
        }
        // Debian's interpreter searches `/usr/local/lib/python3.x/dist-packages` too.
        below(prefix).is_some()
            || prefix == "usr" && root.starts_with("usr/local/lib") && root.ends_with("dist-packages")
    })
}

fn absolute(base: &str, path: &str) -> String {
    if path.starts_with('/') { normalise(path).to_owned() } else { format!("{base}/{path}") }
}

struct Search<'a> {
    files: &'a Tree<'a>,
    roots: Rc<Roots>,
}

impl<'a> Search<'a> {
    fn new(context: &Context<'a>) -> Self {
        let mut memo = context.memo.python.roots.borrow_mut();
        let roots = match memo.as_ref().filter(|roots| roots.started == context.started.len()) {
            Some(roots) => Rc::clone(roots),
            None => {
                let mut roots = Roots::new(context);
                // Most of what is started is no Python: names then mean what they meant before.
                if let Some(before) = memo.as_ref()
                    && (&before.perhaps, &before.certain) == (&roots.perhaps, &roots.certain)
                {
                    roots.known = Rc::clone(&before.known);
                }
                Rc::clone(memo.insert(Rc::new(roots)))
            }
        };
        Self { files: context.files, roots }
    }

    /// Returns the files that `name`, written in the file `from`, loads.
    fn import(&self, from: &str, name: &str) -> BTreeSet<String> {
        let dots = name.len() - name.trim_start_matches('.').len();
        let mut found = BTreeSet::new();
        if dots > 0 {
            // `.` is the folder of the file, whether it is `__init__.py` or not.
            let mut folder = parent(from);
            for _ in 1..dots {
                folder = parent(folder);
            }
            let (module, names) = split(name.get(dots..).unwrap_or_default());
            self.initial(folder, &mut found);
            self.below(&[folder.to_owned()], module, names, &mut found);
            return found;
        }
        let (module, names) = split(name);
        let application = site_folder(from).is_none() && standard_library(from).is_none();
        if application {
            // A project's root is often above the file that imports, and nobody says so.
            for folder in ancestors(from) {
                self.below(&[folder.to_owned()], module, names, &mut found);
            }
        }
        let known = self.roots.known.borrow().get(name).map(Rc::clone);
        let known = known.unwrap_or_else(|| {
            let mut found = BTreeSet::new();
            for folder in &self.roots.perhaps {
                self.below(std::slice::from_ref(folder), module, names, &mut found);
            }
            // A package may add folders of its name further down the path to itself (`pkgutil.extend_path`).
            if !self.below(&self.roots.certain, module, names, &mut found) && !found.is_empty() {
                for folder in &self.roots.certain {
                    self.below(std::slice::from_ref(folder), module, names, &mut found);
                }
            }
            let found = Rc::new(found);
            self.roots.known.borrow_mut().insert(name.to_owned(), Rc::clone(&found));
            found
        });
        found.extend(known.iter().cloned());
        found
    }

    /// Adds the files a module below the first folder that has it is made of, and those of the names taken from it; returns
    /// whether the module was found whole.
    fn below(
        &self,
        folders: &[String],
        module: &str,
        names: Option<&str>,
        found: &mut BTreeSet<String>,
    ) -> bool {
        let mut inner: Vec<String>;
        let mut folders = folders;
        for part in module.split('.').filter(|part| !part.is_empty()) {
            let Some(found) = self.step(folders, part, found) else { return false };
            inner = found;
            folders = &inner;
        }
        for name in names.unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
            if name == "*" {
                for folder in folders {
                    self.children(folder, found);
                }
            } else {
                self.step(folders, name, found);
            }
        }
        true
    }

    /// Finds one module in the first of the folders that has it; returns the folders its submodules are in.
    fn step(&self, folders: &[String], part: &str, found: &mut BTreeSet<String>) -> Option<Vec<String>> {
        let mut spaces = Vec::new();
        for folder in folders {
            let base = if folder.is_empty() { part.to_owned() } else { format!("{folder}/{part}") };
            let base = self.files.real_path(&base)?;
            if self.initial(&base, found) {
                return Some(vec![base]);
            }
            let mut hit = false;
            // `base.py`, `base.so` and `base.cpython-311-x86_64-linux-gnu.so`, none of which has a further `/`.
            let start = format!("{base}.");
            for (path, file) in self.files.starting_with(&start) {
                let rest = path.get(start.len()..).unwrap_or_default();
                if matches!(rest, "py" | "pyc" | "pyw") || file.code.language == Language::Native {
                    found.insert(path.to_owned());
                    hit = true;
                }
            }
            if !hit {
                hit = self.linked(&base, found);
            }
            if hit {
                return Some(Vec::new());
            }
            if self.files.has_code_below(&base) {
                spaces.push(base);
            }
        }
        // Without `__init__.py` every folder of the name is a part of one namespace package.
        (!spaces.is_empty()).then_some(spaces)
    }

    /// Adds a module that is a symbolic link to a file.
    fn linked(&self, base: &str, found: &mut BTreeSet<String>) -> bool {
        let path = format!("{base}.py");
        if !self.files.is_link(&path) {
            return false;
        }
        let Some((real, _)) = self.files.find(&path) else { return false };
        found.insert(real.to_owned());
        true
    }

    /// Adds a package's `__init__`, if it has one; the folder's path is the real one.
    fn initial(&self, folder: &str, found: &mut BTreeSet<String>) -> bool {
        // Most of what is imported is a module, and no folder at all.
        if !self.files.is_inhabited(folder) {
            return false;
        }
        let mut hit = false;
        for name in ["__init__.py", "__init__.pyc"] {
            if let Some((path, _)) = self.files.find(&format!("{folder}/{name}")) {
                found.insert(path.to_owned());
                hit = true;
            }
        }
        if !hit {
            for (path, file) in self.files.starting_with(&format!("{folder}/__init__.")) {
                if file.code.language == Language::Native {
                    found.insert(path.to_owned());
                    hit = true;
                }
            }
        }
        hit
    }

    /// Adds the modules directly in a folder, and the `__init__` of its packages.
    fn children(&self, folder: &str, found: &mut BTreeSet<String>) {
        for (path, file) in self.files.below(folder) {
            let rest = path.get(folder.len() + 1..).unwrap_or_default();
            let own = !rest.contains('/') || rest.matches('/').count() == 1 && rest.ends_with("/__init__.py");
            if own && matches!(file.code.language, Language::Python | Language::Native) {
                found.insert(path.to_owned());
            }
            if found.len() > MAX_FILES {
                return;
            }
        }
    }

    /// Returns the file, or the `__main__` of the folder, that is run by this name.
    fn script(&self, path: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        // The working directory, among others; a script that starts another may have changed it.
        for folder in std::iter::once("").chain(self.roots.perhaps.iter().map(String::as_str)) {
            let path = if path.starts_with('/') { path.to_owned() } else { format!("{folder}/{path}") };
            for path in [format!("{path}/__main__.py"), path] {
                found.extend(self.files.find(&path).map(|(path, _)| path.to_owned()));
            }
        }
        found
    }
}

/// Splits `a.b:c,d` into the module and the names taken from it.
fn split(name: &str) -> (&str, Option<&str>) {
    name.split_once(':').map_or((name, None), |(module, names)| (module, Some(names)))
}

/// Options of the interpreter that take the next word.
const WITH_VALUE: &[&str] = &["-W", "-X", "--check-hash-based-pycs"];

/// Reads an interpreter's words (<https://docs.python.org/3/using/cmdline.html>).
fn start(context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
    let mut started = Started { search: Search::new(context), found: Vec::new() };
    started.runtime();
    let mut words = words.iter().skip(1).map(String::as_str);
    while let Some(word) = words.next() {
        // An option's value may follow it at once: `-mflask`.
        let value = |letter: &str, next: Option<&str>| match word.strip_prefix(letter)? {
            "" => Some(next.unwrap_or_default().to_owned()),
            value => Some(value.to_owned()),
        };
        if WITH_VALUE.contains(&word) {
            words.next();
        } else if word.starts_with("-c") {
            let text = value("-c", words.next()).unwrap_or_default();
            started.text(&text);
            break;
        } else if word.starts_with("-m") {
            let next = if word == "-m" { words.next() } else { None };
            let module = value("-m", next).unwrap_or_default();
            started.import("runpy");
            started.import(&format!("{module}:__main__"));
            break;
        } else if !word.starts_with('-') {
            let files = started.search.script(word);
            started.found.push((Ask::Include(word.to_owned()), answer(files)));
            break;
        }
    }
    // `gunicorn app:app`, `celery -A project worker`, `uvicorn --factory a.b:make`: modules of the application.
    for word in words {
        let name = word.rsplit_once('=').map_or(word, |(_, value)| value);
        started.named(name.split_once('(').map_or(name, |(name, _)| name));
    }
    for variable in &context.config.env {
        let Some((key, value)) = variable.split_once('=') else { continue };
        if ["_MODULE", "_APP", "_CLASS", "_PLUGINS"].iter().any(|end| key.ends_with(end)) {
            value.split(',').for_each(|name| started.named(name));
        }
    }
    started.found
}

/// What an interpreter loads first.
struct Started<'a> {
    search: Search<'a>,
    found: Vec<(Ask, Answer)>,
}

impl Started<'_> {
    /// Adds what every start loads: `site` and its settings, all encodings (they are loaded by name), and modules that parts of
    /// the interpreter written in C import, which no text says.
    fn runtime(&mut self) {
        for name in AT_START {
            self.import(name);
        }
        let at_start: BTreeSet<String> = self.search.roots.at_start.iter().cloned().collect();
        if !at_start.is_empty() {
            self.found.push((Ask::SearchPath("*.pth".to_owned()), answer(at_start)));
        }
    }

    fn import(&mut self, name: &str) {
        let files = self.search.import("", name);
        self.found.push((Ask::Import(name.to_owned()), answer(files)));
    }

    /// Adds what the text after `-c` asks for.
    fn text(&mut self, text: &str) {
        for ask in crate::code::python_text(text) {
            match &ask {
                Ask::Import(name) => self.import(name),
                _ => self.found.push((ask, Answer::Unknown("computed by the command's text".to_owned()))),
            }
        }
    }

    /// Adds the module that an argument or variable names, if there is one: `app:app`, `shop.settings`, `app.py`.
    fn named(&mut self, name: &str) {
        let module = name.split_once(':').map_or(name, |(module, _)| module);
        let is_part = |part: &str| {
            part.starts_with(|first: char| first.is_alphabetic() || first == '_')
                && part.chars().all(|c| c.is_alphanumeric() || c == '_')
        };
        let files = if module.ends_with(".py") {
            self.search.script(module)
        } else if module.split('.').all(is_part) {
            self.search.import("", name)
        } else {
            return;
        };
        if !files.is_empty() {
            self.found.push((Ask::Import(name.to_owned()), answer(files)));
        }
    }
}

/// See [`Started::runtime`].
const AT_START: &[&str] = &[
    "site",
    "encodings:*",
    "sitecustomize",
    "usercustomize",
    "importlib:*",
    "collections:*",
    "copyreg",
    "_compat_pickle",
    "_strptime",
    "_pyio",
    "_weakrefset",
    "warnings",
    "traceback",
    "linecache",
    "tokenize",
    "threading",
    "locale",
    "zipimport",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::testing::{Image, check};

    const SITE: &str = "usr/lib/python3/dist-packages";

    fn image() -> Image {
        Image::new(Language::Python)
            .files(&[
                "usr/lib/python3.11/os.py",
                "usr/lib/python3.11/site.py",
                "usr/lib/python3.11/encodings/__init__.py",
                "usr/lib/python3.11/encodings/utf_8.py",
                "usr/lib/python3.11/json/__init__.py",
                "usr/lib/python3.11/json/decoder.py",
                "usr/lib/python3/dist-packages/flask/__init__.py",
                "usr/lib/python3/dist-packages/flask/app.py",
                "usr/lib/python3/dist-packages/flask/json/__init__.py",
                "usr/lib/python3/dist-packages/space/one.py",
                "usr/lib/python3/dist-packages/dup.py",
                "opt/venv/lib/python3.11/site-packages/dup.py",
                "opt/venv/lib/python3.11/site-packages/space/two.py",
                "srv/app/main.py",
                "srv/app/dup.py",
                "srv/app/shop/views.py",
            ])
            .native(&[
                "usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so",
                "usr/lib/python3/dist-packages/flask/_speed.abi3.so",
                "usr/bin/python3.11",
            ])
            .link("usr/bin/python3", "python3.11")
            .link("opt/venv/bin/python", "/usr/bin/python3")
    }

    #[test]
    fn modules_are_found_with_their_packages() {
        let image = image().started(&["usr/bin/python3"]);
        let from = "usr/lib/python3/dist-packages/flask/app.py";
        let find = |name: &str, want: &[&str]| check(&PythonModules, &image, from, name, want);
        find("os", &["usr/lib/python3.11/os.py"]);
        find("_ssl", &["usr/lib/python3.11/lib-dynload/_ssl.cpython-311-x86_64-linux-gnu.so"]);
        find("json.decoder", &["usr/lib/python3.11/json/__init__.py", "usr/lib/python3.11/json/decoder.py"]);
        let flask = |rest: &str| format!("{SITE}/flask/{rest}");
        find("flask:app,Flask", &[&flask("__init__.py"), &flask("app.py")]);
        find(".:json,x", &[&flask("__init__.py"), &flask("json/__init__.py")]);
        find("._speed:f", &[&flask("__init__.py"), &flask("_speed.abi3.so")]);
        find("..flask.app:x", &[&flask("__init__.py"), &flask("app.py")]);
        find(
            "flask:*",
            &[&flask("__init__.py"), &flask("_speed.abi3.so"), &flask("app.py"), &flask("json/__init__.py")],
        );
        find("space.one", &[&format!("{SITE}/space/one.py")]);
        find("nothing.at.all", &[]);
        find("dup", &[&format!("{SITE}/dup.py")]);
    }

    #[test]
    fn an_environment_has_its_own_packages_and_anothers_library() {
        let image = image()
            .asking("opt/venv/pyvenv.cfg", &[Ask::SearchPath("/usr/bin".to_owned())])
            .started(&["opt/venv/bin/python"]);
        let from = "opt/venv/lib/python3.11/site-packages/dup.py";
        let find = |name: &str, want: &[&str]| check(&PythonModules, &image, from, name, want);
        find("dup", &["opt/venv/lib/python3.11/site-packages/dup.py"]);
        find("space.two", &["opt/venv/lib/python3.11/site-packages/space/two.py"]);
        find("flask", &[]);
        find("os", &["usr/lib/python3.11/os.py"]);
    }

    #[test]
    fn an_unknown_interpreter_may_be_any() {
        let site = "opt/venv/lib/python3.11/site-packages";
        let want = [format!("{site}/space/two.py"), format!("{SITE}/space/one.py")];
        check(&PythonModules, &image(), "x.py", "space:one,two", &[&want[0], &want[1]]);
    }

    #[test]
    fn a_script_may_find_its_neighbours_and_all_that_is_above() {
        let image = image().started(&["usr/bin/python3", "srv/app/main.py"]);
        let find = |from: &str, name: &str, want: &[&str]| check(&PythonModules, &image, from, name, want);
        let both = ["srv/app/dup.py", &format!("{SITE}/dup.py")];
        find("srv/app/main.py", "dup", &both);
        find("srv/app/shop/views.py", "dup", &both);
        find("srv/app/shop/views.py", "shop.views", &["srv/app/shop/views.py"]);
    }

    #[test]
    fn what_is_started_is_found() {
        let image = image().started(&["usr/bin/python3"]).working_dir("/srv/app");
        let start = |words: &[&str], want: &[&str]| {
            let found = image.start(&PythonModules, words);
            for path in want {
                assert!(found.iter().any(|found| found == path), "{words:?}: {path} is not in {found:?}");
            }
        };
        start(
            &["python3", "main.py"],
            &["srv/app/main.py", "usr/lib/python3.11/site.py", "usr/lib/python3.11/encodings/utf_8.py"],
        );
        start(&["python3", "-u", "-W", "error", "/srv/app/main.py"], &["srv/app/main.py"]);
        start(&["python3", "-m", "flask.app", "run"], &["usr/lib/python3/dist-packages/flask/app.py"]);
        start(&["python3", "-mshop.views"], &["srv/app/shop/views.py"]);
        start(&["python3", "-c", "import flask"], &["usr/lib/python3/dist-packages/flask/__init__.py"]);
        start(&["python3", "/usr/bin/gunicorn", "--bind=:80", "shop.views:app"], &["srv/app/shop/views.py"]);
    }

    #[test]
    fn the_standard_library_is_the_runtime() {
        let image = image();
        let runtime = |path: &str| image.with(|context| PythonModules.is_runtime(context, path));
        assert!(runtime("usr/lib/python3.11/importlib/__init__.py"));
        assert!(runtime("usr/local/lib/python3.12/json/decoder.py"));
        assert!(!runtime("usr/local/lib/python3.12/site-packages/pip/__init__.py"));
        assert!(!runtime("usr/lib/python3/dist-packages/flask/app.py"));
        assert!(!runtime("srv/app/main.py"));
    }
}
