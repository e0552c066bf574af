//! For a terminal.

use super::{Options, words};
use crate::verdict::{Cause, Decision, Effect, Verdict};
use assay_escape::terminal;
use std::io::{self, Write};

/// Of one rule no more findings are shown unless all are asked for.
const SHOWN: usize = 8;

pub(super) fn write(verdict: &Verdict, options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let paint = |text: &str, color: &str| {
        if options.color { format!("\u{1b}[{color}m{text}\u{1b}[0m") } else { text.to_owned() }
    };
    let color = match verdict.decision {
        Decision::Admit => "32",
        Decision::Warn => "33",
        Decision::Deny => "31",
    };
    let headline = words::headline(verdict);
    let rest = headline.strip_prefix(verdict.decision.name()).unwrap_or_default();
    let decision = paint(&verdict.decision.name().to_uppercase(), color);
    writeln!(out, "{decision}{}  [{}]", terminal(rest), terminal(&words::basis(verdict)))?;
    for reason in &verdict.reasons {
        let color = match reason.effect {
            Effect::Audit => "36",
            Effect::Warn => "33",
            Effect::Deny => "31",
        };
        let cause = match reason.cause {
            Cause::Violation => "",
            Cause::MissingEvidence => " (missing evidence)",
            Cause::NotEvaluated => " (could not be evaluated)",
        };
        writeln!(
            out,
            "\n{} {}: {}{cause}",
            paint(&format!("{:<5}", reason.effect.name()), color),
            terminal(&reason.rule),
            terminal(&words::sentence(verdict, reason))
        )?;
        let shown = if options.all { reason.findings.len() } else { SHOWN };
        for finding in reason.findings.iter().take(shown) {
            writeln!(out, "      {}", terminal(&words::finding(finding)))?;
        }
        if reason.findings.len() > shown {
            writeln!(out, "      … and {} more", reason.findings.len() - shown)?;
        }
        for miss in &reason.near_misses {
            writeln!(out, "      {}", terminal(miss))?;
        }
        writeln!(out, "      do: {}", terminal(&reason.remedy))?;
    }
    if !verdict.exceptions.is_empty() {
        writeln!(out, "\nexceptions")?;
        for exception in &verdict.exceptions {
            writeln!(out, "      {}", terminal(&words::exception(exception)))?;
        }
    }
    if verdict.reasons.is_empty() {
        writeln!(out, "every rule holds")?;
    } else if verdict.evaluated && verdict.decision == Decision::Deny {
        writeln!(
            out,
            "\nwhat is accepted for a time is recorded under `exceptions` in the policy, with owner, reason and end"
        )?;
    }
    Ok(())
}
