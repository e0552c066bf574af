//! The user's own template, in the language of Jinja2 (<https://docs.rs/minijinja/latest/minijinja/syntax/>).
//!
//! A template sees the JSON report as `report`, and its fields as variables of their own. It can do nothing but write text: it opens no
//! file, and what it may compute is bounded. Text is escaped for HTML when the template's file is called `….html` or `….xml`, and
//! for nothing otherwise: the filters `escape`, `markdown_cell`, `csv` and `tojson` do it one by one.

use super::{Format, Options, json};
use assay_model::Report;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use std::io::{self, Write};

/// Writes by a template.
pub(super) struct Template;

/// Steps a template may take: a report of a hundred thousand findings with fifty steps for each.
const FUEL: u64 = 5_000_000;

/// A template of the user's.
#[derive(Debug, Clone)]
pub struct TemplateText {
    /// The name of its file, which messages name and whose ending decides how text is escaped.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Format for Template {
    fn name(&self) -> &'static str {
        "template"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let Some(template) = &options.template else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no template is given"));
        };
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(64);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(explain)?);
        environment.set_auto_escape_callback(|name| match name.rsplit('.').next() {
            Some("html" | "htm" | "xml") => AutoEscape::Html,
            _ => AutoEscape::None,
        });
        environment.add_filter("csv", |text: String| format!("\"{}\"", text.replace('"', "\"\"")));
        environment.add_filter("markdown_cell", |text: String| super::markdown::escape(&text));
        environment.add_filter("terminal", |text: String| assay_escape::terminal(&text).into_owned());
        environment.add_template(&template.name, &template.text).map_err(explain)?;
        let compiled = environment.get_template(&template.name).map_err(explain)?;
        let value = Value::from(Serde(json::document(report, options)));
        let context = minijinja::context! { report => value.clone(), ..value };
        let mut text = compiled.render(context).map_err(explain)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        out.write_all(text.as_bytes())
    }
}

/// Says where in the template it went wrong.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn explain(error: minijinja::Error) -> io::Error {
    let place = match (error.name(), error.line()) {
        (Some(name), Some(line)) => format!(" in line {line} of `{name}`"),
        _ => String::new(),
    };
    let what =
        error.detail().map_or_else(|| error.kind().to_string(), |what| format!("{}: {what}", error.kind()));
    io::Error::new(io::ErrorKind::InvalidInput, format!("{what}{place}"))
}
