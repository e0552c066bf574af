//! `assay policy test`: reports, and the verdicts that are expected of them.

use crate::error::CommandError;
use crate::gate::{self, read_policy};
use crate::output;
use crate::source::read_file;
use assay_model::Report;
use assay_policy::evaluate;
use assay_policy::facts::History;
use assay_policy::fixture::{Case, ReportSource, Suite, facts_of};
use assay_report::escape;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Try a policy on reports and compare its verdicts with those expected.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 all verdicts are as expected; 1 some are not; 2 the tests cannot be read."
)]
pub(super) struct Args {
    /// Files of tests.
    #[arg(value_name = "FILE", required = true, value_parser = crate::command::path)]
    files: Vec<PathBuf>,

    /// Try this policy instead of the one that the tests name.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    policy: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<ExitCode, CommandError> {
    let mut text = String::new();
    let (mut passed, mut failed) = (0u64, 0u64);
    for path in &args.files {
        let failed_to = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(format!("cannot read the tests `{}`", path.display()), error)
                .hint("see docs/manual/policy.md for the form of tests")
        };
        let bytes = read_file(path).map_err(|error| failed_to(error.into()))?;
        let content = String::from_utf8(bytes).map_err(|error| failed_to(error.into()))?;
        let suite = Suite::parse(&content).map_err(|problems| gate::mistakes(path, &problems))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let policy_path = match (&args.policy, &suite.policy) {
            (Some(path), _) => path.clone(),
            (None, Some(name)) => folder.join(name),
            (None, None) => {
                return Err(CommandError::usage(format!("`{}` names no policy", path.display()))
                    .hint("add `policy: FILE`, or name one with `--policy FILE`"));
            }
        };
        let policy = read_policy(&policy_path)?;
        let trust: BTreeSet<String> = policy.trust.keys().cloned().collect();
        for case in &suite.cases {
            let report = load(&case.report, folder, &case.name)?;
            let wrong = compare(case, &policy, &trust, &report, folder)?;
            if wrong.is_empty() {
                passed += 1;
                continue;
            }
            failed += 1;
            let _ = writeln!(text, "{}: {}", path.display(), case.name);
            for line in wrong {
                let _ = writeln!(text, "  {line}");
            }
        }
    }
    let _ = writeln!(text, "{passed} passed, {failed} failed");
    output::print(escape_lines(&text))?;
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn compare(
    case: &Case,
    policy: &assay_policy::Policy,
    trust: &BTreeSet<String>,
    report: &Report,
    folder: &Path,
) -> Result<Vec<String>, CommandError> {
    let mut earlier = Vec::new();
    for source in &case.history {
        earlier.push(load(source, folder, &case.name)?);
    }
    let source = case.source.clone().unwrap_or_else(|| report.image.reference.clone());
    let mut facts = facts_of(report, &source, case.scanned_at);
    facts.reference = gate::reference(&source, Some(report));
    facts.placement = case.placement.clone();
    facts.budgets.clone_from(&case.budgets);
    if !earlier.is_empty() {
        facts.history = Some(History::of(&earlier.iter().collect::<Vec<_>>()));
    }
    let mut digests: Vec<_> = facts.images.iter().filter_map(|image| image.digest).collect();
    digests.extend(facts.index);
    facts.evidence = case.evidence(trust, &digests);
    Ok(case.compare(&evaluate(policy, case.tier.as_deref(), &facts, case.now)))
}

fn load(source: &ReportSource, folder: &Path, case: &str) -> Result<Report, CommandError> {
    match source {
        ReportSource::File(name) => gate::read_report(&folder.join(name)),
        ReportSource::Inline(json) => assay_report::format::read(json.to_string().as_bytes())
            .map(|(report, _)| report)
            .map_err(|error| {
                CommandError::work(format!("cannot read the report in the case `{case}`"), error)
                    .hint("begin it with `schema: assay.report/v1`, or name a file")
            }),
    }
}

fn escape_lines(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", escape::terminal(line))).collect()
}
