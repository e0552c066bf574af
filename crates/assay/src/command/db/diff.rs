//! `assay db diff`: what two databases say differently, and what that changes for a source.

use crate::command::Global;
use crate::error::CommandError;
use crate::output;
use crate::source::{self, SourceArgs};
use assay_advisories::Database;
use assay_advisories::database::{Change, Changes, changed_between};
use assay_match::{FindingChange, Outcome, Rematched, match_inventory, rematch};
use assay_model::{Inventory, Timestamp};
use assay_report::escape;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Show what a newer database says differently, and what that changes for a source.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay db diff yesterday.db today.db\n  \
    assay db diff yesterday.db today.db app.tar   which findings appear, go or change, and why\n\n\
    Exit codes: 0 compared; 2 a database or the source cannot be read.")]
pub(super) struct Args {
    /// The earlier database.
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The later database.
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// What to judge by both; as for `assay scan`.
    #[arg(value_name = "SOURCE")]
    subject: Option<String>,

    /// How to write it.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    source: SourceArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let (old, new) = (open(&args.old)?, open(&args.new)?);
    let failed = |error| {
        CommandError::work("cannot compare the databases", error)
            .hint("build them again with `assay db build`")
    };
    let changes = changed_between(&old, &new).map_err(failed)?;
    let judged = match &args.subject {
        None => None,
        Some(subject) => {
            let inventory = source::inventory(subject, &args.source, global)?.inventory;
            let before = match_inventory(&inventory, &old).map_err(failed)?;
            let after = rematch(&inventory, &before.findings, &changes, &new).map_err(failed)?;
            Some((inventory, after))
        }
    };
    let text = match args.format {
        Format::Json => as_json((old.built_at(), new.built_at()), &changes, judged.as_ref()),
        Format::Text => as_text(&changes, judged.as_ref()),
    };
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

fn open(path: &Path) -> Result<Database, CommandError> {
    Database::open(path).map_err(|error| {
        CommandError::work(format!("cannot open the vulnerability database `{}`", path.display()), error)
            .hint("name two files that `assay db build` or `assay db update` wrote")
    })
}

fn as_text(changes: &Changes, judged: Option<&(Inventory, Rematched)>) -> String {
    let mut text = String::new();
    let ecosystems: BTreeSet<&str> =
        changes.packages.keys().map(|(ecosystem, _)| ecosystem.as_str()).collect();
    let counted = assay_report::summary::count;
    let packages = counted(changes.packages.len() as u64, "package");
    let of = counted(ecosystems.len() as u64, "ecosystem");
    let _ = writeln!(text, "the databases differ about {packages} of {of}");
    let Some((inventory, rematched)) = judged else {
        for ((ecosystem, name), changes) in &changes.packages {
            let _ = writeln!(text, "\n{} {}", escape::terminal(ecosystem), escape::terminal(name));
            for change in changes {
                let _ = writeln!(text, "  {}", escape::terminal(&line(change)));
            }
        }
        return text;
    };
    let judged = counted(rematched.judged as u64, "package");
    let _ = writeln!(text, "judged again: {judged} of {}", inventory.packages.len());
    let _ = writeln!(text, "{}", counted(rematched.changes.len() as u64, "changed finding"));
    for change in &rematched.changes {
        let FindingChange { finding, reasons, .. } = change;
        let of = purl(inventory, change);
        let head = format!("{:<8} {} {} {of}", outcome(change.outcome), finding.severity, finding.rule);
        let _ = writeln!(text, "\n{}", escape::terminal(&head));
        for reason in reasons {
            let _ = writeln!(text, "  {}", escape::terminal(&line(reason)));
        }
    }
    text
}

fn line(change: &Change) -> String {
    let Change { vulnerabilities, feed, advisory, what } = change;
    let about: Vec<&str> = vulnerabilities.iter().map(String::as_str).filter(|id| id != advisory).collect();
    let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
    format!("{feed} {advisory}{about}: {what}")
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Appeared => "appeared",
        Outcome::Gone => "gone",
        Outcome::Changed => "changed",
    }
}

fn purl(inventory: &Inventory, change: &FindingChange) -> String {
    let package = change.finding.package.and_then(|index| inventory.packages.get(index as usize));
    package.map(|package| package.purl(inventory.os.as_ref()).to_string()).unwrap_or_default()
}

fn as_json(
    (old, new): (Timestamp, Timestamp),
    changes: &Changes,
    judged: Option<&(Inventory, Rematched)>,
) -> String {
    let packages: Vec<Value> = changes
        .packages
        .iter()
        .map(|((ecosystem, name), changes)| {
            json!({"ecosystem": ecosystem, "name": name, "changes": reasons(changes)})
        })
        .collect();
    let mut report = json!({
        "schema": "assay.db-diff/v1",
        "old": {"built_at": old.to_string()},
        "new": {"built_at": new.to_string()},
        "packages": packages,
    });
    if let (Some((inventory, rematched)), Some(report)) = (judged, report.as_object_mut()) {
        let findings: Vec<Value> = rematched
            .changes
            .iter()
            .map(|change| {
                let finding = &change.finding;
                json!({
                    "id": finding.id,
                    "outcome": outcome(change.outcome),
                    "rule": finding.rule,
                    "severity": finding.severity.name(),
                    "package": purl(inventory, change),
                    "fix": {"state": finding.fix.name(), "versions": finding.fixed_versions},
                    "reasons": reasons(&change.reasons),
                })
            })
            .collect();
        report.insert("judged".into(), rematched.judged.into());
        report.insert("findings".into(), findings.into());
    }
    format!("{report:#}\n")
}

fn reasons(changes: &[Change]) -> Vec<Value> {
    changes
        .iter()
        .map(|Change { vulnerabilities, feed, advisory, what }| {
            json!({
                "feed": feed,
                "advisory": advisory,
                "vulnerabilities": vulnerabilities,
                "kind": what.name(),
                "text": what.to_string(),
            })
        })
        .collect()
}
