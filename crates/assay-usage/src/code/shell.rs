//! Scripts: the interpreter after `#!` (execve(2), "Interpreter scripts"), and, for a POSIX shell's, the commands it runs.
//!
//! What is surprising: the kernel gives everything after the interpreter's path as one word, and cuts the line at 256 bytes.

use crate::commands::SHELLS;
use crate::shell::{Script, parse};
use assay_analyze::{Analyzer, AnalyzerId, Ask, Code, Dynamic, Fact, File, Language, Select, Sink};
use assay_model::path::file_name;

/// Reads scripts.
pub(crate) struct ShellScript;

/// Bytes of a script that are read; what is longer carries data behind its text.
const MAX_SCRIPT: u64 = 1 << 20;

/// Linux's `BINPRM_BUF_SIZE`.
const MAX_LINE: usize = 256;

/// Scripts in scripts: the argument of `eval` or `trap`.
const MAX_DEPTH: usize = 4;

/// Commands that a shell runs itself.
const BUILTINS: &[&str] = &[
    ":",
    "[",
    "[[",
    "alias",
    "bg",
    "bind",
    "break",
    "caller",
    "cd",
    "compgen",
    "complete",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "shift",
    "shopt",
    "suspend",
    "test",
    "times",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// Programs whose words never name a program; they are most of a script's commands, and the same again and again without their words.
const PLAIN: &[&str] = &[
    "awk",
    "base64",
    "basename",
    "cat",
    "chmod",
    "chown",
    "cmp",
    "cp",
    "curl",
    "cut",
    "date",
    "df",
    "diff",
    "dirname",
    "du",
    "egrep",
    "expr",
    "fgrep",
    "getent",
    "grep",
    "gunzip",
    "gzip",
    "head",
    "hostname",
    "id",
    "install",
    "ldconfig",
    "ln",
    "logger",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "od",
    "openssl",
    "paste",
    "ps",
    "readlink",
    "realpath",
    "rm",
    "rmdir",
    "sed",
    "seq",
    "sha256sum",
    "sleep",
    "sort",
    "stat",
    "stty",
    "tail",
    "tar",
    "tee",
    "touch",
    "tr",
    "tty",
    "uname",
    "uniq",
    "wc",
    "wget",
    "which",
    "whoami",
    "yes",
];

impl Analyzer for ShellScript {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "code-script", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Magic(b"#!"),
            Select::Suffix(".sh"),
            Select::Suffix(".bash"),
            Select::Under("etc/default/", ""),
            Select::Under("etc/sysconfig/", ""),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Package managers run these, never what an image starts.
        if file.path.starts_with("var/lib/dpkg/") {
            return;
        }
        let len = file.content.len().min(MAX_SCRIPT);
        let Ok(bytes) = file.content.read_range(0, len, usize::MAX) else { return };
        // What carries another kind of data under such a name is not a script.
        if !bytes.starts_with(b"#!") && memchr::memchr(0, bytes.get(..MAX_LINE).unwrap_or(&bytes)).is_some() {
            return;
        }
        let shebang = interpreter(&bytes);
        let language = match &shebang {
            Some((path, words)) if is_shell(path, words) => Language::Shell,
            Some(_) => Language::OtherScript,
            None if bytes.starts_with(b"#!") => return,
            None => Language::Shell,
        };
        let library = shebang.is_none();
        let mut asks: Vec<Ask> = Vec::new();
        asks.extend(shebang.map(|(path, words)| Ask::Interpreter(path, words)));
        if language == Language::Shell {
            let script = parse(&String::from_utf8_lossy(&bytes));
            commands(&script, 0, &mut asks);
            if file.content.len() > MAX_SCRIPT {
                asks.push(Ask::Dynamic(Dynamic::Program));
            }
        }
        let code = Code { language, size: file.content.len(), name: None, library, asks };
        out.fact(Fact::Code(Box::new(code)));
    }
}

/// Returns the interpreter and the words it is given before the script's name.
fn interpreter(bytes: &[u8]) -> Option<(String, Vec<String>)> {
    let line = bytes.get(..MAX_LINE).unwrap_or(bytes).strip_prefix(b"#!")?;
    let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next()?).into_owned();
    let line = line.trim_end_matches('\r').trim();
    let (path, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let rest = rest.trim();
    if path.is_empty() {
        return None;
    }
    let words = if file_name(path) == "env" {
        // `env -S` splits its word; without it people write only the one.
        rest.split_ascii_whitespace().map(str::to_owned).collect()
    } else if rest.is_empty() {
        Vec::new()
    } else {
        vec![rest.to_owned()]
    };
    Some((path.to_owned(), words))
}

fn is_shell(path: &str, words: &[String]) -> bool {
    let first = || words.iter().find(|word| !word.starts_with('-')).map_or("", |word| file_name(word));
    match file_name(path) {
        "env" | "busybox" | "with-contenv" => SHELLS.contains(&first()) || file_name(path) == "with-contenv",
        name => SHELLS.contains(&name),
    }
}

/// Says which programs and files a script asks for.
pub(crate) fn commands(script: &Script, depth: usize, asks: &mut Vec<Ask>) {
    let start = asks.len();
    let mut seen = std::collections::HashSet::new();
    let shifts = script.commands.iter().any(|words| words.first().is_some_and(|word| word == "shift"));
    for (name, value) in &script.paths {
        for part in value.split(':').filter(|part| !part.is_empty()) {
            let ask = match (name.as_str(), part.contains('$')) {
                // The variable itself, to add to it.
                (_, true) if part.trim_matches(['$', '{', '}']).split(":-").next() == Some(name.as_str()) => {
                    continue;
                }
                ("LD_PRELOAD", true) => Ask::Dynamic(Dynamic::Library),
                ("LD_PRELOAD", false) => Ask::Maybe(Dynamic::Library, part.to_owned()),
                _ => Ask::SearchPath(part.to_owned()),
            };
            asks.push(ask);
        }
    }
    for words in &script.commands {
        command(script, words, shifts, depth, asks);
    }
    // The same command again says nothing new.
    let mut index = 0;
    asks.retain(|ask| {
        index += 1;
        index <= start || seen.insert(ask.clone())
    });
    if script.cut {
        asks.push(Ask::Dynamic(Dynamic::Program));
    }
}

fn command(script: &Script, words: &[String], shifts: bool, depth: usize, asks: &mut Vec<Ask>) {
    let Some((first, rest)) = words.split_first() else { return };
    match first.as_str() {
        name if script.functions.contains(name) || BUILTINS.contains(&name) => {}
        "." | "source" => match rest.first() {
            Some(path) if path.contains('$') => asks.push(Ask::Dynamic(Dynamic::Module)),
            Some(path) => asks.push(Ask::Include(path.clone())),
            None => {}
        },
        "exec" | "builtin" | "command" => {
            let mut rest = rest;
            while let Some((option, after)) = rest.split_first() {
                match option.as_str() {
                    "-a" => rest = after.get(1..).unwrap_or_default(),
                    // `command -v` only asks where a program is.
                    "-v" | "-V" => return,
                    "--" | "-c" | "-l" | "-p" | "-cl" | "-lc" => rest = after,
                    _ => break,
                }
            }
            command(script, rest, shifts, depth, asks);
        }
        "eval" => {
            // `eval set -- …` and `eval "$name=…"` run nothing.
            let sets = rest.first().is_some_and(|word| word.starts_with("set") || is_assignment(word));
            if sets {
            } else if rest.iter().any(|word| word.contains('$')) || depth >= MAX_DEPTH {
                asks.push(Ask::Dynamic(Dynamic::Program));
            } else {
                commands(&parse(&rest.join(" ")), depth + 1, asks);
            }
        }
        "trap" => {
            if let Some(text) = rest.iter().find(|word| !word.starts_with('-'))
                && depth < MAX_DEPTH
            {
                let mut inner = parse(text);
                inner.functions.extend(script.functions.iter().cloned());
                commands(&inner, depth + 1, asks);
            }
        }
        "set" => {
            // `set -- server "$@"`, to be run by `exec "$@"` later.
            let mut rest = rest;
            while let Some((word, after)) = rest.split_first() {
                if !word.starts_with(['-', '+']) {
                    break;
                }
                rest = after;
            }
            if rest.len() > 1 && rest.iter().any(|word| word.starts_with("$@")) {
                command(script, rest, shifts, depth, asks);
            }
        }
        _ => {
            let first = match first.as_str() {
                "$@" | "$*" | "${@}" if shifts => "$@tail",
                "${@}" | "$*" => "$@",
                other => other,
            };
            // What a script is given may be what it runs.
            let keeps = !PLAIN.contains(&first);
            let mut kept = vec![first.to_owned()];
            if keeps {
                kept.extend(rest.iter().cloned());
            }
            asks.push(Ask::Command(kept));
        }
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_${}\\".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::LayerFacts;
    use proptest::prelude::*;

    fn analyze(path: &str, text: &[u8]) -> Option<Code> {
        let mut facts = LayerFacts::default();
        ShellScript.analyze(&File::new(path, 0o755, &text), &mut Sink::new(path, &mut facts));
        facts.paths.remove(path)?.facts.into_iter().find_map(|fact| match fact {
            Fact::Code(code) => Some(*code),
            _ => None,
        })
    }

    #[track_caller]
    fn check(text: &str, language: Language, want: &[&str]) {
        let code = analyze("x", text.as_bytes()).unwrap();
        assert_eq!(code.language, language);
        let got: Vec<String> = code
            .asks
            .iter()
            .map(|ask| match ask {
                Ask::Command(words) => words.join(" "),
                Ask::Interpreter(path, words) => {
                    format!("#!{path} {}", words.join(" ")).trim_end().to_owned()
                }
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn scripts_say_what_they_run() {
        check(
            "#!/bin/sh -e\nls -l\nexec /bin/app x\nls",
            Language::Shell,
            &["#!/bin/sh -e", "ls", "/bin/app x"],
        );
        check("#!/usr/bin/env python3 -S\nimport x", Language::OtherScript, &["#!/usr/bin/env python3 -S"]);
        check("#! /bin/bash\nset -e\nexec gosu me \"$@\"", Language::Shell, &["#!/bin/bash", "gosu me $@"]);
        check(
            "#!/bin/sh\nif x; then set -- redis-server \"$@\"; fi\nexec \"$@\"",
            Language::Shell,
            &["#!/bin/sh", "x", "redis-server $@", "$@"],
        );
        check("#!/bin/sh\nshift\nexec \"$@\"", Language::Shell, &["#!/bin/sh", "$@tail"]);
        check(
            "#!/bin/sh\n. /etc/x\n. \"$D/y\"\neval \"$(z)\"\ntrap 'rm f' EXIT\neval \"$a=b\"",
            Language::Shell,
            &["#!/bin/sh", "Include(\"/etc/x\")", "Dynamic(Module)", "z", "Dynamic(Program)", "rm"],
        );
        check(
            "#!/bin/sh\nexport LD_LIBRARY_PATH=/opt/l:$LD_LIBRARY_PATH\nLD_PRELOAD=/j.so app",
            Language::Shell,
            &["#!/bin/sh", "SearchPath(\"/opt/l\")", "Maybe(Library, \"/j.so\")", "app"],
        );
    }

    #[test]
    fn what_is_no_script_says_nothing() {
        assert!(analyze("x.sh", b"\x00\x01").is_none());
        assert!(analyze("x", b"#!").is_none());
        assert!(analyze("lib.sh", b"f() { g; }").unwrap().library);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn total(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            analyze("x.sh", &bytes);
        }
    }
}
