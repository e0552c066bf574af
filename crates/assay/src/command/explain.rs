//! `assay explain`: everything known about one advisory, and why it matched a source, or why not.

use super::Global;
use crate::config::Settings;
use crate::context::ContextArgs;
use crate::error::CommandError;
use crate::output;
use crate::source::{self, SourceArgs, VexArgs};
use assay_advisories::Database;
use assay_advisories::database::{CorruptDatabase, Vulnerability};
use assay_match::{Explanation, explain};
use assay_model::{Finding, Report, Severity, Usage};
use assay_report::escape;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Explain an advisory, and why it concerns a source or does not.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay explain CVE-2021-44228                what the database knows\n  \
    assay explain GHSA-jfh8-c2jp-5v3q app.tar   why it matched the image, or why not\n\n\
    Exit codes: 0 explained; 2 the identifier is unknown, or the source cannot be scanned.")]
pub(crate) struct Args {
    /// A CVE, GHSA, DSA … identifier, or the fingerprint of a finding in a report.
    #[arg(value_name = "ID")]
    id: String,

    /// What to look at; as for `assay scan`.
    #[arg(value_name = "SOURCE")]
    subject: Option<String>,

    #[command(flatten)]
    source: SourceArgs,

    #[command(flatten)]
    context: ContextArgs,

    #[command(flatten)]
    vex: VexArgs,
}

/// How many statements are listed for an identifier before the rest is only counted.
const STATEMENTS_SHOWN: usize = 40;

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let (database, built_in) = source::open_database(global)?;
    let damaged = |error: CorruptDatabase| source::damaged_database(error, global);
    let report = match &args.subject {
        None => None,
        Some(text) => {
            let settings = Settings::load(&args.context, global)?;
            let vex = args.vex.documents(global)?;
            Some(source::report(text, &args.source, global, (&database, built_in), &settings, &vex)?)
        }
    };
    // A fingerprint means the vulnerability of that finding.
    let by_fingerprint =
        report.as_ref().and_then(|report| report.findings.iter().find(|finding| finding.id == args.id));
    let id = by_fingerprint.map_or(args.id.as_str(), |finding| finding.rule.as_str());
    let explanations =
        explain(id, report.as_ref().map(|report| &report.inventory), &database).map_err(damaged)?;
    let Some(explanations) = explanations else {
        if let Some(check) = assay_detect::check::by_name(id) {
            output::print(about(check, report.as_ref()))?;
            return Ok(ExitCode::SUCCESS);
        }
        return Err(CommandError::usage(format!("the database knows no `{id}`"))
            .hint(format!("search for it with `assay db search {id}`, or run `assay db update`")));
    };
    let mut text = String::new();
    for explanation in &explanations {
        let identified = database.by_id(&explanation.vulnerability).map_err(damaged)?;
        for key in identified.vulnerabilities {
            let vulnerability = database.vulnerability(key).map_err(damaged)?;
            if vulnerability.id == explanation.vulnerability {
                describe(&mut text, &vulnerability);
            }
        }
        statements(&mut text, explanation, args.subject.is_some());
        if let Some(report) = &report {
            verdicts(&mut text, explanation, report, &database).map_err(damaged)?;
        }
    }
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

/// Says what a check looks for, why, and where it found it.
fn about(check: &assay_detect::check::Check, report: Option<&Report>) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{}", check.id);
    line(&mut text, "title", check.title);
    line(&mut text, "severity", check.severity.name());
    line(&mut text, "why", check.why);
    line(&mut text, "do", check.fix);
    line(&mut text, "asked by", check.reference);
    line(&mut text, "aliases", &check.aliases.join(", "));
    let Some(report) = report else { return text };
    let _ = writeln!(text, "\nin {}", escape::terminal(&report.image.reference));
    let found: Vec<&Finding> = report.findings.iter().filter(|finding| finding.rule == check.id).collect();
    for finding in &found {
        chain(&mut text, finding, report);
    }
    if found.is_empty() {
        let _ = writeln!(text, "  no finding: it is as it should be");
    }
    text
}

/// Adds a line; writing to a string cannot fail.
fn line(text: &mut String, label: &str, value: &str) {
    if !value.is_empty() {
        let _ = writeln!(text, "{label:<12}{}", escape::terminal(value));
    }
}

fn describe(text: &mut String, vulnerability: &Vulnerability<'_>) {
    let _ = writeln!(text, "{}", escape::terminal(vulnerability.id));
    line(text, "title", vulnerability.title);
    line(text, "aliases", &vulnerability.aliases.join(", "));
    let severities: Vec<String> =
        vulnerability.severities.iter().map(|(feed, severity)| format!("{severity} ({feed})")).collect();
    line(text, "severity", &severities.join(", "));
    for cvss in &vulnerability.cvss {
        let rating = Severity::from_score(cvss.score);
        line(text, "cvss", &format!("{:.1} {rating}  {}  ({})", cvss.score, cvss.vector, cvss.source));
    }
    if let Some(epss) = vulnerability.epss {
        let share = format!(
            "{:.1} % within 30 days, above {:.1} % of all",
            epss.score * 100.0,
            epss.percentile * 100.0
        );
        line(text, "epss", &share);
    }
    if let Some(kev) = &vulnerability.kev {
        let added = kev.added.map(|time| format!(" since {}", time.date_text())).unwrap_or_default();
        let ransomware = if kev.ransomware { ", by ransomware too" } else { "" };
        line(text, "exploited", &format!("known to be exploited{added}{ransomware} (CISA KEV)"));
    }
    if vulnerability.exploit {
        line(text, "exploit", "exploit code is publicly listed");
    }
    line(text, "weaknesses", &vulnerability.weaknesses.join(", "));
    let dates = [("published", vulnerability.published), ("changed", vulnerability.modified)];
    for (label, date) in dates {
        line(text, label, &date.map(assay_model::Timestamp::date_text).unwrap_or_default());
    }
    for reference in vulnerability.references.iter().take(5) {
        line(text, "see", reference);
    }
    if !vulnerability.details.is_empty() {
        let _ = writeln!(text);
        for paragraph in vulnerability.details.lines() {
            let _ = writeln!(text, "  {}", escape::terminal(paragraph));
        }
    }
    let _ = writeln!(text);
}

fn statements(text: &mut String, explanation: &Explanation, brief: bool) {
    let shown = if brief { 8 } else { STATEMENTS_SHOWN };
    let _ = writeln!(text, "affected, as the feeds say");
    for statement in explanation.statements.iter().take(shown) {
        let withdrawn = if statement.withdrawn { "  (withdrawn)" } else { "" };
        let _ = writeln!(
            text,
            "  {} {}: {}{withdrawn}  [{} {}]",
            statement.ecosystem,
            escape::terminal(&statement.package),
            escape::terminal(if statement.range.is_empty() { "no versions" } else { &statement.range }),
            statement.feed,
            escape::terminal(&statement.advisory),
        );
    }
    if let Some(more) = explanation.statements.len().checked_sub(shown).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and {more} more");
    }
    let _ = writeln!(text);
}

fn verdicts(
    text: &mut String,
    explanation: &Explanation,
    report: &Report,
    database: &Database,
) -> Result<(), CorruptDatabase> {
    let _ = writeln!(text, "in {}", escape::terminal(&report.image.reference));
    for verdict in &explanation.packages {
        let Some(package) = report.inventory.packages.get(verdict.package as usize) else { continue };
        let word = if verdict.affected { "affected" } else { "not affected" };
        let name = format!("{} {}", package.full_name(), package.version);
        let _ = writeln!(
            text,
            "  {}: {word}: {}  [{} {}]",
            escape::terminal(&name),
            escape::terminal(&verdict.reason),
            verdict.feed,
            escape::terminal(&verdict.advisory),
        );
    }
    let findings: Vec<&Finding> =
        report.findings.iter().filter(|finding| finding.rule == explanation.vulnerability).collect();
    for finding in &findings {
        chain(text, finding, report);
    }
    if findings.is_empty() {
        let _ = writeln!(text, "  no finding: {}", why_not(explanation, report, database)?);
    }
    Ok(())
}

/// Says why there is no finding at all.
fn why_not(
    explanation: &Explanation,
    report: &Report,
    database: &Database,
) -> Result<String, CorruptDatabase> {
    if explanation.packages.iter().any(|verdict| verdict.affected) {
        return Ok("no feed covers the ecosystem of the affected packages".to_owned());
    }
    if !explanation.packages.is_empty() {
        return Ok("none of the packages above is affected".to_owned());
    }
    if explanation.statements.is_empty() {
        return Ok("no feed says which packages it affects".to_owned());
    }
    let mut names: Vec<&str> =
        explanation.statements.iter().map(|statement| statement.package.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let shown = names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > 5 { ", …" } else { "" };
    let mut why = format!("none of {shown}{more} is installed");
    // What no feed speaks about cannot be told from what is not affected.
    let mut blind = Vec::new();
    for package in &report.inventory.packages {
        if let Some(ecosystem) = package.ecosystem(report.inventory.os.as_ref())
            && !blind.contains(&ecosystem)
            && database.coverage(&ecosystem)?.is_none()
        {
            blind.push(ecosystem);
        }
    }
    if !blind.is_empty() {
        let blind: Vec<String> = blind.iter().map(ToString::to_string).collect();
        let _ = write!(why, "; packages of {} could not be assessed", blind.join(", "));
    }
    Ok(why)
}

/// The chain of evidence of one finding.
fn chain(text: &mut String, finding: &Finding, report: &Report) {
    let package = finding.package.and_then(|index| report.inventory.packages.get(index as usize));
    let _ = writeln!(text, "\n  finding {}", finding.id);
    let mut step = |label: &str, value: &str| {
        let _ = writeln!(text, "    {label:<10}{}", escape::terminal(value.trim_end()));
    };
    if let Some(package) = package {
        step("package", &package.purl(report.inventory.os.as_ref()).to_string());
        if let Some(source) = &package.source {
            step("source", &format!("{} {}", source.name, source.version));
        }
    } else {
        step("what", &finding.title);
    }
    for location in &finding.locations {
        let line = location.line.map(|line| format!(", line {line}")).unwrap_or_default();
        step("file", &format!("{}{line}", location.path));
        if let Some(layer) = location.layer.and_then(|index| report.image.layers.get(index as usize)) {
            let diff_id = layer.diff_id.map(|diff_id| diff_id.to_string()).unwrap_or_default();
            step("layer", &diff_id);
            step("made by", layer.created_by.as_deref().unwrap_or("unknown instruction"));
        }
    }
    if let Some(package) = package {
        let usage = match package.usage {
            Usage::Used => "used",
            Usage::Unused => "unused",
            Usage::Unknown => "unknown",
        };
        step("usage", usage);
        for reached in &package.usage_evidence {
            // What is no file (the image's configuration, a reason) has no path.
            let place = if reached.path.is_empty() { String::new() } else { format!("{}: ", reached.path) };
            step("", &format!("{place}{}", reached.how));
        }
    }
    for detail in &finding.details {
        step(&detail.name, &detail.value);
    }
    for evidence in &finding.evidence {
        let of = if evidence.by_source { "source package" } else { "package" };
        step(
            "matched",
            &format!(
                "{of} `{}` of {} in version {} by {} {}: {}",
                evidence.package,
                evidence.ecosystem,
                evidence.version,
                evidence.feed,
                evidence.advisory,
                evidence.range
            ),
        );
    }
    let says = if finding.severity_source.is_empty() {
        String::new()
    } else {
        format!(", says {}", finding.severity_source)
    };
    step("severity", &format!("{}{says}", finding.severity));
    if package.is_some() {
        step("fix", &format!("{} {}", finding.fix.name(), finding.fixed_versions.join(", ")));
    }
    step("priority", finding.priority.map_or("", assay_model::Priority::name));
    for decision in &finding.priority_path {
        step("", &format!("{} = {}, because {}", decision.point, decision.value, decision.reason));
    }
    step("do", &finding.remediation);
}
