//! Shell scripts as lists of simple commands: enough to see what a `RUN` does, not to run it.
//!
//! The grammar is that of POSIX (<https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html>) with bash's
//! process substitution. Every command is listed, also those in substitutions, groups and the argument of `sh -c`, each with the
//! pipeline it is part of. Control flow is dropped: a command in a branch counts as one that runs. Total, linear in the text but
//! for nesting, which is bounded.

/// Nesting deeper than this is not written by people.
const MAX_DEPTH: usize = 12;

/// More commands than this are not listed.
const MAX_COMMANDS: usize = 20_000;

/// What a script does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// Its commands, in the order in which they begin.
    pub commands: Vec<Command>,
}

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// The line, from 1.
    pub line: u32,
    /// Its words without quotes; substitutions are left as `$(…)`, variables as written.
    pub words: Vec<String>,
    /// Variables set before it, or alone.
    pub assignments: Vec<(String, String)>,
    /// Its redirections: the operator and the word after it.
    pub redirects: Vec<(String, String)>,
    /// The number of the pipeline it is part of.
    pub pipeline: u32,
    /// Whether its input is the output of the command before it in the pipeline.
    pub piped: bool,
    /// The index of the command whose words it stands in.
    pub parent: Option<usize>,
}

/// Programs that run the command which follows, with the options of theirs that take a value.
const WRAPPERS: &[(&str, &[&str])] = &[
    ("sudo", &["-u", "-g", "-h", "-p", "--user", "--group"]),
    ("env", &["-u", "-C", "--unset", "--chdir"]),
    ("exec", &["-a"]),
    ("command", &[]),
    ("builtin", &[]),
    ("nice", &["-n"]),
    ("nohup", &[]),
    ("time", &[]),
    ("timeout", &["-s", "-k", "--signal", "--kill-after"]),
    ("busybox", &[]),
    ("eatmydata", &[]),
    ("setarch", &[]),
    ("gosu", &[]),
    ("su-exec", &[]),
    ("doas", &["-u"]),
    ("xargs", &["-n", "-I", "-P", "-d", "-L", "-s", "-a", "-E"]),
    ("retry", &[]),
];

/// Interpreters that read commands from standard input or after `-c`.
pub const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "ksh"];

impl Script {
    /// Reads a script that begins on line `first`.
    pub fn parse(text: &str, first: u32) -> Self {
        let mut newlines = Vec::new();
        newlines.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(index, _)| index));
        let line = |offset: usize| {
            let passed = newlines.partition_point(|newline| *newline < offset);
            first.saturating_add(u32::try_from(passed).unwrap_or(u32::MAX))
        };
        Self::parse_with(text, &line)
    }

    /// Reads a script whose line at each offset `line` tells.
    pub fn parse_with(text: &str, line: &dyn Fn(usize) -> u32) -> Self {
        let mut parser = Parser {
            bytes: text.as_bytes(),
            at: 0,
            base: 0,
            line,
            commands: Vec::new(),
            pipelines: 0,
            heredocs: Vec::new(),
        };
        parser.list(None, None, 0);
        Self { commands: parser.commands }
    }

    /// Returns the one command of an instruction's JSON form.
    pub fn of_words(words: &[String], first: u32) -> Self {
        let line = |_| first;
        let mut parser = Parser {
            bytes: b"",
            at: 0,
            base: 0,
            line: &line,
            commands: Vec::new(),
            pipelines: 1,
            heredocs: Vec::new(),
        };
        parser.commands.push(Command { line: first, words: words.to_vec(), ..Command::default() });
        parser.nested(0, 0);
        Self { commands: parser.commands }
    }

    /// Adds the commands of another script, as if they followed.
    pub fn append(&mut self, other: Self) {
        let seen = self.commands.len();
        let pipelines = self.commands.iter().map(|command| command.pipeline).max().unwrap_or_default();
        self.commands.extend(other.commands.into_iter().map(|mut command| {
            command.parent = command.parent.map(|parent| parent.saturating_add(seen));
            command.pipeline = command.pipeline.saturating_add(pipelines);
            command
        }));
    }

    /// Returns the commands that read the output of the command at `index`, and so on, in its pipeline.
    pub fn after(&self, index: usize) -> impl Iterator<Item = &Command> {
        let of = self.commands.get(index).map(|command| (command.pipeline, command.parent));
        self.commands
            .iter()
            .skip(index.saturating_add(1))
            .filter(move |command| Some((command.pipeline, command.parent)) == of && command.piped)
    }

    /// Returns the commands inside the words of the command at `index`.
    pub fn within(&self, index: usize) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(move |command| command.parent == Some(index))
    }
}

impl Command {
    /// Returns the name of the program that is run, without its folder, and its arguments; what merely starts another program
    /// (`sudo`, `env` …) is passed over.
    pub fn invoked(&self) -> Option<(&str, &[String])> {
        let mut words = self.words.as_slice();
        for _ in 0..4 {
            let (first, rest) = words.split_first()?;
            let name = base(first);
            let Some((_, valued)) = WRAPPERS.iter().find(|(wrapper, _)| *wrapper == name) else {
                return Some((name, rest));
            };
            words = rest;
            while let Some((option, rest)) = words.split_first() {
                if valued.contains(&option.as_str()) {
                    words = rest.get(1..).unwrap_or_default();
                } else if option.starts_with('-')
                    || (is_assignment(option) && name != "xargs")
                    || (name == "timeout" && option.starts_with(|char: char| char.is_ascii_digit()))
                {
                    words = rest;
                } else {
                    break;
                }
            }
            if matches!(name, "gosu" | "su-exec" | "setarch") {
                words = words.get(1..).unwrap_or_default();
            }
            if words.is_empty() {
                return Some((name, words));
            }
        }
        words.split_first().map(|(first, rest)| (base(first), rest))
    }

    /// Returns whether the program is run, directly or by another.
    pub fn runs(&self, names: &[&str]) -> bool {
        self.invoked().is_some_and(|(name, _)| names.contains(&name))
    }

    /// Returns the arguments that are not options.
    pub fn operands(&self) -> Vec<&str> {
        let arguments = self.invoked().map(|(_, arguments)| arguments).unwrap_or_default();
        arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with('-')).collect()
    }

    /// Returns whether it has an option, long or as a letter among others (`-y` in `-qqy`).
    pub fn has(&self, options: &[&str]) -> bool {
        let arguments = self.invoked().map(|(_, arguments)| arguments).unwrap_or_default();
        arguments.iter().any(|argument| {
            options.iter().any(|option| {
                let long = argument == option
                    || argument.strip_prefix(option).is_some_and(|rest| rest.starts_with('='));
                let letter = option.strip_prefix('-').filter(|rest| rest.chars().count() == 1);
                let letters = argument.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
                long || letter.zip(letters).is_some_and(|(letter, letters)| {
                    letters.split('=').next().is_some_and(|letters| letters.contains(letter))
                })
            })
        })
    }
}

/// Returns the name of a program without its folder.
fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let name = name.strip_suffix('+').unwrap_or(name);
        name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    /// What to add to an offset for `line`.
    base: usize,
    line: &'a dyn Fn(usize) -> u32,
    commands: Vec<Command>,
    pipelines: u32,
    /// The ends of the here-documents that follow this line.
    heredocs: Vec<(String, bool)>,
}

/// Words that structure a script and name no program.
const RESERVED: &[&str] = &[
    "if", "then", "elif", "else", "fi", "do", "done", "while", "until", "esac", "{", "}", "!", "time", "[[",
    "]]",
];

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next_is(&self, ahead: usize, byte: u8) -> bool {
        self.bytes.get(self.at.saturating_add(ahead)) == Some(&byte)
    }

    fn new_pipeline(&mut self) -> u32 {
        self.pipelines = self.pipelines.saturating_add(1);
        self.pipelines
    }

    /// Reads commands up to `until` or the end.
    fn list(&mut self, until: Option<u8>, parent: Option<usize>, depth: usize) {
        let mut pipeline = self.new_pipeline();
        let mut piped = false;
        let mut current: Option<usize> = None;
        while let Some(byte) = self.peek() {
            if self.commands.len() >= MAX_COMMANDS {
                self.at = self.bytes.len();
                break;
            }
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.next_is(1, b'\n') => self.at += 2,
                b'#' => self.skip_comment(),
                b'\n' | b';' | b'&' | b'|' => {
                    // `&>` redirects, `|&` pipes.
                    if byte == b'&' && self.next_is(1, b'>') {
                        let index = self.command(&mut current, pipeline, piped, parent);
                        self.redirect(index, depth);
                        continue;
                    }
                    let pipe = byte == b'|' && !self.next_is(1, b'|');
                    let double = (byte == b'|' && self.next_is(1, b'|'))
                        || (byte == b'&' && self.next_is(1, b'&'))
                        || (byte == b';' && self.next_is(1, b';'));
                    self.at += if double || (pipe && self.next_is(1, b'&')) { 2 } else { 1 };
                    if byte == b'\n' {
                        self.skip_heredocs();
                        // A pipe may be continued on the next line.
                        if current.is_none() && piped {
                            continue;
                        }
                    }
                    self.finish(&mut current, depth);
                    piped = pipe;
                    if !pipe {
                        pipeline = self.new_pipeline();
                    }
                }
                b')' => {
                    self.at += 1;
                    if until == Some(b')') {
                        break;
                    }
                    // The end of a pattern of `case`.
                    if let Some(index) = current.take() {
                        self.drop_command(index);
                    }
                }
                b'(' => {
                    self.at += 1;
                    if depth < MAX_DEPTH {
                        self.list(Some(b')'), parent, depth + 1);
                    }
                }
                b'<' | b'>' => {
                    let index = self.command(&mut current, pipeline, piped, parent);
                    if self.next_is(1, b'(') {
                        let word = self.word(index, depth);
                        self.add_word(index, word);
                    } else {
                        self.redirect(index, depth);
                    }
                }
                _ => {
                    let index = self.command(&mut current, pipeline, piped, parent);
                    let start = self.at;
                    let word = self.word(index, depth);
                    // A number before `>` or `<` is a file descriptor.
                    if matches!(self.peek(), Some(b'<' | b'>'))
                        && !word.is_empty()
                        && word.bytes().all(|byte| byte.is_ascii_digit())
                    {
                        self.redirect(index, depth);
                    } else if word.ends_with("()") && !word.ends_with("$()") {
                        // The head of a function.
                        self.drop_command(index);
                        current = None;
                    } else {
                        self.add_word(index, word);
                    }
                    if self.at == start {
                        self.at += 1;
                    }
                }
            }
        }
        self.finish(&mut current, depth);
    }

    fn command(
        &mut self,
        current: &mut Option<usize>,
        pipeline: u32,
        piped: bool,
        parent: Option<usize>,
    ) -> usize {
        *current.get_or_insert_with(|| {
            let line = (self.line)(self.at.saturating_add(self.base));
            self.commands.push(Command { line, pipeline, piped, parent, ..Command::default() });
            self.commands.len().saturating_sub(1)
        })
    }

    fn add_word(&mut self, index: usize, word: String) {
        let Some(command) = self.commands.get_mut(index) else { return };
        if command.words.is_empty() && RESERVED.contains(&word.as_str()) {
            return;
        }
        match word.split_once('=') {
            Some((name, value)) if command.words.is_empty() && is_assignment(&word) => {
                command.assignments.push((name.to_owned(), value.to_owned()));
            }
            _ => command.words.push(word),
        }
    }

    /// Forgets what turned out to be no command, when nothing was listed after it.
    fn drop_command(&mut self, index: usize) {
        if index.saturating_add(1) == self.commands.len() {
            self.commands.pop();
        }
    }

    fn finish(&mut self, current: &mut Option<usize>, depth: usize) {
        let Some(index) = current.take() else { return };
        let empty = self.commands.get(index).is_some_and(|command| {
            command.words.is_empty() && command.assignments.is_empty() && command.redirects.is_empty()
        });
        if empty {
            return self.drop_command(index);
        }
        self.nested(index, depth);
    }

    /// Lists the commands in the argument of `sh -c` and `eval`.
    fn nested(&mut self, index: usize, depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        let Some(command) = self.commands.get(index) else { return };
        let Some((name, arguments)) = command.invoked() else { return };
        let script = if SHELLS.contains(&name) {
            let at = arguments.iter().position(|argument| {
                argument.starts_with('-') && !argument.starts_with("--") && argument.ends_with('c')
            });
            at.and_then(|at| arguments.get(at.saturating_add(1))).cloned()
        } else if name == "eval" {
            Some(arguments.join(" "))
        } else {
            None
        };
        let Some(script) = script else { return };
        let line = command.line;
        let line_of = move |_| line;
        let mut inner = Parser {
            bytes: script.as_bytes(),
            at: 0,
            base: 0,
            line: &line_of,
            commands: std::mem::take(&mut self.commands),
            pipelines: self.pipelines,
            heredocs: Vec::new(),
        };
        inner.list(None, Some(index), depth + 1);
        self.commands = inner.commands;
        self.pipelines = inner.pipelines;
    }

    fn skip_comment(&mut self) {
        while self.peek().is_some_and(|byte| byte != b'\n') {
            self.at += 1;
        }
    }

    fn skip_heredocs(&mut self) {
        for (end, tabs) in std::mem::take(&mut self.heredocs) {
            while self.at < self.bytes.len() {
                let rest = self.bytes.get(self.at..).unwrap_or_default();
                let len = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                let line = String::from_utf8_lossy(rest.get(..len).unwrap_or_default());
                self.at = self.at.saturating_add(len).saturating_add(1).min(self.bytes.len());
                let line = if tabs { line.trim_start_matches('\t') } else { &line };
                if line.trim_end_matches('\r') == end {
                    break;
                }
            }
        }
    }

    fn redirect(&mut self, index: usize, depth: usize) {
        let mut operator = String::new();
        while let Some(byte) = self.peek().filter(|byte| b"<>&|".contains(byte)) {
            if operator.len() == 3 || (byte == b'|' && operator != ">") {
                break;
            }
            operator.push(char::from(byte));
            self.at += 1;
        }
        if operator == "<<" && self.peek() == Some(b'-') {
            operator.push('-');
            self.at += 1;
        }
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let word = self.word(index, depth);
        if operator == "<<" || operator == "<<-" {
            self.heredocs.push((word.clone(), operator == "<<-"));
        }
        if let Some(command) = self.commands.get_mut(index) {
            command.redirects.push((operator, word));
        }
    }

    /// Reads one word, without its quotes.
    fn word(&mut self, index: usize, depth: usize) -> String {
        let mut word = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'(' => {
                    // `name()` begins a function; `a=(…)` a list.
                    if word.is_empty() {
                        break;
                    }
                    self.at += 1;
                    if self.peek() == Some(b')') {
                        self.at += 1;
                        word.extend_from_slice(b"()");
                    } else if word.ends_with(b"=") && depth < MAX_DEPTH {
                        self.list(Some(b')'), Some(index), depth + 1);
                    }
                }
                b'<' | b'>' => {
                    if !self.next_is(1, b'(') {
                        break;
                    }
                    self.at += 2;
                    self.substitution(&mut word, index, depth);
                }
                b'\\' => {
                    self.at += 1;
                    if let Some(escaped) = self.peek() {
                        if escaped != b'\n' {
                            word.push(escaped);
                        }
                        self.at += 1;
                    }
                }
                b'\'' => {
                    self.at += 1;
                    while let Some(byte) = self.peek() {
                        self.at += 1;
                        if byte == b'\'' {
                            break;
                        }
                        word.push(byte);
                    }
                }
                b'"' => {
                    self.at += 1;
                    self.quoted(&mut word, index, depth);
                }
                b'$' | b'`' => self.expansion(&mut word, index, depth),
                _ => {
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
        String::from_utf8_lossy(&word).into_owned()
    }

    fn quoted(&mut self, word: &mut Vec<u8>, index: usize, depth: usize) {
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    break;
                }
                b'\\'
                    if self
                        .bytes
                        .get(self.at.saturating_add(1))
                        .is_some_and(|byte| b"\"\\$`\n".contains(byte)) =>
                {
                    if let Some(escaped) =
                        self.bytes.get(self.at.saturating_add(1)).filter(|byte| **byte != b'\n')
                    {
                        word.push(*escaped);
                    }
                    self.at += 2;
                }
                b'$' | b'`' => self.expansion(word, index, depth),
                _ => {
                    word.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// Reads what begins with `$` or a backtick.
    fn expansion(&mut self, word: &mut Vec<u8>, index: usize, depth: usize) {
        if self.peek() == Some(b'`') {
            self.at += 1;
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let len = rest.iter().position(|byte| *byte == b'`').unwrap_or(rest.len());
            let inner = rest.get(..len).unwrap_or_default();
            let start = self.at;
            self.at = self.at.saturating_add(len).saturating_add(1);
            word.extend_from_slice(b"$()");
            if depth < MAX_DEPTH {
                let mut parser = Parser {
                    bytes: inner,
                    at: 0,
                    base: self.base.saturating_add(start),
                    line: self.line,
                    commands: std::mem::take(&mut self.commands),
                    pipelines: self.pipelines,
                    heredocs: Vec::new(),
                };
                parser.list(None, Some(index), depth + 1);
                self.commands = parser.commands;
                self.pipelines = parser.pipelines;
            }
        } else if self.next_is(1, b'(') {
            self.at += 2;
            self.substitution(word, index, depth);
        } else if self.next_is(1, b'{') {
            let mut open = 0usize;
            while let Some(byte) = self.peek() {
                word.push(byte);
                self.at += 1;
                match byte {
                    b'{' => open += 1,
                    b'}' => open = open.saturating_sub(1),
                    _ => {}
                }
                if open == 0 && byte == b'}' {
                    break;
                }
            }
        } else {
            word.push(b'$');
            self.at += 1;
        }
    }

    fn substitution(&mut self, word: &mut Vec<u8>, index: usize, depth: usize) {
        word.extend_from_slice(b"$()");
        if depth < MAX_DEPTH {
            self.list(Some(b')'), Some(index), depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &[&str]) {
        let script = Script::parse(text, 1);
        let words: Vec<String> = script
            .commands
            .iter()
            .map(|command| format!("{}{}", if command.piped { "| " } else { "" }, command.words.join(" ")))
            .collect();
        assert_eq!(words, expected, "{text}");
    }

    #[test]
    fn commands_are_listed() {
        check("a b && c 'd e' || f; g & h", &["a b", "c d e", "f", "g", "h"]);
        check(
            "curl -fsSL \"https://x/y\" | sudo bash -s -- a",
            &["curl -fsSL https://x/y", "| sudo bash -s -- a"],
        );
        check("sh -c \"$(curl -fsSL x)\"", &["sh -c $()", "curl -fsSL x", "$()"]);
        check("bash <(wget -qO- x)", &["bash $()", "wget -qO- x"]);
        check("if [ -f x ]; then rm x; fi # done", &["[ -f x ]", "rm x"]);
        check("A=1 B=2 make all > log 2>&1", &["make all"]);
        check("bash -ec 'a | b'", &["bash -ec a | b", "a", "| b"]);
        check("cat <<X\nrm -rf /\nX\nls", &["cat", "ls"]);
        check("case $1 in a) b;; *) c;; esac", &["b", "c"]);
        check("f() { a; }", &["a"]);
        check("x=`uname -m`", &["", "uname -m"]);
    }

    #[test]
    fn wrappers_are_passed_over() {
        let script = Script::parse("sudo -u root env A=b /usr/bin/apt-get -qqy install x", 7);
        let command = script.commands.first().unwrap();
        assert_eq!(command.invoked().unwrap().0, "apt-get");
        assert!(command.has(&["-y"]) && !command.has(&["-z"]));
        assert_eq!((command.operands(), command.line), (vec!["install", "x"], 7));
    }

    proptest! {
        #[test]
        fn total(text in "[ -~\n]{0,200}|[$(){}\"'`<>|&;\\\\a \n]{0,80}") {
            Script::parse(&text, 1);
        }
    }
}
