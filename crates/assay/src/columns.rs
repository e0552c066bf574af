//! What a server lists, for people and for programs.

use crate::error::CommandError;
use crate::output;
use assay_report::escape;
use serde::Serialize;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    /// Columns.
    Table,
    /// `{"items": […]}` of the API's entries.
    Json,
}

/// How much is listed, and how.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ListArgs {
    /// How many entries at most.
    #[arg(long, value_name = "N", default_value = "100000")]
    pub(crate) limit: usize,

    #[command(flatten)]
    pub(crate) shape: ShapeArgs,
}

/// How entries are shown.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ShapeArgs {
    /// How they are written.
    #[arg(long, short, value_name = "FORMAT", default_value = "table")]
    format: Shape,
}

/// A column of a table of entries: its head, and what stands in it.
pub(crate) type Column<T> = (&'static str, fn(&T) -> String);

impl ShapeArgs {
    /// Prints entries.
    pub(crate) fn print<T: Serialize>(&self, items: &[T], columns: &[Column<T>]) -> Result<(), CommandError> {
        self.print_with(items, columns, &[])
    }

    /// Prints entries, with what else the document says of them.
    pub(crate) fn print_with<T: Serialize>(
        &self,
        items: &[T],
        columns: &[Column<T>],
        more: &[(&str, serde_json::Value)],
    ) -> Result<(), CommandError> {
        let bytes = match self.format {
            Shape::Table => table(items, columns),
            Shape::Json => {
                let mut document = serde_json::json!({ "items": items });
                if let Some(members) = document.as_object_mut() {
                    members.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
                }
                let mut bytes = serde_json::to_vec_pretty(&document)
                    .map_err(|error| CommandError::work("cannot write the list", error))?;
                bytes.push(b'\n');
                bytes
            }
        };
        output::print(&bytes)
    }
}

/// Returns what stands in a column, or a dash where there is nothing.
pub(crate) fn or_dash(text: &Option<String>) -> String {
    text.clone().filter(|text| !text.is_empty()).unwrap_or_else(|| "-".to_owned())
}

/// Returns texts with commas between them, or a dash where there are none.
pub(crate) fn joined(texts: &[String]) -> String {
    or_dash(&Some(texts.join(", ")))
}

/// Writes rows in columns below their heads. What servers say is made harmless for a terminal.
fn table<T>(items: &[T], columns: &[Column<T>]) -> Vec<u8> {
    let mut lines = vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect::<Vec<_>>()];
    lines.extend(
        items
            .iter()
            .map(|item| columns.iter().map(|(_, cell)| escape::terminal(&cell(item)).into_owned()).collect()),
    );
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_harmless() {
        let rows = [("a", "b\x1b[31m"), ("longer", "c")];
        let columns: [Column<(&str, &str)>; 2] =
            [("ONE", |row| row.0.to_owned()), ("TWO", |row| row.1.to_owned())];
        let text = String::from_utf8(table(&rows, &columns)).unwrap();
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(text.starts_with("ONE     TWO\na       b") && text.ends_with("\nlonger  c\n"), "{text:?}");
    }
}
