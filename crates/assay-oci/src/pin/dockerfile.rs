//! References of Dockerfiles: <https://docs.docker.com/reference/dockerfile/>.
//!
//! `FROM`, `COPY --from`, `RUN --mount=…,from=` and the `# syntax` line name images, unless the name is that of a stage before. A
//! `FROM` that is nothing but a variable means the default of the `ARG` before the first `FROM`, and there the digest belongs.

use super::{Form, Spot, State, judge, lines};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A word of an instruction, and where it stands.
struct Word<'a> {
    line: usize,
    start: usize,
    text: &'a str,
}

impl<'a> Word<'a> {
    /// Returns the part of the word that begins behind `prefix`.
    fn behind(&self, prefix: &str) -> Option<Word<'a>> {
        let text = self.text.get(prefix.len()..)?;
        self.text
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            .then_some(Word { line: self.line, start: self.start + prefix.len(), text })
    }

    fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }
}

/// Finds the references.
pub(super) fn find(text: &str) -> Vec<Spot> {
    let mut finder = Finder::default();
    let mut escape = '\\';
    let mut directives = true;
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut heredocs: Vec<(String, bool)> = Vec::new();
    for (number, start, line) in lines(text) {
        if let Some((end, tabs)) = heredocs.first() {
            let line = if *tabs { line.trim_start_matches('\t') } else { line };
            if line == end {
                heredocs.remove(0);
            }
            continue;
        }
        let trimmed = line.trim_start();
        if let Some(comment) = trimmed.strip_prefix('#') {
            // Comments are left out of an instruction that goes over several lines, too.
            if directives {
                let (name, value) = comment.split_once('=').unwrap_or((comment, ""));
                match name.trim().to_ascii_lowercase().as_str() {
                    "escape" => escape = value.trim().chars().next().unwrap_or(escape),
                    "syntax" => {
                        let value_start = start + (line.len() - value.len());
                        finder.syntax(number, value_start, value);
                    }
                    "check" => {}
                    _ => directives = false,
                }
            }
            continue;
        }
        directives = false;
        if trimmed.is_empty() {
            continue;
        }
        let ended = line.trim_end();
        let (content, continues) =
            ended.strip_suffix(escape).map_or((ended, false), |content| (content, true));
        words.extend(split(number, start, content));
        if finder.spots.len() > super::MAX_SPOTS {
            break;
        }
        if !continues {
            heredocs = finder.instruction(&words);
            words.clear();
        }
    }
    finder.instruction(&words);
    finder.spots
}

fn split(line: usize, start: usize, content: &str) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    content.split([' ', '\t']).filter_map(move |text| {
        let here = at;
        at += text.len() + 1;
        (!text.is_empty()).then_some(Word { line, start: start + here, text })
    })
}

#[derive(Default)]
struct Finder {
    spots: Vec<Spot>,
    stages: HashSet<String>,
    /// Defaults of arguments before the first stage: number of the line, place and text.
    arguments: HashMap<String, (usize, Range<usize>, String)>,
    in_stage: bool,
}

impl Finder {
    fn syntax(&mut self, line: usize, start: usize, value: &str) {
        let text = value.trim();
        let start = start + (value.len() - value.trim_start().len());
        if !text.is_empty() {
            self.spots.push(Spot::whole(line, start..start + text.len(), text));
        }
    }

    /// Takes an instruction; returns the ends of the texts that follow it.
    fn instruction(&mut self, words: &[Word<'_>]) -> Vec<(String, bool)> {
        let Some((first, mut rest)) = words.split_first() else { return Vec::new() };
        let mut name = first.text.to_ascii_lowercase();
        if name == "onbuild"
            && let Some((second, behind)) = rest.split_first()
        {
            (name, rest) = (second.text.to_ascii_lowercase(), behind);
        }
        match name.as_str() {
            "from" => self.from(rest),
            "arg" if !self.in_stage => self.argument(rest),
            "copy" | "add" => {
                let flags = rest.iter().take_while(|word| word.text.starts_with("--"));
                for image in flags.filter_map(|word| word.behind("--from=")) {
                    self.other(&image);
                }
            }
            "run" => {
                for mount in rest.iter().take_while(|word| word.text.starts_with("--")) {
                    if let Some(options) = mount.behind("--mount=") {
                        self.mount(&options);
                    }
                }
            }
            _ => {}
        }
        if matches!(name.as_str(), "run" | "copy" | "add") { heredocs(rest) } else { Vec::new() }
    }

    fn from(&mut self, words: &[Word<'_>]) {
        self.in_stage = true;
        let mut platform = None;
        let mut words = words.iter();
        let image = words.by_ref().find(|word| {
            if let Some(value) = word.behind("--platform=") {
                platform = value.text.parse().ok();
            }
            !word.text.starts_with("--")
        });
        let Some(image) = image else { return };
        if !self.stages.contains(&image.text.to_ascii_lowercase()) && image.text != "scratch" {
            let mut spot = match self.default_of(image.text) {
                Some((line, range, text)) => Spot::whole(line, range, &text),
                None => Spot::whole(image.line, image.range(), image.text),
            };
            spot.platform = platform;
            self.spots.push(spot);
        }
        if words.next().is_some_and(|word| word.text.eq_ignore_ascii_case("as"))
            && let Some(stage) = words.next()
        {
            self.stages.insert(stage.text.to_ascii_lowercase());
        }
    }

    /// Returns the default of an argument if `text` is that argument and nothing else.
    fn default_of(&self, text: &str) -> Option<(usize, Range<usize>, String)> {
        let name = text.strip_prefix('$')?;
        let name = name.strip_prefix('{').and_then(|name| name.strip_suffix('}')).unwrap_or(name);
        self.arguments.get(name).cloned()
    }

    fn argument(&mut self, words: &[Word<'_>]) {
        for word in words {
            let Some((name, value)) = word.text.split_once('=') else { continue };
            let mut start = word.start + name.len() + 1;
            let mut text = value;
            for quote in ['"', '\''] {
                if let Some(inner) = value.strip_prefix(quote).and_then(|inner| inner.strip_suffix(quote)) {
                    (start, text) = (start + 1, inner);
                }
            }
            // What is no reference anyway need not be kept, for each stage that names it.
            if text.len() > super::MAX_REFERENCE {
                self.arguments.remove(name);
                continue;
            }
            let range = start..start + text.len();
            self.arguments.insert(name.to_owned(), (word.line, range, text.to_owned()));
        }
    }

    /// Takes a name that may be a stage, by name or number.
    fn other(&mut self, word: &Word<'_>) {
        let is_stage = self.stages.contains(&word.text.to_ascii_lowercase())
            || word.text.bytes().all(|byte| byte.is_ascii_digit());
        if is_stage {
            return;
        }
        let mut spot = Spot::whole(word.line, word.range(), word.text);
        // It may be the name of a context given to the build, which only the build knows.
        if judge(word.text).1 == State::Open && !word.text.contains([':', '/', '.']) {
            spot.state = State::Skipped("it may be a stage or context of the build");
        }
        debug_assert_eq!(spot.form, Form::Whole);
        self.spots.push(spot);
    }

    fn mount(&mut self, options: &Word<'_>) {
        let mut at = options.start;
        for option in options.text.split(',') {
            let word = Word { line: options.line, start: at, text: option };
            if let Some(image) = word.behind("from=") {
                self.other(&image);
            }
            at += option.len() + 1;
        }
    }
}

/// Returns the words that end the texts which an instruction brings along (`<<EOF`), and whether leading tabs are left out.
fn heredocs(words: &[Word<'_>]) -> Vec<(String, bool)> {
    let one = |word: &Word<'_>| {
        let rest = word.text.strip_prefix("<<")?;
        let (rest, tabs) = rest.strip_prefix('-').map_or((rest, false), |rest| (rest, true));
        let name = rest.trim_matches(['"', '\'']);
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
        is_name.then(|| (name.to_owned(), tabs))
    };
    words.iter().filter_map(one).collect()
}
