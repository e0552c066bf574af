//! A difference as Markdown, for a comment on a change (<https://github.github.com/gfm/>).
//!
//! Names come from images: every character that means something in Markdown or HTML is written as itself.

use super::{Difference, FindingChange, PackageChange};
use assay_escape::{shorten, terminal};
use std::io::{self, Write};

/// Rows of a table before the rest is only counted: comments have a limit of 65,536 characters.
const ROWS: usize = 200;

pub(super) fn write(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "### {} → {}\n", plain(&difference.old), plain(&difference.new))?;
    let rows: Vec<String> = PackageChange::ALL
        .into_iter()
        .flat_map(|change| difference.packages.iter().filter(move |one| one.change == change))
        .map(|one| {
            let text = |version: &Option<String>| version.as_deref().map(plain).unwrap_or_default();
            format!(
                "| {} | {} | {} | {} | {} |",
                one.change.name(),
                plain(&one.name),
                one.kind,
                text(&one.old),
                text(&one.new)
            )
        })
        .collect();
    table("Packages", "| change | package | type | old | new |\n|---|---|---|---|---|", &rows, out)?;
    let rows: Vec<String> = FindingChange::ALL
        .into_iter()
        .flat_map(|change| difference.findings.iter().filter(move |one| one.change == change))
        .map(|one| {
            format!(
                "| {} | {} | {} | {} | {} |",
                one.change.name(),
                one.severity,
                plain(&one.rule),
                plain(&one.subject),
                plain(&one.details.join("; "))
            )
        })
        .collect();
    table("Findings", "| change | severity | rule | where | details |\n|---|---|---|---|---|", &rows, out)?;
    if let Some(files) = &difference.files {
        let rows: Vec<String> = files
            .changed
            .iter()
            .map(|one| {
                format!("| {} | {} | {} |", one.change.name(), plain(&one.path), plain(&one.details()))
            })
            .collect();
        table("Files", "| change | file | what |\n|---|---|---|", &rows, out)?;
        writeln!(out, "{}\n", super::table::files_line(files))?;
    }
    let rows: Vec<String> = difference
        .settings
        .iter()
        .map(|one| {
            let text = |value: &Option<String>| value.as_deref().map(plain).unwrap_or_default();
            format!("| {} | {} | {} |", plain(&one.name), text(&one.old), text(&one.new))
        })
        .collect();
    table("Settings", "| setting | old | new |\n|---|---|---|", &rows, out)?;
    if let Some(layers) = &difference.layers {
        writeln!(out, "{}\n", super::table::layers_line(layers))?;
    }
    for note in &difference.notes {
        writeln!(out, "- {}", plain(note))?;
    }
    Ok(())
}

fn table(title: &str, head: &str, rows: &[String], out: &mut dyn Write) -> io::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(out, "#### {title} ({})\n\n{head}", rows.len())?;
    for row in rows.iter().take(ROWS) {
        writeln!(out, "{row}")?;
    }
    if let Some(more) = rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
        writeln!(out, "\nand {more} more")?;
    }
    writeln!(out)
}

/// Writes text so that Markdown shows it as it is, on one line, without links, mentions or markup.
fn plain(text: &str) -> String {
    let text = shorten(&terminal(text), 200);
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            // An entity is text to Markdown, whatever it stands for; a mention would call somebody.
            '@' => safe.push_str("&#64;"),
            ':' => safe.push_str("&#58;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '!' | '|' | '~' => {
                safe.push('\\');
                safe.push(char);
            }
            char => safe.push(char),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_names() {
        assert_eq!(plain("a|b"), "a\\|b");
        assert_eq!(plain("@babel/core\n# x"), "&#64;babel/core \\# x");
        assert_eq!(plain("<img src=x>[a](javascript:x)"), "&lt;img src=x&gt;\\[a\\]\\(javascript&#58;x\\)");
    }
}
