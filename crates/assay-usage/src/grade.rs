//! From what is reached to a grade for every package.
//!
//! A grade never claims more than its evidence. `used`: a file of the package is reached for certain. `unused`: all of the image could be
//! read, it is known which files the package has, none of them is or may be reached, and none is data that others open. Everything else
//! is unknown, with the reason.

use crate::closure::{Cause, Mark, Reach, SHELL, Walk};
use crate::kinds::{is_idle, is_private};
use crate::owner::{Lists, interpreter_of};
use crate::runtimes;
use assay_analyze::{Language, Owned};
use assay_model::path::{file_name, usr_merged};
use assay_model::{Package, PackageKind, Usage, UsageStep};
use std::collections::HashMap;

type Grade = (Usage, Vec<UsageStep>);

/// What stands against calling a package unused.
enum Doubt<'w, 'a> {
    /// A file may be reached.
    File(&'w str, &'w Mark<'a>),
    /// A file is of a class of which any may be reached.
    Class(&'w Cause<'a>),
    /// A file is data that any program may open.
    Data(String),
}

/// What is found about one package.
struct Found<'w, 'a> {
    used: Option<(&'w str, &'w Mark<'a>)>,
    doubt: Option<Doubt<'w, 'a>>,
    /// Data that only programs of the same source open.
    own_data: Option<String>,
    /// How many files of code it has.
    code: usize,
    /// How many files it has.
    files: usize,
}

/// Grades the packages, in their order.
pub(crate) fn grade(walk: &Walk<'_>, packages: &[Package]) -> Vec<Grade> {
    if let Some(cause) = &walk.nothing {
        return packages.iter().map(|_| (Usage::Unknown, walk.reasons(cause))).collect();
    }
    let lists = Lists::new(walk.files, packages);
    // Nobody is reached in documentation, as a rule: then most files need no look-up.
    let idle_is_reached = walk.reached().any(is_idle);
    let found: Vec<Option<Found<'_, '_>>> = packages
        .iter()
        .enumerate()
        .map(|(index, package)| match lists.system.get(&index) {
            Some(owned) => Some(of_system(walk, package, owned, idle_is_reached)),
            None if package.kind.is_os() => None,
            None => of_language(walk, package, &lists),
        })
        .collect();
    // Data of a package is opened by programs and libraries of the same source.
    let mut sources: HashMap<&str, bool> = HashMap::new();
    for (package, found) in packages.iter().zip(&found) {
        if let Some(found) = found.as_ref().filter(|_| package.kind.is_os()) {
            let reached =
                found.used.is_some() || matches!(found.doubt, Some(Doubt::File(..) | Doubt::Class(_)));
            *sources.entry(source(package)).or_default() |= reached;
        }
    }
    let all = packages.iter().zip(&found);
    all.map(|(package, found)| {
        let unknown = |path: &str, how: &str| {
            (Usage::Unknown, vec![UsageStep { path: path.to_owned(), how: how.to_owned() }])
        };
        let Some(found) = found else {
            return unknown("", "it is not known which files are its");
        };
        if let Some((path, mark)) = found.used {
            return (Usage::Used, walk.chain(path, mark));
        }
        match &found.doubt {
            Some(Doubt::File(path, mark)) => return (Usage::Unknown, walk.chain(path, mark)),
            Some(Doubt::Class(cause)) => return (Usage::Unknown, walk.reasons(cause)),
            Some(Doubt::Data(path)) if path.is_empty() => {
                return unknown("", "the list of its files leaves out settings, which any program may open");
            }
            Some(Doubt::Data(path)) => return unknown(path, "data that any program may open"),
            None => {}
        }
        if let Some(path) = &found.own_data
            && sources.get(source(package)).copied().unwrap_or_default()
        {
            return unknown(
                path,
                "data that programs and libraries of the same source open, some of which are reached",
            );
        }
        if found.files == 0 {
            return unknown("", "it has no files that say whether it is used");
        }
        if walk.files.partial {
            return unknown("", "not reached, but not all of the image could be read");
        }
        let how = match (found.code, interpreter_of(package.kind)) {
            (0, Some(group)) => format!("nothing that is started runs {} code", group.name),
            (0, None) => "it has no code, and no data that others open".to_owned(),
            (1, _) => "nothing that is started reaches its one file of code".to_owned(),
            (count, _) => format!("nothing that is started reaches any of its {count} files of code"),
        };
        (Usage::Unused, vec![UsageStep { path: String::new(), how }])
    })
    .collect()
}

fn source(package: &Package) -> &str {
    package.source.as_ref().map_or(package.name.as_str(), |source| source.name.as_str())
}

impl<'w, 'a> Found<'w, 'a> {
    fn new() -> Self {
        Self { used: None, doubt: None, own_data: None, code: 0, files: 0 }
    }

    fn mark(&mut self, path: &'w str, mark: &'w Mark<'a>) {
        if mark.reach == Reach::Used {
            self.used = Some((path, mark));
        } else {
            self.doubt(Doubt::File(path, mark));
        }
    }

    /// Keeps the doubt that says most: a file that may be reached before a class, and that before data.
    fn doubt(&mut self, doubt: Doubt<'w, 'a>) {
        let rank = |doubt: &Doubt<'_, '_>| match doubt {
            Doubt::File(..) => 3,
            Doubt::Class(_) => 2,
            Doubt::Data(_) => 1,
        };
        if self.doubt.as_ref().is_none_or(|known| rank(known) < rank(&doubt)) {
            self.doubt = Some(doubt);
        }
    }
}

fn of_system<'w, 'a>(
    walk: &'w Walk<'a>,
    package: &Package,
    lists: &[&'w Owned],
    idle_is_reached: bool,
) -> Found<'w, 'a> {
    let mut found = Found::new();
    let mut names: Option<Vec<&str>> = None;
    for path in lists.iter().flat_map(|owned| owned.files.iter()) {
        found.files += 1;
        let idle = is_idle(path);
        if idle && !idle_is_reached {
            // Links without a version lead to libraries when programs are built, but may be what is loaded by name.
            if path.ends_with(".so") {
                look(walk, path, &mut found);
            }
            continue;
        }
        if look(walk, path, &mut found) || idle {
            if found.used.is_some() {
                break;
            }
            continue;
        }
        // What is neither code nor a link nor a folder is data, if it is there at all.
        if matches!(found.doubt, Some(Doubt::Data(_) | Doubt::File(..) | Doubt::Class(_))) {
            continue;
        }
        let merged = usr_merged(path);
        let spellings = || std::iter::once(path).chain(merged.as_deref());
        if spellings().any(|path| walk.files.is_folder(path))
            || !spellings().any(|path| walk.files.is_there(path))
        {
            continue;
        }
        let names = names.get_or_insert_with(|| {
            let programs = lists.iter().flat_map(|owned| owned.files.iter());
            let programs = programs.filter(|path| path.contains("bin/")).map(file_name);
            [package.name.as_str(), source(package)].into_iter().chain(programs).collect()
        });
        if is_private(path, names) {
            found.own_data.get_or_insert_with(|| path.to_owned());
        } else {
            found.doubt(Doubt::Data(path.to_owned()));
        }
    }
    // `md5sums`, which is all that images without dpkg keep, leaves out settings (dh_md5sums(1)), and folders with them: a package
    // of data alone may be nothing but settings.
    let is_whole = package.kind != PackageKind::Deb
        || lists
            .iter()
            .flat_map(|owned| owned.files.iter())
            .any(|path| path.is_empty() || path == "." || walk.files.is_folder(path));
    if found.code == 0 && !is_whole {
        found.doubt(Doubt::Data(String::new()));
    }
    // Without any code of its source, whose data it is nobody knows.
    if found.code == 0
        && let Some(path) = found.own_data.take()
    {
        found.doubt(Doubt::Data(path));
    }
    found
}

/// Looks whether a path is code or a link, and what is known of it; returns whether it is either.
fn look<'w, 'a>(walk: &'w Walk<'a>, path: &'w str, found: &mut Found<'w, 'a>) -> bool {
    if exact(walk, path, found) {
        return true;
    }
    if let Some(merged) = usr_merged(path)
        && let Some(path) =
            walk.files.exact(&merged).map(|(path, _)| path).or_else(|| walk.files.link(&merged))
    {
        return exact(walk, path, found);
    }
    // Code that nobody reads, of a language that is known by the file's name.
    let Some(group) = runtimes::interpreter_of(path) else { return false };
    if let Some(cause) = walk.any_module.get(group.name) {
        found.doubt(Doubt::Class(cause));
    } else if let Some(cause) = walk.interpreters.get(group.name) {
        found.doubt(Doubt::Class(cause));
    }
    found.code += 1;
    true
}

fn exact<'w, 'a>(walk: &'w Walk<'a>, path: &'w str, found: &mut Found<'w, 'a>) -> bool {
    if let Some(mark) = walk.mark(path).or_else(|| walk.link(path)) {
        found.code += 1;
        found.mark(path, mark);
        return true;
    }
    if let Some((_, file)) = walk.files.exact(path) {
        found.code += 1;
        if let Some(cause) = class(walk, file.code.language) {
            found.doubt(Doubt::Class(cause));
        }
        return true;
    }
    walk.files.is_link(path)
}

/// Returns why any file of a language may be reached.
fn class<'w, 'a>(walk: &'w Walk<'a>, language: Language) -> Option<&'w Cause<'a>> {
    match runtimes::interpreter_for(language) {
        Some(group) => walk.any_module.get(group.name),
        None if language == Language::Shell => walk.any_module.get(SHELL),
        None => None,
    }
}

fn of_language<'w, 'a>(walk: &'w Walk<'a>, package: &Package, lists: &Lists<'a>) -> Option<Found<'w, 'a>> {
    let mut found = Found::new();
    let interpreter = interpreter_of(package.kind);
    if let Some(group) = interpreter
        && package.origin == assay_model::Origin::Installed
        && !walk.interpreters.contains_key(group.name)
    {
        // Whatever its files are: nothing that could run them is reached.
        found.files = 1;
        return Some(found);
    }
    for path in lists.of_language(walk.files, package)? {
        found.files += 1;
        exact(walk, path, &mut found);
        if found.used.is_some() {
            break;
        }
    }
    if found.code == 0
        && let Some(cause) = interpreter.and_then(|group| walk.interpreters.get(group.name))
    {
        // Without code that is read there is nothing to say.
        found.doubt(Doubt::Class(cause));
    }
    Some(found)
}
