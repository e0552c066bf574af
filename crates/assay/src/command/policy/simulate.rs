//! `assay policy simulate`: what a policy would do to images whose reports were kept, before it is enforced.

use crate::environment;
use crate::error::CommandError;
use crate::gate::{self, read_policy};
use crate::output;
use assay_model::{Report, Timestamp};
use assay_policy::fixture::facts_of;
use assay_policy::{Decision, Effect, Policy, Verdict, evaluate};
use assay_report::escape;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Nobody keeps more reports in one folder than a large registry has images.
const MAX_FILES: usize = 1_000_000;

/// Say what a policy would block, by the reports in a folder.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay policy simulate policy.yaml --reports reports\n  \
    assay policy simulate new.yaml --against old.yaml --reports reports --tier production\n\n\
    Signatures are not looked up: rules about them speak as if there were none.")]
pub(super) struct Args {
    /// The policy.
    #[arg(value_name = "POLICY", value_parser = crate::command::path)]
    policy: PathBuf,

    /// The folder with reports: what `assay scan --format json` wrote; folders in it are searched, too.
    #[arg(long, value_name = "DIR", value_parser = crate::command::path)]
    reports: PathBuf,

    /// Say what changes against this policy.
    #[arg(long, value_name = "POLICY", value_parser = crate::command::path)]
    against: Option<PathBuf>,

    /// The tier to judge by; without it those that match.
    #[arg(long, value_name = "NAME")]
    tier: Option<String>,

    /// Leave these rules out, by their ids, separated by commas: those about signatures, for example.
    #[arg(long, value_name = "RULE,…", value_delimiter = ',')]
    without: Vec<String>,

    /// The format: table or json.
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

struct Outcome {
    source: String,
    verdict: Verdict,
    before: Option<Decision>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let now = environment::now();
    let policy = without(read_policy(&args.policy)?, &args.without)?;
    let against = match &args.against {
        Some(path) => {
            let mut policy = read_policy(path)?;
            policy.rules.retain(|rule| !args.without.contains(&rule.id));
            Some(policy)
        }
        None => None,
    };
    let mut files = Vec::new();
    walk(&args.reports, &mut files).map_err(|error| {
        CommandError::work(format!("cannot read the folder `{}`", args.reports.display()), error)
            .hint("name a folder with reports with `--reports DIR`")
    })?;
    files.sort();
    let (mut outcomes, mut unreadable) = (Vec::new(), Vec::new());
    for file in files {
        // A folder of reports holds other JSON, too; what says that it is a report and is none is told.
        match gate::read_report(&file) {
            Ok(report) => outcomes.push(outcome(&report, &policy, against.as_ref(), args, now)),
            Err(error) => unreadable.push(format!("{}: {}", file.display(), error.told())),
        }
    }
    if outcomes.is_empty() {
        return Err(CommandError::usage(format!("there is no report in `{}`", args.reports.display()))
            .also(unreadable)
            .hint("write some with `assay scan SOURCE --format json --output FILE`"));
    }
    let text =
        if args.format == "json" { json(&outcomes, &unreadable)? } else { table(&outcomes, &unreadable) };
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

fn without(mut policy: Policy, rules: &[String]) -> Result<Policy, CommandError> {
    for rule in rules {
        if !policy.rules.iter().any(|own| own.id == *rule) {
            return Err(CommandError::usage(format!("the policy has no rule `{rule}`"))
                .hint("name a rule by its id: `--without signed`"));
        }
    }
    policy.rules.retain(|rule| !rules.contains(&rule.id));
    Ok(policy)
}

fn outcome(
    report: &Report,
    policy: &Policy,
    against: Option<&Policy>,
    args: &Args,
    now: Timestamp,
) -> Outcome {
    let source = report.image.reference.clone();
    let mut facts = facts_of(report, &source, None);
    facts.reference = gate::reference(&source, Some(report));
    let tier = args.tier.as_deref();
    Outcome {
        verdict: evaluate(policy, tier, &facts, now),
        before: against.map(|against| {
            let tier = tier.filter(|tier| against.tier(tier).is_some());
            evaluate(against, tier, &facts, now).decision
        }),
        source,
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), files)?;
        } else if kind.is_file() && entry.path().extension().is_some_and(|extension| extension == "json") {
            if files.len() >= MAX_FILES {
                return Err(std::io::Error::other("it has too many files"));
            }
            files.push(entry.path());
        }
    }
    Ok(())
}

fn tally(outcomes: &[Outcome]) -> BTreeMap<(&str, Effect), usize> {
    let mut rules = BTreeMap::new();
    for outcome in outcomes {
        let mut seen: Vec<(&str, Effect)> =
            outcome.verdict.reasons.iter().map(|reason| (reason.rule.as_str(), reason.effect)).collect();
        seen.sort_unstable();
        seen.dedup();
        for one in seen {
            *rules.entry(one).or_insert(0) += 1;
        }
    }
    rules
}

fn table(outcomes: &[Outcome], unreadable: &[String]) -> String {
    let of = |decision| outcomes.iter().filter(|one| one.verdict.decision == decision).count();
    let mut text = format!(
        "would block {} of {}, warn about {}, admit {}\n",
        of(Decision::Deny),
        outcomes.len(),
        of(Decision::Warn),
        of(Decision::Admit)
    );
    let newly: Vec<&Outcome> =
        changed(outcomes, |before, after| after == Decision::Deny && before != Decision::Deny);
    let freed: Vec<&Outcome> =
        changed(outcomes, |before, after| before == Decision::Deny && after != Decision::Deny);
    if outcomes.iter().any(|one| one.before.is_some()) {
        let _ = writeln!(
            text,
            "this change would block {} more, and let {} through that are blocked now",
            newly.len(),
            freed.len()
        );
    }
    for ((rule, effect), images) in tally(outcomes) {
        let _ = writeln!(text, "  {:<5} {rule}: {images}", effect.name());
    }
    for outcome in outcomes.iter().filter(|one| one.verdict.decision == Decision::Deny) {
        let rules: Vec<&str> =
            outcome.verdict.with(Effect::Deny).map(|reason| reason.rule.as_str()).collect();
        let new = if outcome.before.is_some_and(|before| before != Decision::Deny) { " (new)" } else { "" };
        let _ = writeln!(text, "blocked{new} {}: {}", outcome.source, dedup(rules).join(", "));
    }
    for line in unreadable {
        let _ = writeln!(text, "left out {line}");
    }
    text.lines().map(|line| format!("{}\n", escape::terminal(line))).collect()
}

fn dedup(mut rules: Vec<&str>) -> Vec<&str> {
    rules.dedup();
    rules
}

fn changed(outcomes: &[Outcome], how: impl Fn(Decision, Decision) -> bool) -> Vec<&Outcome> {
    outcomes.iter().filter(|one| one.before.is_some_and(|before| how(before, one.verdict.decision))).collect()
}

fn json(outcomes: &[Outcome], unreadable: &[String]) -> Result<String, CommandError> {
    let of = |decision| outcomes.iter().filter(|one| one.verdict.decision == decision).count();
    let rules: Vec<_> = tally(outcomes)
        .into_iter()
        .map(|((rule, effect), images)| json!({ "rule": rule, "effect": effect.name(), "images": images }))
        .collect();
    let images: Vec<_> = outcomes
        .iter()
        .map(|one| json!({ "source": one.source, "before": one.before.map(Decision::name), "verdict": one.verdict }))
        .collect();
    let document = json!({
        "schema": "assay.simulation/v1",
        "images": outcomes.len(),
        "deny": of(Decision::Deny),
        "warn": of(Decision::Warn),
        "admit": of(Decision::Admit),
        "rules": rules,
        "results": images,
        "left_out": unreadable,
    });
    let mut bytes = Vec::new();
    escape::json::write_pretty(&document, &mut bytes)
        .map_err(|error| CommandError::work("cannot write the result", error))?;
    String::from_utf8(bytes).map_err(|error| CommandError::work("cannot write the result", error))
}
