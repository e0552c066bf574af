//! Gathering the facts that a policy judges: scanning, or reading a report; what is attached to the image; where it is to run.

use crate::command::Global;
use crate::config::Settings;
use crate::error::CommandError;
use crate::source::{self, SourceArgs, read_file};
use assay_match::VexDocument;
use assay_model::{Report, Timestamp};
use assay_oci::source::{Source, recognise};
use assay_oci::{Reference, without_password};
use assay_policy::facts::{Evidence, Facts, History, ImageFacts, ImageReference, Obstacle, Placement};
use assay_policy::trust::{Material, TrustRoot};
use assay_policy::{Policy, Problem, Verdict, evaluate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where an image is to run, and what else a policy may look at.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct GateArgs {
    /// The tier to judge by; without it those of the policy that match.
    #[arg(long, value_name = "NAME")]
    pub(crate) tier: Option<String>,

    /// The namespace it is to run in.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,

    /// A label of the namespace; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    namespace_label: Vec<(String, String)>,

    /// The service it is for.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// The team that answers for it.
    #[arg(long, value_name = "NAME")]
    team: Option<String>,

    /// A label of the workload; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,

    /// An earlier report of the same image or service, for rules about age and growth; may be repeated.
    #[arg(long, value_name = "REPORT", value_parser = crate::command::path)]
    history: Vec<PathBuf>,

    /// A JSON file that says of each indicator whether its error budget is used up: `{"time-to-remediate": false}`.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    budgets: Option<PathBuf>,
}

fn label(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "expected KEY=VALUE".to_owned())
}

/// What was gathered about a source.
pub(crate) struct Judged {
    source: String,
    reference: Option<ImageReference>,
    reports: Vec<Gathered>,
    evidence: Evidence,
    placement: Placement,
    history: Option<History>,
    budgets: Option<BTreeMap<String, bool>>,
    problems: Vec<Obstacle>,
}

/// One report, and where it comes from.
struct Gathered {
    report: Report,
    scanned_at: Option<Timestamp>,
    scanned_by: Vec<String>,
}

impl Judged {
    /// Judges it.
    pub(crate) fn verdict(&self, policy: &Policy, tier: Option<&str>, now: Timestamp) -> Verdict {
        evaluate(policy, tier, &self.facts(), now)
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            reference: self.reference.clone(),
            source: self.source.clone(),
            index: self.reports.iter().find_map(|one| one.report.image.index_digest),
            images: self
                .reports
                .iter()
                .map(|one| ImageFacts {
                    digest: one.report.image.manifest_digest.or(one.report.image.image_id),
                    platform: one.report.image.platform.clone(),
                    report: Some(&one.report),
                    scanned_at: one.scanned_at,
                    scanned_by: one.scanned_by.clone(),
                })
                .collect(),
            evidence: self.evidence.clone(),
            placement: self.placement.clone(),
            history: self.history.clone(),
            budgets: self.budgets.clone(),
            problems: self.problems.clone(),
        }
    }
}

/// Reads a policy.
pub(crate) fn read_policy(path: &Path) -> Result<Policy, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the policy `{}`", path.display()), error)
            .hint("name a policy with `--policy FILE`; write a first one with `assay policy init --profile baseline`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| failed(error.into()))?;
    Policy::parse(&text).map_err(|problems| mistakes(path, &problems))
}

/// Puts everything that is wrong with a file into one error.
pub(crate) fn mistakes(path: &Path, problems: &[Problem]) -> CommandError {
    let told = |problem: &Problem| match problem.place.line {
        0 => format!("`{}`: {}", path.display(), problem.message),
        line => {
            format!("`{}` line {line}, column {}: {}", path.display(), problem.place.column, problem.message)
        }
    };
    let mut messages = problems.iter().map(told);
    let first = messages.next().unwrap_or_default();
    let hint = problems.iter().find_map(|problem| problem.hint.clone());
    CommandError::usage(first)
        .also(messages)
        .hint(hint.unwrap_or_else(|| "see docs/manual/policy.md for what a policy may hold".to_owned()))
}

/// By what a source is judged, and how it is opened.
pub(crate) struct About<'a> {
    /// The policy.
    pub(crate) policy: &'a Policy,
    /// Where it was read, to which the files it names are relative.
    pub(crate) path: &'a Path,
    /// Where the image is to run.
    pub(crate) gate: &'a GateArgs,
    /// How it is opened.
    pub(crate) open: &'a SourceArgs,
    /// The time of the verdict.
    pub(crate) now: Timestamp,
}

/// Gathers the facts about a source.
pub(crate) fn facts(
    text: &str,
    about: &About<'_>,
    global: &Global,
    settings: &Settings,
    vex: &[VexDocument],
) -> Result<Judged, CommandError> {
    let gathered = match report_file(text)? {
        Some(report) => vec![Gathered { report, scanned_at: None, scanned_by: Vec::new() }],
        None => {
            let (database, built_in) = source::open_database(global)?;
            let deep = about.policy.needs_deep_scan();
            let report =
                source::gate_report(text, about.open, deep, global, (&database, built_in), settings, vex)?;
            vec![Gathered { report, scanned_at: Some(about.now), scanned_by: Vec::new() }]
        }
    };
    judged(text, gathered, about)
}

fn judged(text: &str, reports: Vec<Gathered>, about: &About<'_>) -> Result<Judged, CommandError> {
    let args = about.gate;
    Ok(Judged {
        source: without_password(text).into_owned(),
        reference: reference(text, reports.first().map(|one| &one.report)),
        reports,
        evidence: Evidence::default(),
        placement: args.placement(),
        history: args.history()?,
        budgets: args.budgets()?,
        problems: Vec::new(),
    })
}

/// Gathers the facts about what was scanned elsewhere in the same run: `assay scan --policy`.
pub(crate) fn of_report(text: &str, report: Report, about: &About<'_>) -> Result<Judged, CommandError> {
    judged(text, vec![Gathered { report, scanned_at: Some(about.now), scanned_by: Vec::new() }], about)
}

/// Returns the files that a policy names and that are not there.
pub(crate) fn missing_files(policy: &Policy, path: &Path) -> Vec<String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut files: Vec<&str> = Vec::new();
    for root in policy.trust.values() {
        match root {
            TrustRoot::Keys(keys) => files.extend(keys.iter().filter_map(|key| file(&key.material))),
            TrustRoot::Keyless(keyless) => files.extend(keyless.trusted_root.as_deref()),
            TrustRoot::Notation(notation) => {
                files.extend(
                    notation.authorities.iter().chain(&notation.timestamp_authorities).filter_map(file),
                );
            }
        }
    }
    files.into_iter().filter(|file| !folder.join(file).exists()).map(str::to_owned).collect()
}

fn file(material: &Material) -> Option<&str> {
    match material {
        Material::File(file) => Some(file),
        Material::Inline(_) | Material::Reference(_) => None,
    }
}

impl GateArgs {
    fn placement(&self) -> Placement {
        Placement {
            namespace: self.namespace.clone(),
            namespace_labels: self.namespace_label.iter().cloned().collect(),
            service: self.service.clone(),
            team: self.team.clone(),
            labels: self.label.iter().cloned().collect(),
        }
    }

    fn history(&self) -> Result<Option<History>, CommandError> {
        if self.history.is_empty() {
            return Ok(None);
        }
        let mut reports = Vec::new();
        for path in &self.history {
            reports.push(read_report(path)?);
        }
        Ok(Some(History::of(&reports.iter().collect::<Vec<_>>())))
    }

    fn budgets(&self) -> Result<Option<BTreeMap<String, bool>>, CommandError> {
        let Some(path) = &self.budgets else { return Ok(None) };
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            CommandError::work(
                format!("cannot read the state of error budgets in `{}`", path.display()),
                error,
            )
            .hint("name a JSON file such as `{\"time-to-remediate\": false}` with `--budgets FILE`")
        };
        let bytes = read_file(path).map_err(|error| failed(error.into()))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into()))
    }
}

/// Reads a report that was kept.
pub(crate) fn read_report(path: &Path) -> Result<Report, CommandError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
        CommandError::work(format!("cannot read the report `{}`", path.display()), error)
            .hint("name a report written by `assay scan SOURCE --format json --output FILE`")
    };
    let bytes = read_file(path).map_err(|error| failed(error.into()))?;
    let (report, hidden) = assay_report::format::read(&bytes).map_err(|error| failed(error.into()))?;
    if hidden > 0 {
        // What a filter left out cannot be judged, and would pass unseen.
        let shown = format!("a filter left {hidden} findings out of it");
        return Err(failed(shown.into())
            .hint("write the report without `--severity`, `--priority` and `--only-fixed`"));
    }
    Ok(report)
}

/// Reads the source as a report, if it is a file that says that it is one.
fn report_file(text: &str) -> Result<Option<Report>, CommandError> {
    if let Some(path) = text.strip_prefix("report:") {
        return read_report(Path::new(path)).map(Some);
    }
    let path = Path::new(text);
    if !path.is_file() {
        return Ok(None);
    }
    let mut start = [0u8; 512];
    let read = std::fs::File::open(path).and_then(|mut file| std::io::Read::read(&mut file, &mut start));
    let start =
        String::from_utf8_lossy(start.get(..read.unwrap_or_default()).unwrap_or_default()).into_owned();
    let says = start.trim_start().starts_with('{') && start.contains("\"assay.report/");
    if says { read_report(path).map(Some) } else { Ok(None) }
}

/// Returns the image's name in a registry: as it was asked for, or as the report says of itself.
pub(crate) fn reference(text: &str, report: Option<&Report>) -> Option<ImageReference> {
    let parsed = match Source::parse(text, &|path| recognise(path)) {
        Ok(Source::Registry(reference)) => Some(reference),
        _ => report
            .filter(|report| report.source == assay_model::report::SourceKind::Registry)
            .and_then(|report| report.image.reference.parse::<Reference>().ok()),
    }?;
    Some(ImageReference {
        registry: parsed.registry().to_owned(),
        repository: parsed.repository().to_owned(),
        tag: parsed.tag().map(str::to_owned),
        digest: parsed.digest(),
    })
}

/// Returns the denial of what could not be evaluated.
pub(crate) fn not_evaluated(
    policy: &str,
    text: &str,
    args: &GateArgs,
    error: &CommandError,
    now: Timestamp,
) -> Verdict {
    let mut facts = Facts { source: without_password(text).into_owned(), ..Facts::default() };
    facts.problems.push(Obstacle {
        code: "evaluation".to_owned(),
        message: error.told(),
        remedy: error.first_hint().unwrap_or("mend what is wrong, and try again").to_owned(),
    });
    // By an empty policy: nothing else is to be said of what could not be judged.
    let empty = Policy { name: policy.to_owned(), ..Policy::default() };
    let mut verdict = evaluate(&empty, None, &facts, now);
    verdict.tiers = args.tier.iter().cloned().collect();
    verdict
}
