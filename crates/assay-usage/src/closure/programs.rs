//! What commands lead to: programs by name or path, through wrappers, shells and interpreters.

use super::{Cause, MAX_DEPTH, Origin, Reach, Walk, Words, described, is_startable, shown};
use crate::code::shell::commands;
use crate::commands::{SHELLS, ShellWork, is_manager, shell_work, unwrap};
use crate::resolve::Answer;
use crate::runtimes::interpreter;
use crate::shell;
use assay_analyze::{Ask, CodeFile, Dynamic, Language};
use assay_model::path::file_name;

/// Words of a command that are followed; those of scripts that pass on their own words are a few.
const MAX_WORDS: usize = 64;

/// Bytes of such words.
const MAX_WORD_BYTES: usize = 8192;

impl<'a> Walk<'a> {
    /// Finds a program by its name or path.
    fn program(&mut self, name: &str, origin: &Origin<'a>) -> Option<(&'a str, &'a CodeFile)> {
        if name.contains('/') {
            let path = if name.starts_with('/') {
                name.to_owned()
            } else {
                format!("{}/{name}", self.context.config.working_dir)
            };
            return self.find(&path, origin);
        }
        let files = self.files;
        for folder in self.path.iter().chain(&self.more_path) {
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            if let Some((path, file)) = files.exact(&path) {
                return Some((path, file));
            }
            if files.is_link(&path) {
                return self.find(&path, origin);
            }
        }
        None
    }

    /// Follows a command; returns whether its program was found. `given` are the words of the script it stands in.
    pub(super) fn command(
        &mut self,
        line: &[String],
        origin: &Origin<'a>,
        given: &Words,
        depth: usize,
    ) -> bool {
        if depth > MAX_DEPTH {
            let cause =
                Cause { from: origin.from, how: "starts programs within programs without end".to_owned() };
            self.any_program.get_or_insert(cause);
            return false;
        }
        if line.first().is_some_and(|word| word == "$@tail") {
            // Some of the words were taken off; the program may begin at any that is left.
            let Some(given) = given else { return self.unknown_program(origin) };
            let mut found = false;
            for start in 0..given.len() {
                found |=
                    self.command(given.get(start..).unwrap_or_default(), origin, &Words::None, depth + 1);
            }
            return found;
        }
        let Some(words) = self.substituted(line, given) else { return self.unknown_program(origin) };
        let Some(name) = words.first() else { return false };
        if name.contains('$') {
            return self.computed_program(name, origin);
        }
        let Some((path, file)) = self.program(name, origin) else {
            // A search path may be changed where nobody sees it.
            let others = self.context.named(file_name(name)).to_vec();
            let how = format!("{}, though not found on the search path", origin.how);
            for other in others {
                if self.files.code.get(other).is_some_and(is_startable) {
                    self.add(
                        other,
                        &Origin { from: origin.from, reach: Reach::Maybe, how: how.clone() },
                        Words::None,
                    );
                }
            }
            return false;
        };
        let arguments = words.get(1..).unwrap_or_default().to_vec();
        self.add(path, origin, Some(arguments));
        let next = |how: String| Origin { from: Some(path), reach: origin.reach, how };
        let mut base = file_name(name);
        let mut words = words.as_slice();
        if matches!(base, "busybox" | "toybox") {
            words = words.get(1..).unwrap_or_default();
            base = words.first().map_or("", |word| file_name(word));
        }
        if base == "find" {
            let run = words
                .iter()
                .position(|word| matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir"));
            if let Some(line) = run.and_then(|at| words.get(at + 1..)) {
                self.command(line, &next("run by find".to_owned()), given, depth + 1);
            }
        } else if matches!(base, "su" | "runuser")
            && words.iter().any(|word| word == "-c" || word == "--command")
        {
            let text = words
                .iter()
                .skip_while(|word| *word != "-c" && *word != "--command")
                .nth(1)
                .cloned()
                .unwrap_or_default();
            let line = ["/bin/sh".to_owned(), "-c".to_owned(), text];
            self.command(&line, &next(format!("run by {base}")), given, depth + 1);
        } else if is_manager(base) {
            let cause = Cause {
                from: Some(path),
                how: "starts what its settings or words say, which is not followed".to_owned(),
            };
            self.any_program.get_or_insert(cause);
        } else if let Some((wrapper, rest)) = unwrap(base, words) {
            let reach = if wrapper.sure { origin.reach } else { Reach::Maybe };
            let origin = Origin { reach, ..next(format!("run by {base}: {}", shown(rest))) };
            self.command(rest, &origin, given, depth + 1);
        } else if SHELLS.contains(&base) {
            self.shell(words, &next(String::new()), given, depth);
        } else if file.code.language == Language::Native
            && let Some(group) = interpreter(path, file.code.name.as_deref())
            && let Some(resolver) = group.language.and_then(Self::resolver)
        {
            self.begin(path);
            for (ask, answer) in resolver.start(&self.context, words) {
                let reach = origin.reach;
                match (&ask, answer) {
                    (Ask::Dynamic(kind), Answer::Unknown(how)) => {
                        self.any(*kind, group.name, Cause { from: Some(path), how });
                    }
                    // Text on the command line runs and loads what any file does.
                    (
                        Ask::Run(_)
                        | Ask::Command(_)
                        | Ask::Library(_)
                        | Ask::Maybe(Dynamic::Library | Dynamic::Program, _),
                        Answer::Unknown(_),
                    ) => self.ask(path, file, &ask, &Words::None, reach),
                    (_, answer) => self.answer(answer, &next(described(&ask)), Some(group)),
                }
            }
        }
        if file.code.language != Language::Native {
            self.begin(path);
        }
        true
    }

    fn shell(&mut self, words: &[String], origin: &Origin<'a>, given: &Words, depth: usize) {
        match shell_work(words) {
            ShellWork::Text(text, rest) => {
                if text.contains('$') && text.len() == 2 {
                    self.unknown_program(origin);
                    return;
                }
                let mut asks = Vec::new();
                commands(&shell::parse(text), 0, &mut asks);
                // The word after the text is `$0`.
                let rest = Some(rest.get(1..).unwrap_or_default().to_vec());
                for ask in asks {
                    match ask {
                        Ask::Command(line) => {
                            let origin = Origin {
                                how: format!("run by the shell: {}", shown(&line)),
                                ..origin.clone()
                            };
                            self.command(&line, &origin, &rest, depth + 1);
                        }
                        Ask::Include(name) => {
                            let origin =
                                Origin { how: format!("read by the shell: {name}"), ..origin.clone() };
                            if let Some((found, _)) = self.find(&name, &origin) {
                                self.add(found, &origin, rest.clone());
                            }
                        }
                        Ask::Dynamic(_) => {
                            self.unknown_program(origin);
                        }
                        Ask::SearchPath(folder) if !folder.contains('$') => {
                            self.libraries.add_folder(&folder);
                            self.more_path.extend(self.files.real_path(&folder));
                        }
                        _ => {}
                    }
                }
            }
            ShellWork::Script(line) => {
                let Some(line) = self.substituted(line, given) else {
                    self.unknown_program(origin);
                    return;
                };
                let Some((script, rest)) = line.split_first() else { return };
                let origin = Origin { how: format!("script: {script}"), ..origin.clone() };
                // A script is sought in the working folder, then on the path.
                let here = format!("{}/{script}", self.context.config.working_dir);
                let found = if script.starts_with('/') {
                    self.find(script, &origin)
                } else {
                    self.find(&here, &origin).or_else(|| self.program(script, &origin))
                };
                match found {
                    Some((path, _)) => self.add(path, &origin, Some(rest.to_vec())),
                    // What a shell runs without having been read as a script may be anything.
                    None => {
                        self.unknown_program(&origin);
                    }
                }
            }
            ShellWork::Input => {}
        }
    }

    fn unknown_program(&mut self, origin: &Origin<'a>) -> bool {
        let how = "may run any program: the name is computed".to_owned();
        self.any_program.get_or_insert(Cause { from: origin.from, how });
        true
    }

    /// Follows a program of whose path only the end is known.
    fn computed_program(&mut self, name: &str, origin: &Origin<'a>) -> bool {
        let base = file_name(name);
        if base.contains('$') || base.is_empty() || base == name {
            return self.unknown_program(origin);
        }
        let how = format!("{}, in a folder that is computed", origin.how);
        for other in self.context.named(base).to_vec() {
            self.add(
                other,
                &Origin { from: origin.from, reach: Reach::Maybe, how: how.clone() },
                Words::None,
            );
        }
        true
    }

    /// Puts the words a script was given, and the image's environment, in the place of `$@`, `$1` and `$NAME`; `None` when the program is
    /// one of words that nobody knows.
    fn substituted(&self, line: &[String], given: &Words) -> Option<Vec<String>> {
        let mut out = Vec::with_capacity(line.len());
        for (index, word) in line.iter().enumerate() {
            if !word.contains('$') {
                out.push(word.clone());
                continue;
            }
            let bare = word.trim_start_matches('$').trim_start_matches('{').trim_end_matches('}');
            match bare {
                "@" | "*" | "@tail" => match given {
                    Some(given) => out.extend(given.iter().cloned()),
                    None if index == 0 => return None,
                    None => out.push(word.clone()),
                },
                digit if digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit()) => {
                    let number = usize::from(digit.bytes().next().unwrap_or(b'0') - b'0');
                    match given.as_ref().map(|given| number.checked_sub(1).and_then(|at| given.get(at))) {
                        Some(Some(value)) => out.push(value.clone()),
                        Some(None) => {}
                        None if index == 0 => return None,
                        None => out.push(word.clone()),
                    }
                }
                _ => out.push(self.expanded(word)),
            }
            // A script that calls itself with more than it was given would be followed for ever.
            if out.len() > MAX_WORDS || out.iter().map(String::len).sum::<usize>() > MAX_WORD_BYTES {
                return None;
            }
        }
        Some(out)
    }

    /// Replaces variables that the image's environment sets.
    fn expanded(&self, word: &str) -> String {
        let mut out = word.to_owned();
        for setting in &self.context.config.env {
            if let Some((name, value)) = setting.split_once('=')
                && out.contains('$')
            {
                out = out.replace(&format!("${{{name}}}"), value);
                let plain = format!("${name}");
                if out == plain || out.contains(&format!("{plain}/")) {
                    out = out.replace(&plain, value);
                }
            }
        }
        out
    }
}
