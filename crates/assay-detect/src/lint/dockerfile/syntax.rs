//! Reads Dockerfiles (<https://docs.docker.com/reference/dockerfile/>): instructions with their flags, here-documents, stages and
//! the values of variables.
//!
//! Surprising: comments and empty lines within a continued instruction are dropped; the escape character is a directive on the
//! first lines; variables of before the first `FROM` hold in `FROM` lines only, until a stage names them again.

use crate::lint::shell::{SHELLS, Script};
use assay_model::Warning;
use std::collections::BTreeMap;

/// A Dockerfile.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dockerfile {
    /// What stands before the first `FROM`.
    pub globals: Vec<Instruction>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// Lines that are no instruction.
    pub invalid: Vec<(u32, String)>,
}

/// What one `FROM` begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The `FROM` itself.
    pub from: Instruction,
    /// The image, with variables replaced where their value is known.
    pub image: String,
    /// The stage's name, in lower case: names of stages have no case.
    pub name: Option<String>,
    /// Its instructions; those of `ONBUILD` are unwrapped and marked.
    pub instructions: Vec<Instruction>,
}

/// One instruction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instruction {
    /// The line it begins on, from 1.
    pub line: u32,
    /// Its keyword, in capitals.
    pub keyword: String,
    /// Its flags, `--name=value`, without the dashes.
    pub flags: Vec<(String, String)>,
    /// What follows, as written but on one line.
    pub arguments: String,
    /// The same with variables replaced where their value is known.
    pub expanded: String,
    /// The words of the JSON form.
    pub json: Option<Vec<String>>,
    /// Its here-documents.
    pub heredocs: Vec<Heredoc>,
    /// What it runs, for `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD`.
    pub script: Script,
    /// Whether it stands behind `ONBUILD`.
    pub onbuild: bool,
}

/// A here-document of an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heredoc {
    /// The word that ends it.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The line its text begins on.
    pub line: u32,
}

const KEYWORDS: &[&str] = &[
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// More instructions than this are not read.
const MAX_INSTRUCTIONS: usize = 10_000;

/// Values longer than this are not replaced further: each `ENV A=$A$A` doubles.
const MAX_VALUE: usize = 64 << 10;

impl Stage {
    /// Returns whether its image is named with variables whose value is not known.
    pub fn is_unknown(&self) -> bool {
        self.image.contains('$')
    }

    /// Returns its instructions with this keyword, without those of `ONBUILD`.
    pub fn of<'a>(&'a self, keyword: &'a str) -> impl DoubleEndedIterator<Item = &'a Instruction> {
        self.instructions
            .iter()
            .filter(move |instruction| instruction.keyword == keyword && !instruction.onbuild)
    }
}

impl Dockerfile {
    /// Returns every instruction, those before the first `FROM` and the `FROM` lines included.
    pub fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        let stages =
            self.stages.iter().flat_map(|stage| std::iter::once(&stage.from).chain(&stage.instructions));
        self.globals.iter().chain(stages)
    }

    /// Returns every `RUN`.
    pub fn runs(&self) -> impl Iterator<Item = &Instruction> {
        self.instructions().filter(|instruction| instruction.keyword == "RUN")
    }

    /// Returns whether an earlier stage than the one at `index` has this name.
    pub fn is_stage_before(&self, name: &str, index: usize) -> bool {
        self.stages
            .iter()
            .take(index)
            .any(|stage| stage.name.as_deref().is_some_and(|stage| stage.eq_ignore_ascii_case(name)))
    }

    /// Returns the stages whose image is no earlier stage and not `scratch`.
    pub fn external(&self) -> impl Iterator<Item = &Stage> {
        let stages = self.stages.iter().enumerate().filter(|(index, stage)| {
            !stage.is_unknown()
                && stage.image != "scratch"
                && !stage.image.is_empty()
                && !self.is_stage_before(&stage.image, *index)
        });
        stages.map(|(_, stage)| stage)
    }

    /// Returns the last stage and those it builds on, the last first.
    pub fn result(&self) -> Vec<&Stage> {
        let mut chain = Vec::new();
        let mut next = self.stages.len().checked_sub(1);
        while let Some((index, stage)) = next.and_then(|index| Some((index, self.stages.get(index)?))) {
            chain.push(stage);
            let before = self.stages.get(..index).unwrap_or_default();
            next = before.iter().rposition(|other| {
                other.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&stage.image))
            });
        }
        chain
    }
}

impl Instruction {
    /// Returns the value of a flag.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.flags.iter().find(|(flag, _)| flag == name).map(|(_, value)| value.as_str())
    }

    /// Returns its arguments as words, variables replaced where their value is known.
    pub fn words(&self) -> Vec<String> {
        match &self.json {
            Some(words) => words.clone(),
            None => split_words(&self.expanded),
        }
    }

    /// Returns the `name=value` pairs of `ENV`, `LABEL` and `ARG`, the values as written; those of `ARG` without one are `None`.
    pub fn pairs(&self) -> Vec<(String, Option<String>)> {
        pairs(&self.keyword, &self.arguments)
    }

    /// Returns the same with variables replaced where their value is known.
    pub fn expanded_pairs(&self) -> Vec<(String, Option<String>)> {
        pairs(&self.keyword, &self.expanded)
    }
}

fn pairs(keyword: &str, arguments: &str) -> Vec<(String, Option<String>)> {
    let words = split_words(arguments);
    // The old form: `ENV NAME the rest`.
    if keyword != "ARG" && words.first().is_some_and(|word| !word.contains('=')) {
        let text = arguments.trim_start();
        let (name, value) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        return vec![(name.to_owned(), Some(value.trim().to_owned()))];
    }
    words
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word, None),
        })
        .collect()
}

/// Splits at blanks outside of quotes, and drops the quotes.
fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(open), char) if open == char => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, char) if char.is_whitespace() => words.extend(word.take()),
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// The text of an instruction on one line, and where its parts come from.
struct Logical {
    text: String,
    /// Offsets into `text` and the lines that begin there.
    lines: Vec<(usize, u32)>,
}

impl Logical {
    fn line(&self, offset: usize) -> u32 {
        let after = self.lines.partition_point(|(start, _)| *start <= offset);
        self.lines.get(after.saturating_sub(1)).map_or(1, |(_, line)| *line)
    }
}

/// Reads a Dockerfile; what is wrong with it is in `invalid` and, when something was left out, a warning.
pub fn parse(text: &str) -> (Dockerfile, Vec<Warning>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let escape = escape_of(text);
    let lines: Vec<&str> = text.lines().collect();
    let mut file = Dockerfile::default();
    let mut warnings = Vec::new();
    let mut scope = Scope::default();
    let mut at = 0usize;
    let mut count = 0usize;
    while let Some(logical) = next_logical(&lines, &mut at, escape) {
        count = count.saturating_add(1);
        if count > MAX_INSTRUCTIONS {
            let message = format!("it has more than {MAX_INSTRUCTIONS} instructions");
            warnings.push(Warning::unscanned("too-many-instructions", None, message));
            break;
        }
        let mut instruction = instruction(&logical, &lines, &mut at, &mut file.invalid);
        if instruction.keyword.is_empty() {
            continue;
        }
        instruction.expanded = scope.expand(&instruction.arguments, instruction.keyword == "FROM");
        scope.note(&instruction, file.stages.is_empty());
        if instruction.keyword == "FROM" && !instruction.onbuild {
            scope.stage.clear();
            file.stages.push(stage(instruction));
        } else if let Some(stage) = file.stages.last_mut() {
            stage.instructions.push(instruction);
        } else {
            file.globals.push(instruction);
        }
    }
    (file, warnings)
}

fn stage(from: Instruction) -> Stage {
    let words = from.words();
    let image = words.first().cloned().unwrap_or_default();
    let name = words
        .get(1)
        .filter(|word| word.eq_ignore_ascii_case("as"))
        .and_then(|_| words.get(2))
        .map(|name| name.to_ascii_lowercase());
    Stage { from, image, name, instructions: Vec::new() }
}

/// Returns the escape character that the directives name: they are comments before everything else.
fn escape_of(text: &str) -> char {
    for line in text.lines() {
        let Some(directive) = line.trim().strip_prefix('#') else { break };
        let Some((name, value)) = directive.split_once('=') else { break };
        if name.trim().eq_ignore_ascii_case("escape") && value.trim() == "`" {
            return '`';
        }
    }
    '\\'
}

fn number(index: usize) -> u32 {
    u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX)
}

fn next_logical(lines: &[&str], at: &mut usize, escape: char) -> Option<Logical> {
    let skipped = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
    while lines.get(*at).is_some_and(|line| skipped(line)) {
        *at += 1;
    }
    lines.get(*at)?;
    let mut logical = Logical { text: String::new(), lines: Vec::new() };
    while let Some(line) = lines.get(*at) {
        *at += 1;
        if !logical.lines.is_empty() && skipped(line) {
            continue;
        }
        logical.lines.push((logical.text.len(), number(at.saturating_sub(1))));
        let trimmed = line.trim_end();
        let start = if logical.text.is_empty() { trimmed.trim_start() } else { trimmed };
        match start.strip_suffix(escape) {
            Some(start) => logical.text.push_str(start),
            None => {
                logical.text.push_str(start);
                break;
            }
        }
    }
    Some(logical)
}

/// Reads one instruction, and takes its here-documents from the lines that follow.
fn instruction(
    logical: &Logical,
    lines: &[&str],
    at: &mut usize,
    invalid: &mut Vec<(u32, String)>,
) -> Instruction {
    let first = logical.line(0);
    let mut rest = logical.text.as_str();
    let mut keyword = take_word(&mut rest).to_ascii_uppercase();
    let mut onbuild = false;
    if keyword == "ONBUILD" {
        onbuild = true;
        keyword = take_word(&mut rest).to_ascii_uppercase();
    }
    if !KEYWORDS.contains(&keyword.as_str()) {
        let shown: String = keyword.chars().take(40).collect();
        invalid.push((first, format!("`{shown}` is no instruction")));
        return Instruction::default();
    }
    let mut flags = Vec::new();
    if matches!(keyword.as_str(), "FROM" | "RUN" | "COPY" | "ADD" | "HEALTHCHECK") {
        while rest.starts_with("--") {
            let flag = take_word(&mut rest);
            let flag = flag.trim_start_matches('-');
            let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
            flags.push((name.to_owned(), value.trim_matches('"').to_owned()));
        }
    }
    let arguments = rest.trim_end().to_owned();
    let mut instruction =
        Instruction { line: first, keyword, flags, arguments, onbuild, ..Instruction::default() };
    if rest.is_empty() {
        invalid.push((first, format!("`{}` has no arguments", instruction.keyword)));
    }
    if matches!(instruction.keyword.as_str(), "RUN" | "COPY" | "ADD") {
        for (name, tabs) in heredoc_names(rest) {
            instruction.heredocs.push(heredoc(name, tabs, lines, at));
        }
    }
    if rest.starts_with('[') {
        instruction.json = serde_json::from_str(rest.trim()).ok();
    }
    let offset = logical.text.len().saturating_sub(rest.len());
    instruction.script = script(&instruction, rest, &|at| logical.line(at.saturating_add(offset)));
    instruction
}

fn take_word<'a>(rest: &mut &'a str) -> &'a str {
    let text = rest.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at_checked(end).unwrap_or((text, ""));
    *rest = after.trim_start();
    word
}

/// Returns the names of the here-documents that a line begins, and whether leading tabs are dropped.
fn heredoc_names(text: &str) -> Vec<(String, bool)> {
    let mut names = Vec::new();
    let mut quote: Option<char> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((index, char)) = chars.next() {
        match (quote, char) {
            (Some(open), char) if open == char => quote = None,
            (None, '"' | '\'') => quote = Some(char),
            (None, '<') => {
                let rest = text.get(index..).unwrap_or_default();
                // `<<<` is no here-document but a string, `$((1<<2))` a shift.
                let Some(after) = rest.strip_prefix("<<").filter(|after| !after.starts_with('<')) else {
                    while chars.peek().is_some_and(|(_, next)| *next == '<') {
                        chars.next();
                    }
                    continue;
                };
                chars.next();
                let (after, tabs) = after.strip_prefix('-').map_or((after, false), |after| (after, true));
                let name: String = after
                    .trim_start_matches(['"', '\''])
                    .chars()
                    .take_while(|char| char.is_alphanumeric() || *char == '_')
                    .collect();
                if name.starts_with(|char: char| !char.is_ascii_digit()) {
                    names.push((name, tabs));
                }
            }
            _ => {}
        }
    }
    names
}

fn heredoc(name: String, tabs: bool, lines: &[&str], at: &mut usize) -> Heredoc {
    let line = number(*at);
    let mut text = String::new();
    while let Some(next) = lines.get(*at) {
        *at += 1;
        let next = if tabs { next.trim_start_matches('\t') } else { next };
        if next.trim_end_matches('\r') == name {
            break;
        }
        text.push_str(next);
        text.push('\n');
    }
    Heredoc { name, text, line }
}

fn script(instruction: &Instruction, rest: &str, line: &dyn Fn(usize) -> u32) -> Script {
    match instruction.keyword.as_str() {
        "RUN" | "CMD" | "ENTRYPOINT" => {}
        "HEALTHCHECK" => {
            let Some(command) = rest.strip_prefix("CMD").or_else(|| rest.strip_prefix("cmd")) else {
                return Script::default();
            };
            let skipped = rest.len().saturating_sub(command.len());
            return match serde_json::from_str::<Vec<String>>(command.trim()) {
                Ok(words) => Script::of_words(&words, instruction.line),
                Err(_) => Script::parse_with(command, &|at| line(at.saturating_add(skipped))),
            };
        }
        _ => return Script::default(),
    }
    if let Some(words) = &instruction.json {
        return Script::of_words(words, instruction.line);
    }
    let mut script = Script::parse_with(rest, line);
    let Some(heredoc) = instruction.heredocs.first() else { return script };
    let shell = match heredoc.text.lines().next().and_then(|line| line.strip_prefix("#!")) {
        Some(interpreter) => {
            SHELLS.iter().any(|shell| interpreter.split(['/', ' ']).any(|word| word == *shell))
        }
        None => true,
    };
    let reads = script.commands.iter().find(|command| !command.words.is_empty());
    if shell && reads.is_none_or(|command| command.runs(SHELLS)) {
        script.commands.retain(|command| !command.words.is_empty());
        script.append(Script::parse(&heredoc.text, heredoc.line));
    }
    script
}

/// The values of variables at a point of the file.
#[derive(Default)]
struct Scope {
    global: BTreeMap<String, String>,
    stage: BTreeMap<String, String>,
}

impl Scope {
    fn note(&mut self, instruction: &Instruction, before_stages: bool) {
        if instruction.onbuild || !matches!(instruction.keyword.as_str(), "ARG" | "ENV") {
            return;
        }
        for (name, value) in instruction.expanded_pairs() {
            if before_stages {
                self.global.extend(value.map(|value| (name, value)));
            } else if let Some(value) = value.or_else(|| self.global.get(&name).cloned()) {
                self.stage.insert(name, value);
            }
        }
    }

    /// Replaces variables whose value is known; the others stay as they are written.
    fn expand(&self, text: &str, global: bool) -> String {
        let values = if global { &self.global } else { &self.stage };
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['$', '\\', '\'']) {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            out.push_str(before);
            if out.len() > MAX_VALUE {
                return text.to_owned();
            }
            let taken = match from.chars().next() {
                Some('\\') => {
                    let escaped = from.chars().nth(1).map_or(0, char::len_utf8);
                    let written = from.get(..escaped.saturating_add(1)).unwrap_or(from);
                    out.push_str(written);
                    written.len()
                }
                Some('\'') => {
                    let quoted = from.get(1..).and_then(|after| after.find('\''));
                    let end = quoted.map_or(from.len(), |end| end.saturating_add(2));
                    let written = from.get(..end).unwrap_or(from);
                    out.push_str(written);
                    written.len()
                }
                _ => {
                    let (written, value) = variable(from, values);
                    out.push_str(value.as_deref().unwrap_or(written));
                    written.len()
                }
            };
            rest = from.get(taken..).unwrap_or_default();
        }
        out.push_str(rest);
        out
    }
}

/// Reads the variable at the start of `text`: how it is written, and its value.
fn variable<'a>(text: &'a str, values: &BTreeMap<String, String>) -> (&'a str, Option<String>) {
    let name_end = |text: &str| {
        text.find(|char: char| !char.is_ascii_alphanumeric() && char != '_').unwrap_or(text.len())
    };
    let after = text.strip_prefix('$').unwrap_or(text);
    let Some(inner) = after.strip_prefix('{') else {
        let end = name_end(after);
        let written = text.get(..end.saturating_add(1)).unwrap_or(text);
        return (written, after.get(..end).and_then(|name| values.get(name)).cloned());
    };
    let Some(end) = inner.find('}') else { return (text, None) };
    let written = text.get(..end.saturating_add(3)).unwrap_or(text);
    let inner = inner.get(..end).unwrap_or_default();
    let (name, operation) = inner.split_at_checked(name_end(inner)).unwrap_or((inner, ""));
    let value = values.get(name);
    let given = value.filter(|value| !value.is_empty());
    let replaced = if operation.is_empty() {
        value.cloned()
    } else if let Some(default) = operation.strip_prefix(":-") {
        Some(given.cloned().unwrap_or_else(|| default.to_owned()))
    } else if let Some(default) = operation.strip_prefix('-') {
        Some(value.cloned().unwrap_or_else(|| default.to_owned()))
    } else {
        operation.strip_prefix(":+").map(|other| given.map(|_| other.to_owned()).unwrap_or_default())
    };
    (written, replaced.filter(|value| !value.contains('$')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stages_variables_and_continuations() {
        let text = "# escape=`\nARG V=12\nFROM debian:${V}-slim AS Build\nARG V\nENV A=x `\n  # note\n  B=$V\n\
                    RUN a `\n && b $A\nFROM build\nUSER ${NOBODY:-65532}\n";
        let (file, warnings) = parse(text);
        assert!(warnings.is_empty() && file.invalid.is_empty());
        let [build, last] = file.stages.as_slice() else { panic!("{file:?}") };
        assert_eq!((build.image.as_str(), build.name.as_deref()), ("debian:12-slim", Some("build")));
        let env: Vec<_> = build.of("ENV").flat_map(Instruction::expanded_pairs).collect();
        assert_eq!(env, [("A".to_owned(), Some("x".to_owned())), ("B".to_owned(), Some("12".to_owned()))]);
        let commands = build.of("RUN").flat_map(|run| &run.script.commands);
        assert_eq!(commands.map(|command| command.line).collect::<Vec<_>>(), [8, 9]);
        assert_eq!(last.of("USER").map(|user| user.expanded.as_str()).collect::<Vec<_>>(), ["65532"]);
        assert_eq!(file.result().len(), 2);
    }

    #[test]
    fn here_documents_are_scripts_where_a_shell_reads_them() {
        let (file, _) = parse(
            "FROM a\nRUN <<EOF\napt-get update\nsudo x\nEOF\nRUN python3 <<X\nimport os\nX\n\
             COPY <<A <<B /d/\nFROM no\nA\nb\nB\nUSER 1\n",
        );
        let stage = file.stages.first().unwrap();
        assert_eq!(file.stages.len(), 1);
        let words: Vec<Vec<String>> = stage
            .of("RUN")
            .flat_map(|run| &run.script.commands)
            .map(|command| command.words.clone())
            .collect();
        assert_eq!(words, [vec!["apt-get", "update"], vec!["sudo", "x"], vec!["python3"]]);
        assert_eq!(stage.of("COPY").flat_map(|copy| &copy.heredocs).count(), 2);
        assert_eq!(stage.of("USER").count(), 1);
    }

    #[test]
    fn what_is_no_instruction_is_named_with_its_line() {
        let (file, _) = parse("FROM a\n\nFORM b\nCMD\n");
        assert_eq!(
            file.invalid,
            [(3, "`FORM` is no instruction".to_owned()), (4, "`CMD` has no arguments".to_owned())]
        );
    }

    #[test]
    fn values_do_not_grow_without_bound() {
        let doubling = format!("FROM a\nENV A=xx\n{}", "ENV A=$A$A\n".repeat(200));
        parse(&doubling);
    }

    proptest! {
        #[test]
        fn total(text in "(FROM |RUN |ENV |COPY |\\$\\{|[ -~\n]|<<E\n|\\\\\n){0,60}") {
            parse(&text);
        }
    }
}
