//! Policies that a team has already, in Rego: what a module denies.
//!
//! The engine is `regorus` and part of the program when it is built with the feature `rego`; without it such a rule is refused when
//! the policy is read. A module sees, as `input`, what expressions in CEL see. Its answer is read as Conftest reads it
//! (<https://www.conftest.dev>): each text in the set is a violation, as is the `msg` of each object. A module that
//! does not answer is missing evidence, never a pass.

use super::Rule;
use crate::define::{Field, Kind, Params};
use crate::facts::Facts;
use crate::reasons::Reasons;
use crate::variables;

/// The longest module, in bytes.
#[cfg(feature = "rego")]
const MAX_MODULE: usize = 1 << 20;

/// What it takes.
const FIELDS: &[Field] = &[
    Field::required("module", Kind::Text, "The module, in Rego."),
    Field::optional(
        "query",
        Kind::Text,
        "The rule whose answer counts, such as `data.main.deny`; without it `deny` of the module's package.",
    ),
    Field::or("version", Kind::Word(&["v1", "v0"]), "v1", "The version of Rego it is written in."),
    Field::optional("remedy", Kind::Text, "What to do about it."),
];

/// The rule.
pub(super) struct Rego;

impl Rule for Rego {
    fn id(&self) -> &'static str {
        "rego"
    }

    fn about(&self) -> &'static str {
        "A module in Rego denies nothing; for programs built with the feature `rego`."
    }

    fn schema(&self) -> &'static [Field] {
        FIELDS
    }

    fn check(&self, params: &Params) -> Result<(), String> {
        engine::check(params)
    }

    fn needs_evidence(&self, params: &Params) -> bool {
        params.text("module").is_some_and(looks_at_evidence)
    }

    fn looks_at_placement(&self, _: &Params) -> bool {
        // What a module looks at is not known before it is run.
        true
    }

    fn evaluate(&self, params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        engine::evaluate(params, facts, out);
    }
}

/// Returns whether a module may look at what is attached to an image: it names it, or takes `input` as a whole.
fn looks_at_evidence(module: &str) -> bool {
    const INPUT: &str = "input";
    let code = code_of(module);
    let of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(INPUT).any(|(at, _)| {
        let before = code.get(..at).unwrap_or_default();
        let rest = code.get(at.saturating_add(INPUT.len())..).unwrap_or_default();
        if before.ends_with(|letter| of_word(letter) || letter == '.') || rest.starts_with(of_word) {
            return false;
        }
        let field = match rest.strip_prefix('.') {
            Some(field) => field.split(|letter| !of_word(letter)).next(),
            None => {
                rest.strip_prefix("[\"").and_then(|field| field.split_once("\"]")).map(|(field, _)| field)
            }
        };
        field.is_none_or(|field| field.is_empty() || field.contains('\\') || field == variables::EVIDENCE)
    })
}

/// Returns whether a module names something, as a text or as a field.
#[cfg(any(feature = "rego", test))]
fn speaks_of(module: &str, name: &str) -> bool {
    [format!("\"{name}\""), format!("`{name}`"), format!(".{name}")]
        .iter()
        .any(|named| module.contains(named))
}

/// Returns whether a module asks for itself what the scan looked for; a comment or a message that says so asks nothing.
#[cfg(any(feature = "rego", test))]
fn looks_at_scan(module: &str) -> bool {
    code_of(module).contains("input.scan")
}

/// Returns a module without its comments and without texts that are no keys.
fn code_of(module: &str) -> String {
    let mut code = String::new();
    let mut letters = module.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '#' => {
                letters.by_ref().find(|letter| *letter == '\n');
                code.push('\n');
            }
            '"' | '`' => {
                // What stands in brackets may be a key, and templates (`$"…"`) hold code.
                let is_kept = code.ends_with(['[', '$']);
                code.push(letter);
                let mut escaped = false;
                for inner in letters.by_ref() {
                    if is_kept || inner == letter && !escaped {
                        code.push(inner);
                    }
                    if inner == letter && !escaped {
                        break;
                    }
                    escaped = inner == '\\' && letter == '"' && !escaped;
                }
            }
            letter => code.push(letter),
        }
    }
    code
}

#[cfg(not(feature = "rego"))]
mod engine {
    use super::{Facts, Params, Reasons};

    const ABSENT: &str = "needs a program built with the feature `rego`";

    pub(super) fn check(_: &Params) -> Result<(), String> {
        Err(ABSENT.to_owned())
    }

    pub(super) fn evaluate(_: &Params, _: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        out.missing(None, format!("the module {ABSENT}"), "build with `--features rego`");
    }
}

#[cfg(feature = "rego")]
mod engine {
    use super::{Facts, MAX_MODULE, Params, Reasons, looks_at_evidence, looks_at_scan, speaks_of};
    use crate::closure::is_all_known;
    use crate::variables;
    use regorus::utils::limits::ExecutionTimerConfig;
    use regorus::{Engine, Value};
    use std::num::NonZeroU32;
    use std::time::Duration;

    /// How long a module may take for one image.
    const TIME: Duration = Duration::from_secs(2);
    /// How many violations are told.
    const MAX_MESSAGES: usize = 1000;

    /// Reads the module and returns it with the path of the rule that is asked.
    fn open(params: &Params) -> Result<(Engine, String), String> {
        let module = params.text("module").unwrap_or_default();
        if module.len() > MAX_MODULE {
            return Err(format!("has a module of more than {MAX_MODULE} bytes"));
        }
        let mut engine = Engine::new();
        engine.set_rego_v0(params.text("version") == Some("v0"));
        engine.set_execution_timer_config(ExecutionTimerConfig {
            limit: TIME,
            check_interval: NonZeroU32::MIN,
        });
        let package = engine
            .add_policy("module.rego".to_owned(), module.to_owned())
            .map_err(|error| format!("has a module that cannot be read: {error}"))?;
        let query = params.text("query").map_or_else(|| format!("{package}.deny"), str::to_owned);
        if !query.starts_with("data.") {
            return Err(format!("asks `{query}`, which does not begin with `data.`"));
        }
        Ok((engine, query))
    }

    pub(super) fn check(params: &Params) -> Result<(), String> {
        open(params).map(|_| ())
    }

    pub(super) fn evaluate(params: &Params, facts: &Facts<'_>, out: &mut Reasons<'_, '_>) {
        let (engine, query) = match open(params) {
            Ok(opened) => opened,
            Err(error) => return out.missing(None, format!("the rule {error}"), "mend the module"),
        };
        let remedy = params.text("remedy").unwrap_or("change the image so that the module accepts it");
        let module = params.text("module").unwrap_or_default();
        let of_evidence = looks_at_evidence(module);
        for (image, report) in out.reports() {
            // A module may deny nothing because something is not there.
            if of_evidence && !is_all_known(facts, image, out) {
                continue;
            }
            let unseen = variables::unseen(report, |name| speaks_of(module, name));
            if let Some(why) = unseen.filter(|_| !looks_at_scan(module)) {
                out.missing(
                    Some(image),
                    why,
                    "scan the image for all kinds of findings, with a current database",
                );
                continue;
            }
            let open: Vec<_> =
                report.findings.iter().filter(|finding| finding.suppression.is_none()).collect();
            let input = variables::json(facts, image, report, &open, out.now());
            let mut engine = engine.clone();
            engine.set_input(Value::from(input));
            let answer = engine.eval_rule(query.clone()).map_err(|error| error.to_string());
            match answer.and_then(|answer| messages(&query, &answer)) {
                Ok(messages) => {
                    for message in messages {
                        out.violation(Some(image), message, remedy);
                    }
                }
                Err(error) => out.missing(
                    Some(image),
                    format!("the module gives no answer: {error}"),
                    "mend the module: `assay policy test` tries it",
                ),
            }
        }
    }

    /// Reads an answer: a set or list of texts or of objects with `msg`; of a truth, `true` denies.
    fn messages(query: &str, answer: &Value) -> Result<Vec<String>, String> {
        let items: Vec<&Value> = match answer {
            Value::Undefined => return Err(format!("`{query}` is not defined")),
            Value::Bool(false) => Vec::new(),
            Value::Bool(true) => return Ok(vec![format!("`{query}` denies it")]),
            Value::Set(items) => items.iter().collect(),
            Value::Array(items) => items.iter().collect(),
            _ => return Err(format!("`{query}` is neither a set nor a truth")),
        };
        let message = |item: &Value| match item {
            Value::String(text) => text.to_string(),
            Value::Object(_) => match (&item["msg"], &item["message"]) {
                (Value::String(text), _) | (_, Value::String(text)) => text.to_string(),
                _ => item.to_string(),
            },
            other => other.to_string(),
        };
        // Whatever is denied beyond that is denied already.
        Ok(items.into_iter().take(MAX_MESSAGES).map(message).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_module_looks_at_is_known() {
        let check = |body: &str, want: bool| {
            let module =
                format!("package main\n# the input is evidence\ndeny contains \"bad input\" if {body}\n");
            assert_eq!(looks_at_evidence(&module), want, "{body}");
        };
        check("count(input.evidence) == 0", true);
        check("some one in input[\"evidence\"]", true);
        check("some key; input[key]", true);
        check("walk(input, [path, value])", true);
        check("input[\"evid\\u0065nce\"]", true);
        check("input[`evidence`]", true);
        check("input.findings[_].rule == \"evidence\"", false);
        check("input[\"scan\"].deep; inputs := 1; my_input := inputs", false);
    }

    #[test]
    fn only_code_asks_what_was_scanned() {
        let head = "package main\n";
        assert!(looks_at_scan(&format!("{head}deny contains \"x\" if not input.scan.deep")));
        for said in [
            "# see input.scan.kinds\n",
            "deny contains `input.scan` if true",
            "deny contains \"input.scan\" if true",
        ] {
            assert!(!looks_at_scan(&format!("{head}{said}")), "{said}");
        }
        for named in ["f.kind == \"malware\"", "f.kind == `malware`", "input.malware"] {
            assert!(speaks_of(&format!("{head}deny contains \"x\" if {named}"), "malware"), "{named}");
        }
        assert!(!speaks_of(head, "malware"));
    }
}
