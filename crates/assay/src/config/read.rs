//! From the tree of a configuration file to settings, with every mistake in it.
//!
//! The keys stand here once: the reader, the messages and the published schema (`docs/schemas/assay.yaml.json`) are made from
//! [`SECTIONS`], [`CONTEXT_KEYS`] and [`IMAGE_KEYS`].

use super::tree::{Node, Problem, Value, parse};
use assay_detect::check::accumulated::Accumulation;
use assay_model::context::{Criticality, Environment, Exposure, Grade, Sensitivity, Setting, Stated};
use assay_policy::spelling::{nearest, shortened};

/// The keys of the file itself.
pub(super) const SECTIONS: &[&str] = &["context", "images", "licenses", "accumulation"];

/// The keys of a context.
pub(super) const CONTEXT_KEYS: &[&str] =
    &[Environment::KEY, Exposure::KEY, Sensitivity::KEY, Criticality::KEY, "owner"];

/// The keys of one of `images`.
pub(super) const IMAGE_KEYS: &[&str] = &["match", "context"];

/// What a file says.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Config {
    /// What holds for every image.
    pub(crate) context: Stated,
    /// What holds for some.
    pub(crate) images: Vec<ImageRule>,
    /// Which licences are a finding, where the file says so.
    pub(crate) licenses: Option<assay_detect::license::Policy>,
    /// From how many findings on they are one of their own, where the file says so.
    pub(crate) accumulation: Option<Accumulation>,
}

/// What holds for images whose reference matches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ImageRule {
    /// The pattern.
    pub(crate) pattern: String,
    /// What holds for them.
    pub(crate) context: Stated,
}

/// Reads a file; `name` is put into the origin of every setting.
///
/// # Errors
/// Returns everything that is wrong with it, in the order of lines.
pub(crate) fn read(text: &str, name: &str) -> Result<Config, Vec<Problem>> {
    let mut reader = Reader { name, problems: Vec::new() };
    let mut config = Config::default();
    match parse(text) {
        Ok(root) => reader.file(&root, &mut config),
        Err(problem) => reader.problems.push(problem),
    }
    if reader.problems.is_empty() {
        return Ok(config);
    }
    reader.problems.sort_by_key(|problem| problem.line);
    Err(reader.problems)
}

pub(super) struct Reader<'a> {
    name: &'a str,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, line: u32, message: String, hint: Option<String>) {
        self.problems.push(Problem { line, message, hint });
    }

    /// Returns the keys and values of a node; an unknown key, or one given twice, is a problem.
    pub(super) fn entries<'n>(
        &mut self,
        node: &'n Node,
        of: &str,
        known: &[&str],
    ) -> Vec<(&'n str, &'n Node)> {
        let entries = match &node.value {
            Value::Nothing => return Vec::new(),
            Value::Map(entries) => entries,
            other => {
                self.problem(
                    node.line(),
                    format!("{of} is {}, expected keys and values", other.what()),
                    Some(format!("its keys are {}", known.join(", "))),
                );
                return Vec::new();
            }
        };
        let mut found: Vec<(&str, &Node)> = Vec::new();
        for (key, place, value) in entries {
            if !known.contains(&key.as_str()) {
                let hint = match nearest(key, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys of {of} are {}", known.join(", ")),
                };
                self.problem(place.line, format!("{of} has no key `{}`", shortened(key)), Some(hint));
            } else if found.iter().any(|(other, _)| other == key) {
                self.problem(place.line, format!("the key `{key}` is given twice"), None);
            } else {
                found.push((key, value));
            }
        }
        found
    }

    fn file(&mut self, root: &Node, config: &mut Config) {
        for (key, value) in self.entries(root, "the file", SECTIONS) {
            match key {
                "context" => config.context = self.context(value),
                "licenses" => config.licenses = Some(self.licenses(value)),
                "accumulation" => config.accumulation = Some(self.accumulation(value)),
                _ => self.images(value, &mut config.images),
            }
        }
    }

    fn images(&mut self, node: &Node, images: &mut Vec<ImageRule>) {
        let nodes = match &node.value {
            Value::Nothing => return,
            Value::List(nodes) => nodes,
            other => {
                let message = format!("`images` is {}, expected a list", other.what());
                self.problem(node.line(), message, Some("begin each with `- match: PATTERN`".to_owned()));
                return;
            }
        };
        for node in nodes {
            let (mut pattern, mut context) = (None, Stated::default());
            for (key, value) in self.entries(node, "an image", IMAGE_KEYS) {
                match key {
                    "match" => pattern = self.text(value, "match"),
                    _ => context = self.context(value),
                }
            }
            match pattern {
                Some(pattern) => images.push(ImageRule { pattern, context }),
                None => self.problem(
                    node.line(),
                    "an image has no `match`".to_owned(),
                    Some("name the images with a pattern: `match: registry.example/team/*`".to_owned()),
                ),
            }
        }
    }

    fn context(&mut self, node: &Node) -> Stated {
        let mut stated = Stated::default();
        for (key, value) in self.entries(node, "a context", CONTEXT_KEYS) {
            match key {
                Environment::KEY => stated.environment = self.grade(value),
                Exposure::KEY => stated.exposure = self.grade(value),
                Sensitivity::KEY => stated.data = self.grade(value),
                Criticality::KEY => stated.criticality = self.grade(value),
                _ => {
                    let origin = self.origin(value);
                    stated.owner = self.text(value, "owner").map(|text| Setting::new(text, origin));
                }
            }
        }
        stated
    }

    fn origin(&self, node: &Node) -> String {
        format!("`{}` line {}", self.name, node.line())
    }

    pub(super) fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        match (node.text(), &node.value) {
            (Some(text), _) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            (_, other) => {
                self.problem(node.line(), format!("`{key}` is {}, expected a word", other.what()), None);
                None
            }
        }
    }

    fn grade<T: Grade>(&mut self, node: &Node) -> Option<Setting<T>> {
        let text = self.text(node, T::KEY)?;
        match T::parse(&text) {
            Ok(value) => Some(Setting::new(value, self.origin(node))),
            Err(error) => {
                let words: Vec<&str> = T::ALL.iter().map(|grade| grade.name()).collect();
                let hint = nearest(&text, &words).map(|near| format!("did you mean `{near}`?"));
                self.problem(node.line(), error.to_string(), hint);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn problems(text: &str) -> Vec<String> {
        let Err(problems) = read(text, "assay.yaml") else { panic!("it is accepted") };
        let told = |problem: Problem| {
            let hint = problem.hint.map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{}: {}{hint}", problem.line, problem.message)
        };
        problems.into_iter().map(told).collect()
    }

    #[test]
    fn settings_know_their_lines() {
        let text = "# ours\ncontext:\n  environment: staging\n  owner: team-a\nimages:\n  - match: \"*/web/*\"\n    context:\n      exposure: open\n";
        let config = read(text, "assay.yaml").unwrap();
        let environment = config.context.environment.unwrap();
        assert_eq!(
            (environment.value, environment.origin.as_str()),
            (Environment::Staging, "`assay.yaml` line 3")
        );
        assert_eq!(config.context.owner.unwrap().value, "team-a");
        assert_eq!(config.images[0].pattern, "*/web/*");
        assert_eq!(config.images[0].context.exposure.as_ref().unwrap().origin, "`assay.yaml` line 8");
    }

    #[test]
    fn nothing_is_no_mistake() {
        for text in ["", "# only words\n\n", "context:\n", "images: []\n", "---\ncontext: {}\n"] {
            assert_eq!(read(text, "assay.yaml"), Ok(Config::default()), "{text:?}");
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "contxt: {}\ncontext:\n  exposur: open\n  environment: prod\n  data: [public]\n  zzz: 1\nimages:\n  - context: {owner: a}\n";
        assert_eq!(
            problems(text),
            [
                "1: the file has no key `contxt`; did you mean `context`?",
                "3: a context has no key `exposur`; did you mean `exposure`?",
                "4: `prod` is no value of `environment`: expected one of development, staging, production",
                "5: `data` is a list, expected a word",
                "6: a context has no key `zzz`; the keys of a context are environment, exposure, data, criticality, owner",
                "8: an image has no `match`; name the images with a pattern: `match: registry.example/team/*`",
            ]
        );
        assert_eq!(
            problems("context: open\n"),
            [
                "1: a context is a word, expected keys and values; its keys are environment, exposure, data, criticality, owner"
            ]
        );
        assert_eq!(
            problems("images: {}\n"),
            ["1: `images` is keys and values, expected a list; begin each with `- match: PATTERN`"]
        );
        assert_eq!(problems("context: {exposure: opne}\n").len(), 1);
    }

    #[test]
    fn what_is_no_yaml_names_its_line() {
        for text in ["context: [", "a: b: c\n", "context: {}\ncontext: {}\n"] {
            let told = problems(text);
            assert!(!told.is_empty() && told[0].starts_with(['0', '1', '2']), "{told:?}");
        }
        let deep = format!("context: {}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(problems(&deep).len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_survived(text in "[\\PC\\n:\\-\\[\\]{}&*#'\"|> ]{0,200}") {
            let _ = read(&text, "assay.yaml");
        }
    }
}
