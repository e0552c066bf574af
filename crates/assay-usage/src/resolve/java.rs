//! Java's class path ([`java`](https://docs.oracle.com/en/java/javase/21/docs/specs/man/java.html)).
//!
//! Whatever jar is on the class path is used: which classes of it are loaded is known to nobody before it runs. A running virtual machine
//! can load jars from anywhere besides, so the others are unknown. What comes with the machine, its own libraries and jars, is the runtime.

use super::{Answer, Context, Resolver};
use assay_analyze::{Ask, CodeFile, Dynamic, Language};
use assay_model::path::{ancestors, file_name, normalise, parent};
use std::cell::OnceCell;
use std::collections::{BTreeSet, HashSet};

/// Finds jars.
pub(super) struct ClassPath;

/// What is worked out once per image: the folders of virtual machines, whether they are started or not.
#[derive(Default)]
pub(crate) struct Known<'a> {
    homes: OnceCell<HashSet<&'a str>>,
}

/// Jars one entry of a class path may stand for.
const MAX_JARS: usize = 20_000;

impl Resolver for ClassPath {
    fn language(&self) -> Language {
        Language::Java
    }

    fn resolve(&self, context: &Context<'_>, from: (&str, &CodeFile), ask: &Ask) -> Answer {
        match ask {
            Ask::Include(path) => {
                // An address relative to the jar's own.
                let path = path.strip_prefix("file:").unwrap_or(path);
                answer(entry(context, parent(from.0), path))
            }
            _ => Answer::BuiltIn,
        }
    }

    fn start(&self, context: &Context<'_>, words: &[String]) -> Vec<(Ask, Answer)> {
        let mut found = Vec::new();
        for home in homes(context) {
            let own = context.files.below(&home).filter(|(path, file)| match file.code.language {
                Language::Java => true,
                Language::Native => parent(path).len() > home.len() && path.contains(".so"),
                _ => false,
            });
            found.push((Ask::Entry(home.clone()), answer(own.map(|(path, _)| path.to_owned()).collect())));
        }
        let mut options: Vec<String> = Vec::new();
        for variable in &context.config.env {
            match variable.split_once('=') {
                Some(("JAVA_TOOL_OPTIONS" | "JDK_JAVA_OPTIONS" | "_JAVA_OPTIONS", value)) => {
                    options.extend(value.split_ascii_whitespace().map(str::to_owned));
                }
                Some(("CLASSPATH", value)) => options.extend(["-cp".to_owned(), value.to_owned()]),
                _ => {}
            }
        }
        options.extend(words.iter().skip(1).cloned());
        class_path(context, &options, &mut found);
        let why = "a running virtual machine can load any class by a computed name";
        for kind in [Dynamic::Library, Dynamic::Module, Dynamic::Program] {
            found.push((Ask::Dynamic(kind), Answer::Unknown(why.to_owned())));
        }
        found
    }

    fn is_runtime(&self, context: &Context<'_>, path: &str) -> bool {
        // `<home>/lib/x.jar` and `<home>/jre/lib/x.jar` beside `<home>/bin/java`.
        let homes = context.memo.java.homes.get_or_init(|| {
            context.files.code.keys().filter_map(|path| path.strip_suffix("/bin/java")).collect()
        });
        !homes.is_empty() && ancestors(path).any(|folder| homes.contains(folder))
    }
}

fn answer(files: BTreeSet<String>) -> Answer {
    if files.is_empty() { Answer::Absent } else { Answer::Files(files.into_iter().collect()) }
}

/// Returns the folders of the virtual machines that were started, or of all when none is known.
fn homes(context: &Context<'_>) -> BTreeSet<String> {
    let home = |path: &str| {
        let real = context.files.real_path(path)?;
        let folder = parent(&real).strip_suffix("/bin")?.to_owned();
        (file_name(&real) == "java").then_some(folder)
    };
    let started: BTreeSet<String> = context.started.iter().filter_map(|path| home(path)).collect();
    if !started.is_empty() {
        return started;
    }
    context.named("java").iter().filter_map(|path| home(path)).filter(|home| home.contains('/')).collect()
}

/// Reads the options and words of `java`.
fn class_path(context: &Context<'_>, words: &[String], found: &mut Vec<(Ask, Answer)>) {
    let cwd = normalise(&context.config.working_dir);
    let mut add = |path: &str| {
        let files = entry(context, cwd, path);
        found.push((Ask::Include(path.to_owned()), answer(files)));
    };
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-cp" | "-classpath" | "--class-path" | "-p" | "--module-path" | "--upgrade-module-path" => {
                words.next().unwrap_or_default().split(':').for_each(&mut add);
            }
            "-jar" => {
                words.next().into_iter().for_each(&mut add);
                // What follows are the program's own words, which may name jars, too.
            }
            _ => {
                let valued = [
                    "--class-path=",
                    "--module-path=",
                    "-javaagent:",
                    "-Xbootclasspath/a:",
                    "-Xbootclasspath/p:",
                    "-Dloader.path=",
                ];
                if let Some(value) = valued.iter().find_map(|option| word.strip_prefix(option)) {
                    let value = value.split_once('=').map_or(value, |(value, _)| value);
                    value.split([':', ',']).for_each(&mut add);
                } else if word.ends_with(".jar") || word.ends_with(".war") {
                    add(word);
                }
            }
        }
    }
}

/// Returns the jars that one entry of a class path, relative to `base`, stands for.
fn entry(context: &Context<'_>, base: &str, path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let path =
        if path.starts_with('/') || base.is_empty() { path.to_owned() } else { format!("{base}/{path}") };
    if let Some(folder) = path.strip_suffix('*') {
        // Only the folder's own jars.
        let Some(folder) = context.files.real_path(folder) else { return found };
        let jars = context
            .files
            .below(&folder)
            .filter(|(path, file)| file.code.language == Language::Java && parent(path) == folder);
        found.extend(jars.take(MAX_JARS).map(|(path, _)| path.to_owned()));
        let links = context.files.symlinks.range(format!("{folder}/")..);
        let links = links
            .take_while(|(link, _)| link.starts_with(&folder))
            .filter(|(link, _)| parent(link) == folder);
        found.extend(links.take(MAX_JARS).filter_map(|(link, _)| jar(context, link)));
    } else {
        found.extend(jar(context, &path));
        // A folder: of classes, or of jars (`-Dloader.path`, `--module-path`).
        if found.is_empty() && !path.ends_with(".jar") {
            return entry(context, "", &format!("{}/*", path.trim_end_matches('/')));
        }
    }
    found
}

fn jar(context: &Context<'_>, path: &str) -> Option<String> {
    let (path, file) = context.files.find(path)?;
    (file.code.language == Language::Java).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::testing::{Image, check_ask};

    fn image() -> Image {
        Image::new(Language::Java)
            .files(&[
                "app/app.jar",
                "app/lib/a.jar",
                "app/lib/b.jar",
                "app/lib/deep/c.jar",
                "opt/agent.jar",
                "usr/share/java/d-1.jar",
            ])
            .files(&["usr/lib/jvm/17/lib/jrt-fs.jar"])
            .native(&["usr/lib/jvm/17/bin/java", "usr/lib/jvm/17/lib/server/libjvm.so"])
            .link("usr/bin/java", "../lib/jvm/17/bin/java")
            .link("app/lib/d.jar", "/usr/share/java/d-1.jar")
            .started(&["usr/bin/java"])
            .working_dir("/app")
    }

    #[test]
    fn the_class_path_is_used() {
        let check = |words: &[&str], want: &[&str]| {
            let own = ["usr/lib/jvm/17/lib/jrt-fs.jar", "usr/lib/jvm/17/lib/server/libjvm.so"];
            let all = image().start(&ClassPath, words);
            let (found, why): (Vec<String>, Vec<String>) =
                all.into_iter().partition(|word| !word.starts_with("unknown"));
            assert_eq!(found, [&own, want].concat(), "{words:?}");
            assert_eq!(why.len(), 3);
        };
        let lib = ["app/lib/a.jar", "app/lib/b.jar", "usr/share/java/d-1.jar"];
        check(&["java", "-jar", "app.jar"], &["app/app.jar"]);
        check(
            &["java", "-Xmx1g", "-javaagent:/opt/agent.jar=x", "-jar", "/app/app.jar"],
            &["opt/agent.jar", "app/app.jar"],
        );
        check(&["java", "-cp", "lib/*:/app/classes", "a.Main"], &lib);
        check(&["java", "--class-path=/app/lib/deep/c.jar", "a.Main"], &["app/lib/deep/c.jar"]);
        check(&["java"], &[]);
    }

    #[test]
    fn a_manifest_leads_on() {
        let check = |path: &str, want: &[&str]| {
            check_ask(&ClassPath, &image(), "app/app.jar", &Ask::Include(path.to_owned()), want);
        };
        check("lib/a.jar", &["app/lib/a.jar"]);
        check("../opt/agent.jar", &["opt/agent.jar"]);
        check("none.jar", &[]);
    }

    #[test]
    fn the_machine_is_the_runtime() {
        let runtime = |path: &str| image().with(|context| ClassPath.is_runtime(context, path));
        assert!(runtime("usr/lib/jvm/17/lib/jrt-fs.jar"));
        assert!(!runtime("app/lib/a.jar"));
    }
}
