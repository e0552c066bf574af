//! What a server lists, for people and for programs.

use crate::error::CommandError;
use assay_report::escape;
use serde::Serialize;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// Columns.
    Table,
    /// `{"items": […]}` of the API's entries.
    Json,
}

/// Writes rows in columns below their heads. What servers say is made harmless for a terminal.
pub(crate) fn columns(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Vec<u8> {
    let mut lines = vec![heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>()];
    lines.extend(rows.map(|row| row.iter().map(|cell| escape::terminal(cell).into_owned()).collect()));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text.into_bytes()
}

/// Writes entries as one document.
pub(crate) fn json<T: Serialize>(items: &[T]) -> Result<Vec<u8>, CommandError> {
    let mut bytes = serde_json::to_vec_pretty(&serde_json::json!({ "items": items }))
        .map_err(|error| CommandError::work("cannot write the list", error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be_and_harmless() {
        let rows = [vec!["a".to_owned(), "b\x1b[31m".to_owned()], vec!["longer".to_owned(), "c".to_owned()]];
        let text = String::from_utf8(columns(&["ONE", "TWO"], rows.into_iter())).unwrap();
        assert!(!text.contains('\x1b'), "{text:?}");
        assert!(text.starts_with("ONE     TWO\na       b") && text.ends_with("\nlonger  c\n"), "{text:?}");
    }
}
