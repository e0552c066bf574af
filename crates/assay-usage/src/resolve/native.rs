//! The dynamic linker's search for libraries (ld.so(8); for musl `ldso/dynlink.c`, `load_library`).
//!
//! The order is `DT_RPATH` of who asks and who loaded it, `LD_LIBRARY_PATH`, `DT_RUNPATH`, the settings' folders, the linker's own. A
//! file for another processor is passed over. What is surprising: glibc takes the settings' folders from a cache made when ldconfig last
//! ran, so a second file of the same name, later in the order, may be the one that is loaded: it is said, too.

use crate::tree::Tree;
use assay_analyze::{Ask, CodeFile, Language};
use assay_model::image::ImageConfig;
use assay_model::path::parent;
use std::collections::HashMap;

/// The linker's own folders: glibc's with the multiarch folders of Debian, and musl's.
const FOLDERS: &[&str] = &[
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib/i386-linux-gnu",
    "usr/lib/i386-linux-gnu",
    "lib/arm-linux-gnueabihf",
    "usr/lib/arm-linux-gnueabihf",
    "lib/arm-linux-gnueabi",
    "usr/lib/arm-linux-gnueabi",
    "lib/riscv64-linux-gnu",
    "usr/lib/riscv64-linux-gnu",
    "lib/powerpc64le-linux-gnu",
    "usr/lib/powerpc64le-linux-gnu",
    "lib/s390x-linux-gnu",
    "usr/lib/s390x-linux-gnu",
    "lib/mips64el-linux-gnuabi64",
    "usr/lib/mips64el-linux-gnuabi64",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/local/lib",
    "usr/lib",
    "lib32",
    "usr/lib32",
];

/// Files of settings followed by `include`; each is read once.
const MAX_SETTINGS: usize = 256;

/// What a name leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// The path, links not followed, of the file that is loaded.
    pub(crate) first: Option<String>,
    /// Others that could be loaded in its place.
    pub(crate) others: Vec<&'a str>,
}

/// The image's libraries and where they are sought.
pub(crate) struct Libraries<'a> {
    files: &'a Tree<'a>,
    /// `LD_LIBRARY_PATH` of the image's environment.
    environment: Vec<String>,
    /// Settings' folders and the linker's own, real paths.
    system: Vec<String>,
    /// Folders for newer processors below those.
    capabilities: Vec<String>,
    /// What the system's folders have, by name and processor.
    known: HashMap<(String, (u16, bool)), Found<'a>>,
}

/// Returns the processor a file is for.
pub(crate) fn processor(file: &CodeFile) -> Option<(u16, bool)> {
    file.code.asks.iter().find_map(|ask| match ask {
        Ask::Processor(machine, wide) => Some((*machine, *wide)),
        _ => None,
    })
}

impl<'a> Libraries<'a> {
    pub(crate) fn new(files: &'a Tree<'a>, config: &ImageConfig) -> Self {
        let environment = config.env.iter().filter_map(|setting| setting.strip_prefix("LD_LIBRARY_PATH="));
        let environment =
            environment.flat_map(|list| list.split([':', ';'])).filter(|folder| folder.starts_with('/'));
        let environment = environment.filter_map(|folder| files.real_path(folder)).collect();
        let mut libraries =
            Self { files, environment, system: Vec::new(), capabilities: Vec::new(), known: HashMap::new() };
        let mut seen = 0;
        libraries.settings("etc/ld.so.conf", &mut seen);
        for (path, file) in files.below("etc") {
            if file.code.language == Language::Settings && path.ends_with(".path") {
                libraries.folders_of(file);
            }
        }
        for folder in FOLDERS {
            libraries.add(folder);
        }
        for folder in libraries.system.clone() {
            for (path, _) in files.below(&format!("{folder}/glibc-hwcaps")) {
                let folder = parent(path).to_owned();
                if !libraries.capabilities.contains(&folder) {
                    libraries.capabilities.push(folder);
                }
            }
        }
        libraries
    }

    /// Returns whether anything is in a folder: most of the linker's are not there, and looking into them costs.
    fn has_files(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        let starts = |path: Option<&String>| path.is_some_and(|path| path.starts_with(&below));
        starts(self.files.code.range(below.clone()..).next().map(|(path, _)| path))
            || starts(self.files.symlinks.range(below.clone()..).next().map(|(path, _)| path))
    }

    fn settings(&mut self, path: &str, seen: &mut usize) {
        *seen += 1;
        let Some((_, file)) = self.files.find(path).filter(|_| *seen <= MAX_SETTINGS) else { return };
        for ask in &file.code.asks {
            match ask {
                Ask::SearchPath(folder) => self.add(folder),
                Ask::Include(pattern) => {
                    let pattern =
                        if pattern.starts_with('/') { pattern.clone() } else { format!("etc/{pattern}") };
                    let pattern = pattern.trim_start_matches('/');
                    match pattern.split_once('*') {
                        Some((before, after)) => {
                            let folder = parent(before).to_owned();
                            let matching: Vec<&str> = (self.files.below(&folder))
                                .map(|(path, _)| path)
                                .filter(|path| {
                                    path.starts_with(before)
                                        && path.ends_with(after)
                                        && parent(path) == folder
                                })
                                .collect();
                            for path in matching {
                                self.settings(path, seen);
                            }
                        }
                        None => self.settings(pattern, seen),
                    }
                }
                _ => {}
            }
        }
    }

    fn folders_of(&mut self, file: &CodeFile) {
        for ask in &file.code.asks {
            if let Ask::SearchPath(folder) = ask {
                self.add(folder);
            }
        }
    }

    fn add(&mut self, folder: &str) {
        if let Some(folder) = self.files.real_path(folder)
            && !self.system.contains(&folder)
            && self.has_files(&folder)
        {
            self.system.push(folder);
        }
    }

    /// Adds a folder that a script puts on the search path; it comes last, as scripts may not be run.
    pub(crate) fn add_folder(&mut self, folder: &str) {
        self.add(folder);
        self.known.clear();
    }

    /// Returns the system's library folders.
    pub(crate) fn folders(&self) -> &[String] {
        &self.system
    }

    /// Finds the library `name` that is asked for by the file `from`, which files of `loaders` loaded, the nearest first.
    pub(crate) fn find(
        &mut self,
        name: &str,
        from: (&str, &CodeFile),
        loaders: &[(&str, &CodeFile)],
    ) -> Found<'a> {
        let Some(wanted) = processor(from.1).or_else(|| loaders.iter().find_map(|(_, file)| processor(file)))
        else {
            return Found::default();
        };
        if name.contains('/') {
            let path = expand(name, from.0);
            let first = self.is_library(&path, wanted).then_some(path);
            return Found { first, others: Vec::new() };
        }
        let folders = |file: &(&str, &CodeFile), ask: fn(&Ask) -> Option<&String>| {
            let from = file.0.to_owned();
            file.1.code.asks.iter().filter_map(ask).map(|folder| expand(folder, &from)).collect::<Vec<_>>()
        };
        let runpath = folders(&from, |ask| match ask {
            Ask::Runpath(folder) => Some(folder),
            _ => None,
        });
        let mut own = Vec::new();
        if runpath.is_empty() {
            for file in std::iter::once(&from).chain(loaders) {
                own.extend(folders(file, |ask| match ask {
                    Ask::Rpath(folder) => Some(folder),
                    _ => None,
                }));
            }
        }
        own.extend(self.environment.iter().cloned());
        own.extend(runpath);
        let first = own
            .iter()
            .filter_map(|folder| self.files.real_path(folder))
            .find_map(|folder| self.in_folder(&folder, name, wanted));
        let system = self.in_system(name, wanted);
        match first {
            Some(first) => Found { first: Some(first), others: Vec::new() },
            None => system,
        }
    }

    fn in_system(&mut self, name: &str, wanted: (u16, bool)) -> Found<'a> {
        let key = (name.to_owned(), wanted);
        if let Some(found) = self.known.get(&key) {
            return found.clone();
        }
        let mut found = Found::default();
        let mut first_real = "";
        for folder in &self.system {
            let Some(path) = self.in_folder(folder, name, wanted) else { continue };
            let Some((real, _)) = self.files.find(&path) else { continue };
            if found.first.is_none() {
                found.first = Some(path);
                first_real = real;
            } else if real != first_real {
                found.others.push(real);
            }
        }
        for folder in &self.capabilities {
            let path = self.in_folder(folder, name, wanted);
            found.others.extend(path.and_then(|path| self.files.find(&path)).map(|(real, _)| real));
        }
        self.known.insert(key, found.clone());
        found
    }

    fn in_folder(&self, folder: &str, name: &str, wanted: (u16, bool)) -> Option<String> {
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        // The folder is a real one: either the file is there, or a link is.
        let is_there = self.files.exact(&path).is_some() || self.files.is_link(&path);
        (is_there && self.is_library(&path, wanted)).then_some(path)
    }

    fn is_library(&self, path: &str, wanted: (u16, bool)) -> bool {
        self.files.find(path).is_some_and(|(_, file)| processor(file) == Some(wanted))
    }
}

/// Replaces `$ORIGIN`, the folder of the file that asks; `$LIB` and `$PLATFORM` stay, and lead nowhere.
fn expand(text: &str, from: &str) -> String {
    let origin = format!("/{}", parent(from));
    text.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin)
}
