//! Markdown, as for a step summary or a comment on a pull request.

use super::{Options, words};
use crate::verdict::Verdict;
use std::io::{self, Write};

/// Of one rule no more findings are shown unless all are asked for.
const SHOWN: usize = 20;

pub(super) fn write(verdict: &Verdict, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "## {}\n", text(&words::headline(verdict)))?;
    writeln!(out, "By {}.\n", text(&words::basis(verdict)))?;
    if !verdict.reasons.is_empty() {
        writeln!(out, "| effect | rule | reason | way out |\n|---|---|---|---|")?;
    }
    for reason in &verdict.reasons {
        let mut message = text(&words::sentence(verdict, reason));
        let shown = if options.all { reason.findings.len() } else { SHOWN };
        for finding in reason.findings.iter().take(shown) {
            message.push_str(&format!("<br>{}", text(&words::finding(finding))));
        }
        if reason.findings.len() > shown {
            message.push_str(&format!("<br>… and {} more", reason.findings.len() - shown));
        }
        for miss in &reason.near_misses {
            message.push_str(&format!("<br>{}", text(miss)));
        }
        writeln!(
            out,
            "| {} | {} | {message} | {} |",
            reason.effect.name(),
            text(&reason.rule),
            text(&reason.remedy)
        )?;
    }
    if !verdict.exceptions.is_empty() {
        writeln!(out, "\nExceptions:\n")?;
    }
    for exception in &verdict.exceptions {
        writeln!(out, "- {}", text(&words::exception(exception)))?;
    }
    Ok(())
}

/// Escapes text for a table cell: what Markdown or HTML would read as its own is made plain.
fn text(plain: &str) -> String {
    let mut text = String::new();
    for letter in assay_escape::visible(plain).chars() {
        match letter {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '\n' => text.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                text.push('\\');
                text.push(letter);
            }
            '@' => text.push_str("&#64;"),
            _ => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_text_is_markup() {
        assert_eq!(super::text("a|b\n<img> @all [x](y)"), "a\\|b &lt;img&gt; &#64;all \\[x\\](y)");
    }
}
