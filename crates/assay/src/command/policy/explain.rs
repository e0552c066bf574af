//! `assay policy explain`: what rules ask for, and what each says of a source.

use crate::command::Global;
use crate::config::Settings;
use crate::environment;
use crate::error::CommandError;
use crate::gate::{self, JudgingArgs, read_policy};
use crate::output;
use assay_policy::define::{Default, Field, Kind};
use assay_policy::rule::{RULES, Rule, by_id};
use assay_report::escape;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Explain rules, or what each rule of a policy says of a source.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay policy explain                                          all rules\n  \
    assay policy explain vulnerabilities                          one rule and its parameters\n  \
    assay policy explain --policy policy.yaml report:report.json  what each rule says of an image")]
pub(super) struct Args {
    /// A rule; with `--policy` a source as for `assay gate`.
    #[arg(value_name = "RULE|SOURCE")]
    what: Option<String>,

    /// Explain what the rules of this policy say of the source.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path, requires = "what")]
    policy: Option<PathBuf>,

    #[command(flatten)]
    judging: JudgingArgs,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let text = match (&args.policy, &args.what) {
        (Some(path), Some(source)) => verdict(path, source, args, global)?,
        (_, Some(name)) => rule(name)?,
        _ => list(),
    };
    let text: String = text.lines().map(|line| format!("{}\n", escape::terminal(line))).collect();
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

fn list() -> String {
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:<18} {}", rule.id(), rule.about());
    }
    text
}

fn rule(name: &str) -> Result<String, CommandError> {
    let Some(rule) = by_id(name) else {
        return Err(CommandError::usage(format!("there is no rule `{name}`"))
            .hint("list all rules with `assay policy explain`; name a policy with `--policy FILE` to explain a source"));
    };
    let mut text = format!("{}: {}\n", rule.id(), rule.about());
    fields(rule.schema(), 1, &mut text);
    Ok(text)
}

fn fields(of: &[Field], depth: usize, text: &mut String) {
    for field in of {
        let (kind, inner) = described(field.kind);
        let default = match field.default {
            Default::Required => ", required".to_owned(),
            Default::Nothing => String::new(),
            Default::Value(value) => format!(", otherwise {value}"),
        };
        let _ = writeln!(text, "{}{} ({kind}{default}): {}", "  ".repeat(depth), field.name, field.about);
        if let Some(inner) = inner {
            fields(inner, depth + 1, text);
        }
    }
}

fn described(kind: Kind) -> (String, Option<&'static [Field]>) {
    match kind {
        Kind::Truth => ("true or false".to_owned(), None),
        Kind::Count => ("whole number".to_owned(), None),
        Kind::Share => ("number from 0 to 1".to_owned(), None),
        Kind::Duration => ("time such as 30d".to_owned(), None),
        Kind::Time => ("date".to_owned(), None),
        Kind::Text => ("text".to_owned(), None),
        Kind::Pattern => ("pattern".to_owned(), None),
        Kind::Digest => ("digest".to_owned(), None),
        Kind::Severity => ("severity".to_owned(), None),
        Kind::Priority => ("priority".to_owned(), None),
        Kind::Expression => ("CEL".to_owned(), None),
        Kind::Word(words) => (words.join("|"), None),
        Kind::Trust => ("trust root".to_owned(), None),
        Kind::List(of) => {
            let (of, inner) = described(*of);
            (format!("list of {of}"), inner)
        }
        Kind::Record(fields) => ("keys".to_owned(), Some(fields)),
        Kind::Map(of) => (format!("map to {}", described(*of).0), None),
    }
}

/// Says of each rule whether it holds, in the policy's order.
fn verdict(path: &PathBuf, source: &str, args: &Args, global: &Global) -> Result<String, CommandError> {
    let policy = read_policy(path)?;
    let now = environment::now();
    let settings = Settings::named_only(&args.judging.context, global)?;
    let vex = args.judging.vex.documents(global)?;
    let about =
        gate::About { policy: &policy, path, gate: &args.judging.gate, open: &args.judging.open, now };
    let judged = gate::facts(source, &about, global, &settings, &vex)?;
    let verdict = judged.verdict(&policy, args.judging.gate.tier.as_deref(), now);
    let mut text = format!("{} {}\n", verdict.decision.name(), verdict.source);
    let _ = writeln!(
        text,
        "tiers: {}",
        if verdict.tiers.is_empty() { "none".to_owned() } else { verdict.tiers.join(", ") }
    );
    let mut told: Vec<&str> = Vec::new();
    for rule in &policy.rules {
        told.push(&rule.id);
        said(&verdict, &rule.id, Some(rule.rule), &mut text);
    }
    for reason in &verdict.reasons {
        if !told.contains(&reason.rule.as_str()) {
            told.push(&reason.rule);
            said(&verdict, &reason.rule, None, &mut text);
        }
    }
    for used in &verdict.exceptions {
        let _ = writeln!(text, "exception {}: {}", used.id, used.state.name());
    }
    Ok(text)
}

fn said(verdict: &assay_policy::Verdict, id: &str, rule: Option<&'static dyn Rule>, text: &mut String) {
    let reasons: Vec<_> = verdict.reasons.iter().filter(|reason| reason.rule == id).collect();
    let about = rule.map(|rule| format!(" ({})", rule.about())).unwrap_or_default();
    if reasons.is_empty() {
        let _ = writeln!(text, "holds  {id}{about}");
    }
    for reason in reasons {
        let _ = writeln!(text, "{:<6} {id}: {}", reason.effect.name(), reason.message);
        for finding in &reason.findings {
            let package = finding.package_name.as_deref().or(finding.path.as_deref()).unwrap_or_default();
            let _ = writeln!(text, "         {} {} {package}", finding.severity, finding.rule);
        }
        for miss in &reason.near_misses {
            let _ = writeln!(text, "         {miss}");
        }
        let _ = writeln!(text, "         do: {}", reason.remedy);
    }
}
