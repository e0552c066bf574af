//! A table: on a page, as CSV and as JSON, all from the same rows.

use super::ask::{Ask, encode};
use assay_model::Digest;
use assay_report::escape::{json, spreadsheet};
use assay_store::Moment;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;

/// How a table is written for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Csv,
    Json,
}

impl Form {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// A column: its name for programs, and its heading.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    /// How its cells look: `number`, `mono`, `reason` (a long text) or nothing.
    pub(super) class: &'static str,
}

/// Makes columns of names, headings and looks.
pub(super) fn columns<const N: usize>(all: [(&'static str, &'static str, &'static str); N]) -> Vec<Column> {
    all.into_iter().map(|(name, label, class)| Column { name, label, class }).collect()
}

/// A cell.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Cell {
    /// What it says, in full.
    text: String,
    /// What is shown of it on a page, where that is less.
    short: Option<String>,
    /// Where it leads.
    to: Option<String>,
    /// How it looks besides its column: a severity, a verdict, `time`.
    class: String,
    #[serde(skip)]
    value: Value,
}

impl Cell {
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { value: Value::from(text.clone()), text, ..Self::default() }
    }

    /// A text, or nothing.
    pub(super) fn maybe(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(Self::default, Self::text)
    }

    pub(super) fn number(number: i64) -> Self {
        Self { text: number.to_string(), value: Value::from(number), ..Self::default() }
    }

    pub(super) fn count(number: u64) -> Self {
        Self { text: number.to_string(), value: Value::from(number), ..Self::default() }
    }

    pub(super) fn time(moment: Option<Moment>) -> Self {
        let Some(moment) = moment else { return Self::default() };
        let text = moment.timestamp().to_string();
        // The seconds say little to people: `2026-11-27 17:00`.
        let short = text.get(..16).map(|minute| minute.replace('T', " "));
        Self { value: Value::from(text.clone()), text, short, class: "time".to_owned(), ..Self::default() }
    }

    /// A word that is also the name of a colour: a severity, a priority, a verdict or a state.
    pub(super) fn word(word: &str) -> Self {
        let known = [
            "critical",
            "high",
            "medium",
            "low",
            "negligible",
            "unknown",
            "act",
            "attend",
            "track-closely",
            "track",
            "deny",
            "warn",
            "admit",
            "failed",
            "false-positive",
            "accepted",
            "exception",
        ];
        Self {
            class: if known.contains(&word) { word.to_owned() } else { String::new() },
            ..Self::text(word)
        }
    }

    pub(super) fn image(digest: &Digest) -> Self {
        let text = digest.to_string();
        Self { to: Some(image_address(digest)), short: Some(short(digest)), ..Self::text(text) }
    }

    /// A list, which programs get as one.
    pub(super) fn list(items: &[String]) -> Self {
        Self { text: items.join(", "), value: Value::from(items), ..Self::default() }
    }

    pub(super) fn to(mut self, address: String) -> Self {
        self.to = Some(address);
        self
    }

    /// Leads somewhere by a word that is no data: programs get nothing.
    pub(super) fn leading(mut self, address: String, word: &str) -> Self {
        self.short = Some(word.to_owned());
        self.to = Some(address);
        self
    }

    pub(super) fn shown_as(mut self, short: String) -> Self {
        self.short = Some(short).filter(|short| *short != self.text);
        self
    }
}

/// Returns what is shown of a digest: enough to tell two apart.
pub(super) fn short(digest: &Digest) -> String {
    digest.short()
}

pub(super) fn image_address(digest: &Digest) -> String {
    format!("/images/{digest}")
}

pub(super) fn advisory_address(rule: &str) -> String {
    format!("/advisories/{}", encode(rule))
}

pub(super) fn package_address(ecosystem: &str, name: &str) -> String {
    format!("/packages?ecosystem={}&name={}", encode(ecosystem), encode(name))
}

/// A table.
#[derive(Debug, Serialize)]
pub(super) struct Table {
    /// What its address calls it.
    pub(super) name: &'static str,
    /// Its heading.
    pub(super) title: String,
    /// What is in it, and in which order.
    pub(super) caption: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// What is said when there is no row.
    pub(super) empty: &'static str,
    /// The address of the rows that follow.
    pub(super) next: Option<String>,
    /// The address of the first rows, where these are not the first.
    pub(super) first: Option<String>,
}

/// Cuts off what was read only to see whether more follows.
pub(super) fn cut<T>(rows: &mut Vec<T>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

impl Table {
    /// Says where the list goes on, by a parameter.
    pub(super) fn paged(mut self, ask: &Ask, parameter: &str, next: Option<i64>) -> Self {
        self.next = next.map(|next| ask.address(&[(parameter, Some(&next.to_string()))]));
        self.first = ask.text(parameter).map(|_| ask.address(&[(parameter, None)]));
        self
    }

    /// Writes it for programs. Where the list goes on stands in the header `Link` (RFC 8288), and in the JSON.
    pub(super) fn export(self, form: Form, ask: &Ask) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(link) =
            self.next.as_ref().and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok())
        {
            headers.insert(header::LINK, link);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        let (name, written) = match form {
            Form::Csv => ("text/csv; charset=utf-8; header=present", self.csv()),
            Form::Json => ("application/json", self.json(ask)),
        };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(name));
        let extension = if form == Form::Csv { "csv" } else { "json" };
        if let Ok(value) =
            HeaderValue::from_str(&format!("attachment; filename=\"{}.{extension}\"", self.name))
        {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        match written {
            Ok(bytes) => (headers, bytes).into_response(),
            Err(_) => super::error::unwritable(),
        }
    }

    fn csv(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(self.columns.iter().map(|column| column.name))?;
        for row in &self.rows {
            // A number is none of an attacker's, and is to stay one.
            writer.write_record(row.iter().map(|cell| match cell.value {
                Value::Number(_) => cell.text.clone(),
                _ => spreadsheet(&cell.text).into_owned(),
            }))?;
        }
        writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
    }

    fn json(&self, ask: &Ask) -> std::io::Result<Vec<u8>> {
        let items: Vec<Value> = self
            .rows
            .iter()
            .map(|row| {
                let cells = self.columns.iter().zip(row);
                cells.map(|(column, cell)| (column.name.to_owned(), cell.value.clone())).collect()
            })
            .collect();
        let document = serde_json::json!({
            "table": self.name,
            "at": ask.now.timestamp().to_string(),
            "items": items,
            "next": self.next,
        });
        let mut bytes = Vec::new();
        json::write_pretty(&document, &mut bytes)?;
        Ok(bytes)
    }
}
