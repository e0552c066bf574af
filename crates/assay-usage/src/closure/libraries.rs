//! What ELF files lead to: their linker, the libraries they need, and what they may load or run besides.

use super::{Cause, MAX_DEPTH, Origin, Reach, Walk, Words, variable};
use crate::resolve::native::processor;
use crate::runtimes::{Interpreter, Runtime, interpreter, runtime};
use assay_analyze::{Ask, CodeFile, Dynamic, Language};
use assay_model::path::{file_name, parent};
use std::collections::HashMap;

impl<'a> Walk<'a> {
    /// Follows an ELF file: its linker, the libraries it needs, and what it may load or run besides.
    pub(super) fn native(&mut self, path: &'a str, file: &'a CodeFile, reach: Reach) {
        let soname = file.code.name.as_deref();
        let known = runtime(path, soname);
        let group = interpreter(path, soname);
        if let Some(group) = group {
            self.interprets(path, group);
        }
        // What an interpreter loads and runs is in its scripts; so it is with its own modules.
        let by_table =
            known.is_some() || group.is_some_and(Interpreter::is_followed) || self.is_runtime(path);
        let runs = known.is_some_and(|known| known.runs);
        for ask in &file.code.asks {
            match ask {
                Ask::Interpreter(linker, _) => {
                    let origin = Origin { from: Some(path), reach, how: format!("dynamic linker: {linker}") };
                    if let Some((found, _)) = self.find(linker, &origin) {
                        self.add(found, &origin, Words::None);
                    }
                    self.preload(path, file, reach);
                }
                Ask::Library(name) => self.library(name, path, file, reach, "needed"),
                Ask::Maybe(Dynamic::Library, _) | Ask::Dynamic(Dynamic::Library) if by_table => {}
                Ask::Maybe(Dynamic::Program, _) | Ask::Dynamic(Dynamic::Program) if by_table && !runs => {}
                _ => self.ask(path, file, ask, &Words::None, reach),
            }
        }
        if let Some(known) = known {
            self.plugins(path, known);
        }
    }

    /// An interpreter is reached. If nobody reads what its scripts ask for, they may ask for anything.
    fn interprets(&mut self, path: &'a str, group: &'static Interpreter) {
        let cause = Cause { from: Some(path), how: format!("runs {} code", group.name) };
        self.interpreters.entry(group.name).or_insert(cause);
        if !group.is_followed() {
            let cause =
                Cause { from: Some(path), how: format!("runs {} code, which is not followed", group.name) };
            self.any_module.entry(group.name).or_insert_with(|| cause.clone());
            self.any_library.get_or_insert_with(|| cause.clone());
            self.any_program.get_or_insert(cause);
        }
    }

    /// Follows what the dynamic linker loads into every program: `LD_PRELOAD` and `ld.so.preload`.
    fn preload(&mut self, path: &'a str, file: &'a CodeFile, reach: Reach) {
        if self.preloaded {
            return;
        }
        self.preloaded = true;
        for name in variable(self.context.config, "LD_PRELOAD")
            .unwrap_or_default()
            .split([' ', ':'])
            .filter(|name| !name.is_empty())
        {
            self.library(name, path, file, reach, "preloaded");
        }
        for ask in self
            .files
            .find("etc/ld.so.preload")
            .map(|(_, file)| file.code.asks.as_slice())
            .unwrap_or_default()
        {
            if let Ask::Library(name) = ask {
                self.library(name, path, file, reach, "preloaded");
            }
        }
    }

    pub(super) fn library(&mut self, name: &str, path: &'a str, file: &'a CodeFile, reach: Reach, how: &str) {
        // Who loaded this file, and who loaded that: their search paths count, too.
        let mut loaders = Vec::new();
        let mut at = self.marks.get(path).and_then(|mark| mark.from);
        while let Some((loader, file)) = at.and_then(|path| self.files.exact(path)) {
            if loaders.len() >= MAX_DEPTH || file.code.language != Language::Native {
                break;
            }
            loaders.push((loader, file));
            at = self.marks.get(loader).and_then(|mark| mark.from);
        }
        // A script has no processor of its own; its interpreter has, and any fits where none is known.
        let found = self.libraries.find(name, (path, file), &loaders);
        let origin = Origin { from: Some(path), reach, how: format!("{how}: {name}") };
        if let Some((found, _)) = found.first.as_deref().and_then(|first| self.find(first, &origin)) {
            self.add(found, &origin, Words::None);
        } else {
            let origin = Origin {
                from: Some(path),
                reach: Reach::Maybe,
                how: format!("{how} by name, and found on no search path: {name}"),
            };
            let wanted = processor(file);
            for other in self.context.named(file_name(name)).to_vec() {
                let fits = self
                    .files
                    .code
                    .get(other)
                    .is_some_and(|other| wanted.is_none() || processor(other) == wanted);
                if fits {
                    self.add(other, &origin, Words::None);
                }
            }
            for link in self.links_named(file_name(name)) {
                if let Some((found, _)) = self.find(link, &origin) {
                    self.add(found, &origin, Words::None);
                }
            }
        }
        let origin = Origin {
            from: Some(path),
            reach: Reach::Maybe,
            how: format!("{how}, and found here, too: {name}"),
        };
        for other in found.others {
            self.add(other, &origin, Words::None);
        }
    }

    /// Returns the symbolic links whose last component is `name`: libraries are often found by these only.
    fn links_named(&mut self, name: &str) -> Vec<&'a str> {
        let files = self.files;
        let names = self.link_names.get_or_insert_with(|| {
            let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
            for path in files.symlinks.keys().filter(|path| path.contains(".so")) {
                names.entry(file_name(path)).or_default().push(path);
            }
            names
        });
        names.get(name).cloned().unwrap_or_default()
    }

    /// Opens the plug-in folders of a runtime.
    fn plugins(&mut self, path: &'a str, known: &Runtime) {
        let files = self.files;
        let mut folders = vec![parent(path).to_owned()];
        folders.extend(self.libraries.folders().iter().filter(|folder| *folder != parent(path)).cloned());
        folders.push("usr/share".to_owned());
        let origin = Origin {
            from: Some(path),
            reach: Reach::Maybe,
            how: "may load it: it lies where its plug-ins do".to_owned(),
        };
        for folder in folders {
            for plugins in known.plugins {
                for (path, _) in files.below(&format!("{folder}/{plugins}")) {
                    self.add(path, &origin, Words::None);
                }
            }
            for prefix in known.prefixes {
                let prefix = format!("{folder}/{prefix}");
                let named =
                    files.code.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
                for (path, _) in named {
                    self.add(path, &origin, Words::None);
                }
                let links =
                    files.symlinks.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
                for (link, _) in links {
                    if let Some((path, _)) = self.find(link, &origin) {
                        self.add(path, &origin, Words::None);
                    }
                }
            }
        }
    }
}
