//! Annotations of GitHub Actions: workflow commands on standard output
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).

use super::{Options, words};
use crate::verdict::{Effect, Verdict};
use std::io::{self, Write};

pub(super) fn write(verdict: &Verdict, _: &Options, out: &mut dyn Write) -> io::Result<()> {
    let basis = words::basis(verdict);
    command(out, "notice", "Assay: verdict", &format!("{} by {basis}", words::headline(verdict)))?;
    for reason in &verdict.reasons {
        let level = match reason.effect {
            Effect::Deny => "error",
            Effect::Warn => "warning",
            Effect::Audit => "notice",
        };
        let mut text = words::sentence(verdict, reason);
        for finding in reason.findings.iter().take(10) {
            text.push_str(&format!("\n{}", words::finding(finding)));
        }
        for miss in &reason.near_misses {
            text.push_str(&format!("\n{miss}"));
        }
        text.push_str(&format!("\ndo: {}", reason.remedy));
        command(out, level, &format!("Assay: {}", reason.rule), &text)?;
    }
    for exception in verdict.exceptions.iter().filter(|exception| exception.expiring) {
        command(out, "warning", "Assay: exception", &words::exception(exception))?;
    }
    Ok(())
}

fn command(out: &mut dyn Write, level: &str, title: &str, message: &str) -> io::Result<()> {
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    writeln!(out, "::{level} title={title}::{}", data(message))
}

/// Escapes a message, as GitHub's own toolkit does; what could steer a terminal is made visible first.
fn data(text: &str) -> String {
    assay_escape::visible(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}
