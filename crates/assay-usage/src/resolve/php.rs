//! PHP's includes, and Composer's autoloader
//! ([its rules](https://getcomposer.org/doc/04-schema.md#autoload)).
//!
//! Composer's generated files are the runtime: they load by computed names, but only what their maps hold, and the maps are read. Other
//! autoloaders are not known, and whoever registers one has said that it computes names.

use super::{Answer, Context, Resolver};
use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Dynamic, Language};
use assay_model::path::{ancestors, file_name, normalise, parent};
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Finds PHP's files.
pub(super) struct PhpFiles;

/// What is worked out once per image: Composer's maps, by the project's folder.
#[derive(Default)]
pub(crate) struct Known {
    projects: OnceCell<BTreeMap<String, Project>>,
}

/// What Composer's maps of one project say.
#[derive(Default)]
struct Project {
    vendor: String,
    /// Folders by prefix of the class's name; `true` for PSR-0.
    prefixes: Vec<(String, String, bool)>,
    classes: HashMap<String, String>,
    files: Vec<String>,
}

/// Classes of one namespace that are taken to be needed by each other.
const MAX_SIBLINGS: usize = 4096;

impl Resolver for PhpFiles {
    fn language(&self) -> Language {
        Language::Php
    }

    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer {
        let files = context.files;
        let mut found = BTreeSet::new();
        match ask {
            Ask::Import(class) => class_files(context, from.0, class, &mut found),
            Ask::Include(path) => include(context, from.0, path, &mut found),
            Ask::Maybe(Dynamic::Module, pattern) => {
                let folder = pattern.strip_suffix("/*").unwrap_or(pattern);
                let folder = format!("{}/{folder}", parent(from.0));
                let Some(folder) = files.real_path(&folder) else { return Answer::Absent };
                found.extend(php_below(files, &folder).map(str::to_owned));
                return Answer::Maybe(
                    found.into_iter().collect(),
                    format!("a name below `{folder}` is computed"),
                );
            }
            _ => return Answer::BuiltIn,
        }
        if found.is_empty() { Answer::Absent } else { Answer::Files(found.into_iter().collect()) }
    }

    fn start(&self, context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
        start(context, words)
    }

    fn is_runtime(&self, _context: &Context<'_>, path: &str) -> bool {
        let folder = parent(path);
        path.ends_with("/vendor/autoload.php")
            || file_name(folder) == "composer"
                && matches!(
                    file_name(path),
                    "ClassLoader.php" | "InstalledVersions.php" | "platform_check.php" | "installed.php"
                )
            || file_name(folder) == "composer" && file_name(path).starts_with("autoload_")
    }
}

fn php_below<'a>(files: &'a Tree<'a>, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    files.below(folder).filter(|(_, file)| file.code.language == Language::Php).map(|(path, _)| path)
}

fn projects<'c>(context: &'c Context<'_>) -> &'c BTreeMap<String, Project> {
    context.memo.php.projects.get_or_init(|| {
        let mut projects: BTreeMap<String, Project> = BTreeMap::new();
        let maps =
            ["autoload_psr4.php", "autoload_namespaces.php", "autoload_classmap.php", "autoload_files.php"];
        for path in maps.iter().flat_map(|name| context.named(name)) {
            let vendor = parent(parent(path));
            let base = parent(vendor);
            let Some(file) = context.files.code.get(*path) else { continue };
            let project = projects.entry(base.to_owned()).or_default();
            vendor.clone_into(&mut project.vendor);
            for ask in &file.code.asks {
                let Ask::SearchPath(entry) = ask else { continue };
                let Some((kind, rest)) = entry.split_once(':') else { continue };
                let Some((key, path)) = rest.split_once('=') else { continue };
                let path = match path.split_at_checked(1) {
                    Some(("v", path)) => format!("{vendor}{path}"),
                    Some((_, path)) => format!("{base}{path}"),
                    None => continue,
                };
                match kind {
                    "class" => drop(project.classes.insert(key.to_owned(), path)),
                    "file" => project.files.push(path),
                    kind => project.prefixes.push((key.to_owned(), path, kind == "psr0")),
                }
            }
        }
        projects
    })
}

/// Returns the maps that hold for a file: those of the projects it lies in, or all.
fn holding<'c>(context: &'c Context<'_>, from: &str) -> Vec<&'c Project> {
    let all = projects(context);
    let own: Vec<&Project> = ancestors(from).chain([""]).filter_map(|folder| all.get(folder)).collect();
    if own.is_empty() { all.values().collect() } else { own }
}

fn class_files(context: &Context<'_>, from: &str, class: &str, found: &mut BTreeSet<String>) {
    let files = context.files;
    let mut add = |path: &str| {
        if let Some((path, _)) = files.find(path) {
            found.insert(path.to_owned());
        }
    };
    if let Some(namespace) = class.strip_suffix("\\*") {
        // The file's own namespace: its neighbours, and what the maps put into the same.
        let mut folders: BTreeSet<String> = BTreeSet::from([parent(from).to_owned()]);
        for project in holding(context, from) {
            let whole = format!("{namespace}\\");
            for (prefix, folder, _) in &project.prefixes {
                if let Some(rest) = whole.strip_prefix(prefix.as_str()) {
                    folders.insert(
                        format!("{folder}/{}", rest.replace('\\', "/")).trim_end_matches('/').to_owned(),
                    );
                }
            }
            for (class, path) in &project.classes {
                if class.strip_prefix(&whole).is_some_and(|rest| !rest.contains('\\')) {
                    add(path);
                }
            }
        }
        for folder in folders {
            let Some(folder) = files.real_path(&folder) else { continue };
            // The root of a project holds what is started, not classes.
            if folder.is_empty() {
                continue;
            }
            php_below(files, &folder)
                .filter(|path| parent(path) == folder)
                .take(MAX_SIBLINGS)
                .for_each(&mut add);
        }
        return;
    }
    for project in holding(context, from) {
        if let Some(path) = project.classes.get(class) {
            add(path);
        }
        for (prefix, folder, psr0) in &project.prefixes {
            let Some(rest) = class.strip_prefix(prefix.as_str()) else { continue };
            if *psr0 {
                let (namespace, name) = class.rsplit_once('\\').unwrap_or(("", class));
                let namespace = if namespace.is_empty() {
                    String::new()
                } else {
                    format!("{}/", namespace.replace('\\', "/"))
                };
                add(&format!("{folder}/{namespace}{}.php", name.replace('_', "/")));
            } else {
                add(&format!("{folder}/{}.php", rest.replace('\\', "/")));
            }
        }
    }
}

fn include(context: &Context<'_>, from: &str, path: &str, found: &mut BTreeSet<String>) {
    let cwd = normalise(&context.config.working_dir);
    let candidates = if path.starts_with('/') {
        vec![path.to_owned()]
    } else {
        // `include_path` is Debian's, or the working directory's, or the file's own folder.
        vec![
            format!("{}/{path}", parent(from)),
            format!("{cwd}/{path}"),
            format!("usr/share/php/{path}"),
            format!("usr/local/lib/php/{path}"),
        ]
    };
    for path in candidates {
        let Some((path, file)) = context.files.find(&path) else { continue };
        if file.code.language != Language::Php {
            continue;
        }
        found.insert(path.to_owned());
        // Composer's entry brings its own files, and those that packages want loaded always.
        if file_name(path) == "autoload.php"
            && let Some(project) = projects(context).values().find(|project| project.vendor == parent(path))
        {
            let own = format!("{}/composer", project.vendor);
            found
                .extend(php_below(context.files, &own).filter(|path| parent(path) == own).map(str::to_owned));
            found.extend(
                project
                    .files
                    .iter()
                    .filter_map(|path| context.files.find(path))
                    .map(|(path, _)| path.to_owned()),
            );
        }
    }
}

/// Options of PHP that take the next word.
const WITH_VALUE: &[&str] = &["-c", "-d", "-z", "-S", "-t"];

/// Reads PHP's words (<https://www.php.net/manual/en/features.commandline.options.php>).
fn start(context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
    let cwd = normalise(&context.config.working_dir);
    let mut found = Vec::new();
    let include_one = |path: &str| {
        let mut files = BTreeSet::new();
        include(context, &format!("{cwd}/x"), path, &mut files);
        let answer =
            if files.is_empty() { Answer::Absent } else { Answer::Files(files.into_iter().collect()) };
        (Ask::Include(path.to_owned()), answer)
    };
    let name = words.first().map(|word| file_name(word)).unwrap_or_default();
    let serves = name.starts_with("php-fpm")
        || name.starts_with("php-cgi")
        || !name.starts_with("php")
        || words.iter().any(|word| word.starts_with("-S"));
    let mut words = words.iter().skip(1).map(String::as_str);
    let mut script = false;
    while let Some(word) = words.next() {
        match word {
            "-r" | "-B" | "-R" | "-E" => {
                let text = words.next().unwrap_or_default();
                for ask in crate::code::php_text(text) {
                    let answer = match &ask {
                        Ask::Include(path) => include_one(path).1,
                        Ask::Import(_) => Answer::Absent,
                        _ => Answer::Unknown("computed by the command's text".to_owned()),
                    };
                    found.push((ask, answer));
                }
                break;
            }
            "-f" | "-F" => found.extend(words.next().map(include_one)),
            word if WITH_VALUE.contains(&word) => {
                words.next();
            }
            word if word.starts_with('-') => {}
            word => {
                found.push(include_one(word));
                script = true;
                break;
            }
        }
    }
    if serves && !script {
        // A server runs whatever file is asked for.
        let all = context.files.code.iter().filter(|(_, file)| file.code.language == Language::Php);
        let pages = all
            .map(|(path, _)| path.clone())
            .filter(|path| !path.contains("/vendor/") && !path.starts_with("usr/share/php/"));
        found.push((Ask::Include("*.php".to_owned()), Answer::Files(pages.collect())));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::testing::{Image, check, check_ask};

    fn path(entry: &str) -> Ask {
        Ask::SearchPath(entry.to_owned())
    }

    fn image() -> Image {
        Image::new(Language::Php)
            .asking(
                "srv/app/vendor/composer/autoload_psr4.php",
                &[path("psr4:Twig\\=v/twig/twig/src"), path("psr4:App\\=b/src")],
            )
            .asking(
                "srv/app/vendor/composer/autoload_classmap.php",
                &[path("class:Old_Class=v/old/Class.php")],
            )
            .asking("srv/app/vendor/composer/autoload_namespaces.php", &[path("psr0:Pimple=v/pimple/src")])
            .asking("srv/app/vendor/composer/autoload_files.php", &[path("file:0e=v/poly/bootstrap.php")])
            .files(&[
                "srv/app/index.php",
                "srv/app/src/Kernel.php",
                "srv/app/src/View/Page.php",
                "srv/app/vendor/autoload.php",
                "srv/app/vendor/composer/ClassLoader.php",
                "srv/app/vendor/old/Class.php",
                "srv/app/vendor/poly/bootstrap.php",
                "srv/app/vendor/pimple/src/Pimple/Sub/Thing.php",
                "srv/app/vendor/twig/twig/src/Environment.php",
                "srv/app/vendor/twig/twig/src/Loader/ArrayLoader.php",
                "usr/share/php/PEAR.php",
            ])
            .working_dir("/srv/app")
    }

    #[test]
    fn classes_are_found_by_composers_maps() {
        let image = image();
        let find = |from: &str, name: &str, want: &[&str]| check(&PhpFiles, &image, from, name, want);
        let vendor = "srv/app/vendor";
        find("srv/app/index.php", "Twig\\Environment", &[&format!("{vendor}/twig/twig/src/Environment.php")]);
        find(
            "srv/app/index.php",
            "Twig\\Loader\\ArrayLoader",
            &[&format!("{vendor}/twig/twig/src/Loader/ArrayLoader.php")],
        );
        find("srv/app/index.php", "Old_Class", &[&format!("{vendor}/old/Class.php")]);
        // PSR-0 makes folders of underscores.
        find(
            "srv/app/index.php",
            "Pimple\\Sub_Thing",
            &[&format!("{vendor}/pimple/src/Pimple/Sub/Thing.php")],
        );
        find(
            "srv/app/index.php",
            "Pimple\\Sub\\Thing",
            &[&format!("{vendor}/pimple/src/Pimple/Sub/Thing.php")],
        );
        find("srv/app/src/Kernel.php", "App\\View\\Page", &["srv/app/src/View/Page.php"]);
        find("srv/app/src/Kernel.php", "App\\*", &["srv/app/src/Kernel.php"]);
        find("srv/app/index.php", "Nothing\\At\\All", &[]);
    }

    #[test]
    fn includes_are_found_beside_the_file() {
        let include = |path: &str, want: &[&str]| {
            check_ask(&PhpFiles, &image(), "srv/app/index.php", &Ask::Include(path.to_owned()), want);
        };
        include("./src/Kernel.php", &["srv/app/src/Kernel.php"]);
        include("PEAR.php", &["usr/share/php/PEAR.php"]);
        let composer = "srv/app/vendor/composer";
        let maps: Vec<String> =
            ["ClassLoader", "autoload_classmap", "autoload_files", "autoload_namespaces", "autoload_psr4"]
                .iter()
                .map(|name| format!("{composer}/{name}.php"))
                .collect();
        let mut want = vec!["srv/app/vendor/autoload.php", "srv/app/vendor/poly/bootstrap.php"];
        want.extend(maps.iter().map(String::as_str));
        include("./vendor/autoload.php", &want);
    }

    #[test]
    fn what_is_started_is_found() {
        let start =
            |words: &[&str], want: &[&str]| assert_eq!(image().start(&PhpFiles, words), want, "{words:?}");
        start(&["php", "-d", "x=1", "index.php"], &["srv/app/index.php"]);
        start(&["php", "-r", "require 'src/Kernel.php';"], &["srv/app/src/Kernel.php"]);
        start(
            &["php-fpm8.2", "-F"],
            &["srv/app/index.php", "srv/app/src/Kernel.php", "srv/app/src/View/Page.php"],
        );
    }

    #[test]
    fn composers_own_files_are_the_runtime() {
        let runtime = |path: &str| image().with(|context| PhpFiles.is_runtime(context, path));
        assert!(runtime("srv/app/vendor/composer/ClassLoader.php"));
        assert!(runtime("srv/app/vendor/autoload.php"));
        assert!(!runtime("srv/app/vendor/composer/composer/src/Composer.php"));
        assert!(!runtime("srv/app/index.php"));
    }
}
