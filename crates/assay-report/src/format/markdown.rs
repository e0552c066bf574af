//! Markdown (GitHub's flavour, <https://github.github.com/gfm/>) for step summaries, merge requests and tickets.
//!
//! Names come from the image: a package may be called `|`, `<img src=…>` or `@team`. All that means something to Markdown or HTML
//! is written as a character reference, so that no link, image, mention or table cell can be smuggled in.

use super::{Format, Options};
use crate::{summary, words};
use assay_escape::shorten;
use assay_model::{Finding, FindingKind, Priority, Report};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes Markdown.
pub(super) struct Markdown;

/// How many findings of a kind are listed: step summaries are cut off at a mebibyte.
const SHOWN: usize = 1000;

/// How many warnings are listed.
const WARNINGS_SHOWN: usize = 50;

impl Format for Markdown {
    fn name(&self) -> &'static str {
        "markdown"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = document(report, options, &mut text);
        out.write_all(text.as_bytes())
    }
}

fn document(report: &Report, options: &Options, out: &mut String) -> std::fmt::Result {
    writeln!(out, "## {}\n", escape(&report.image.reference))?;
    if let Some(digest) = report.image.manifest_digest.or(report.image.image_id) {
        writeln!(out, "`{digest}`\n")?;
    }
    let mut facts = Vec::new();
    facts.extend(words::os(report).map(|os| escape(&os)));
    facts.extend(report.image.platform.as_ref().map(|platform| escape(&platform.to_string())));
    facts.push(summary::count(report.inventory.packages.len() as u64, "package"));
    writeln!(out, "{}\n", facts.join(" · "))?;
    writeln!(out, "**{}**\n", summary::headline(report))?;
    let priorities = summary::priorities(report);
    if !priorities.is_empty() {
        writeln!(out, "By priority: {priorities}\n")?;
    }
    if let Some(base) = report.image.base.as_ref().filter(|base| base.of_findings > 0) {
        let name = base.reference.as_deref().unwrap_or("the base image");
        writeln!(out, "{} of {} findings come from {}\n", base.findings, base.of_findings, escape(name))?;
    }
    if !report.complete() {
        writeln!(out, "**Incomplete:** something was left unscanned, see the warnings.\n")?;
    }
    if report.unassessed() > 0 {
        let packages = summary::count(report.unassessed(), "package");
        writeln!(out, "**Not assessed:** {packages}; no feed in the database speaks about them.\n")?;
    }
    for kind in FindingKind::ALL {
        section(report, kind, out)?;
    }
    if options.hidden > 0 {
        writeln!(out, "{} left out by filters.\n", options.hidden)?;
    }
    warnings(report, out)
}

fn section(report: &Report, kind: FindingKind, out: &mut String) -> std::fmt::Result {
    let all: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.kind == kind && finding.suppression.is_none())
        .collect();
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "### {}\n", heading(kind))?;
    if kind == FindingKind::Vulnerability {
        writeln!(out, "| Severity | Priority | ID | Package | Installed | Fixed in | Title |")?;
        writeln!(out, "|---|---|---|---|---|---|---|")?;
    } else {
        writeln!(out, "| Severity | Priority | Rule | Where | What | Do |")?;
        writeln!(out, "|---|---|---|---|---|---|")?;
    }
    for finding in all.iter().take(SHOWN) {
        let exploited = if finding.kev.is_some() { " (exploited)" } else { "" };
        let mut cells = vec![
            finding.severity.name().to_owned(),
            finding.priority.map_or("", Priority::name).to_owned(),
            format!("{}{exploited}", escape(&finding.rule)),
        ];
        match words::package(report, finding) {
            Some(package) => cells.extend([
                escape(&package.full_name()),
                escape(&package.version),
                escape(&words::fix(finding)),
                escape(&shorten(&finding.title, 160)),
            ]),
            None => {
                let mut places: Vec<String> =
                    finding.locations.iter().take(3).map(|place| escape(&words::place(place))).collect();
                if let Some(more) = finding.locations.len().checked_sub(3).filter(|more| *more > 0) {
                    places.push(format!("and {more} more"));
                }
                let details = finding.details.iter().take(4);
                let mut what = vec![escape(&shorten(&finding.title, 160))];
                what.extend(
                    details.map(|one| escape(&shorten(&format!("{}: {}", one.name, one.value), 160))),
                );
                cells.extend([places.join("<br>"), what.join("<br>"), escape(&finding.remediation)]);
                if kind == FindingKind::Vulnerability {
                    cells.push(String::new());
                }
            }
        }
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    if let Some(more) = all.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        writeln!(out, "\nand {more} more; the JSON report has them all.")?;
    }
    writeln!(out)
}

fn warnings(report: &Report, out: &mut String) -> std::fmt::Result {
    let all = &report.inventory.warnings;
    if all.is_empty() {
        return Ok(());
    }
    writeln!(out, "<details><summary>{}</summary>\n", summary::count(all.len() as u64, "warning"))?;
    for warning in all.iter().take(WARNINGS_SHOWN) {
        writeln!(out, "- {}", escape(&warning.to_string()))?;
    }
    if let Some(more) = all.len().checked_sub(WARNINGS_SHOWN).filter(|more| *more > 0) {
        writeln!(out, "- and {more} more")?;
    }
    writeln!(out, "\n</details>")
}

pub(super) fn heading(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Vulnerability => "Vulnerabilities",
        FindingKind::Secret => "Secrets",
        FindingKind::Malware => "Malware",
        FindingKind::Misconfiguration => "Misconfigurations",
        FindingKind::License => "Licences",
    }
}

/// Writes text so that Markdown shows it as it is, on one line.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for char in assay_escape::terminal(text).chars() {
        match char {
            // `:` and `/` would make links of addresses, `@` mentions, `#` references to issues.
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '(' | ')' | '#' | '!' | '|'
            | '&' | '~' | '@' | '$' | '"' | '\'' => {
                let _ = write!(safe, "&#{};", u32::from(char));
            }
            char => safe.push(char),
        }
    }
    // GitHub makes links of bare addresses, also without a scheme in front of `www.`.
    safe.replace("://", "&#58;//")
        .replace("www.", "www&#46;")
        .replace("Www.", "Www&#46;")
        .replace("WWW.", "WWW&#46;")
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_of_markdown_gets_through() {
        for (text, want) in [
            ("plain text 1.2-3+deb", "plain text 1.2-3+deb"),
            ("a|b", "a&#124;b"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("[x](javascript:1)", "&#91;x&#93;&#40;javascript:1&#41;"),
            ("@team #1", "&#64;team &#35;1"),
            ("https://evil.example", "https&#58;//evil.example"),
            ("two\nlines", "two lines"),
        ] {
            assert_eq!(escape(text), want);
        }
    }
}
