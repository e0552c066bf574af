//! `assay lint`: what is wrong with Dockerfiles, compose files and Kubernetes manifests, line by line.

use super::{Global, scan};
use crate::error::CommandError;
use crate::output;
use crate::terminal;
use assay_detect::lint::{Issue, Kind, Linted, TEXT_LIMIT, lint, recognise};
use assay_model::context::{Context, Statements};
use assay_model::finding::{Decision, Place};
use assay_model::report::{DatabaseStatus, SourceKind};
use assay_model::{Detail, Finding, FindingKind, FixState, Image, Inventory, Priority, Report, Severity};
use assay_report::{Format, Options, escape, summary};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Look for mistakes in Dockerfiles, compose files and Kubernetes manifests.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay lint Dockerfile compose.yaml\n  \
    assay lint deploy/ --fail-on medium            all files of a folder; exit code 1 when one has a medium finding\n  \
    helm template chart | assay lint - --kind kubernetes\n  \
    assay lint Dockerfile --format sarif --output lint.sarif\n\n\
    Comments take findings out: `# assay:ignore=ID reason` before an instruction; those of hadolint and Trivy count, too.\n\n\
    Exit codes: 0 nothing over the threshold; 1 the threshold was crossed; 2 a file could not be read.")]
pub(crate) struct Args {
    /// Files, or folders in which files are recognised by name and content; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Take the files for this kind: dockerfile, compose or kubernetes.
    #[arg(long, value_name = "KIND", value_parser = kind_named)]
    kind: Option<Kind>,

    /// The format of standard output: table, json, sarif and the others of `assay scan`.
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = scan::format_named)]
    format: &'static dyn Format,

    /// Write to a file instead.
    #[arg(long, short, value_name = "PATH", value_parser = super::path)]
    output: Option<PathBuf>,

    /// Leave checks out, by identifier or alias, separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    ignore: Vec<String>,

    /// Count what comments take out as well: whoever is judged cannot soften the judgement.
    #[arg(long)]
    no_ignores: bool,

    /// Show only these severities, separated by commas.
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<Severity>,

    /// Exit with 1 when a finding is at least this bad.
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,

    /// Exit with 0 even though something could not be read.
    #[arg(long)]
    allow_partial: bool,
}

fn kind_named(text: &str) -> Result<Kind, String> {
    let found = Kind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| "expected dockerfile, compose or kubernetes".to_owned())
}

/// Files that a folder may hold; more are not looked at.
const MAX_FILES: usize = 50_000;

/// Folders deeper than this are not opened.
const MAX_DEPTH: usize = 40;

/// Folders in which nobody looks for files of his own.
const SKIPPED: &[&str] = &[".git", "node_modules", "target", "vendor", ".venv"];

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let mut inventory = Inventory::default();
    let mut findings = Vec::new();
    let (mut looked_at, mut ignored) = (0u64, 0u64);
    for named in &args.files {
        let files = if named.is_dir() { files_of(named) } else { vec![named.clone()] };
        for path in files {
            let shown = path.display().to_string();
            let Some(text) = read(&path, named.is_dir())? else { continue };
            let Some(kind) = args.kind.or_else(|| recognise(&shown, &text)) else {
                if named.is_dir() {
                    continue;
                }
                return Err(CommandError::usage(format!(
                    "`{shown}` is neither a Dockerfile, a compose file nor a manifest"
                ))
                .hint("say what it is with `--kind dockerfile`, `--kind compose` or `--kind kubernetes`"));
            };
            looked_at = looked_at.saturating_add(1);
            let Linted { issues, warnings, .. } = lint(kind, &text);
            let place = |mut warning: assay_model::Warning| {
                warning.path = Some(shown.clone());
                warning
            };
            inventory.warnings.extend(warnings.into_iter().map(place));
            let (counted, left_out) = issues.into_iter().partition::<Vec<Issue>, _>(|issue| {
                let named = args.ignore.iter().any(|name| issue.check.is_called(name));
                !named && (args.no_ignores || issue.ignored.is_none())
            });
            ignored = ignored.saturating_add(u64::try_from(left_out.len()).unwrap_or(u64::MAX));
            findings.extend(findings_of(&shown, counted));
        }
    }
    let crossed = args.fail_on.is_some_and(|limit| findings.iter().any(|finding| finding.severity >= limit));
    let all = findings.len();
    findings.retain(|finding| args.severity.is_empty() || args.severity.contains(&finding.severity));
    let hidden = u64::try_from(all.saturating_sub(findings.len())).unwrap_or(u64::MAX);
    let report = report(args, inventory, findings);
    write(args, &report, (looked_at, ignored, hidden))?;
    if ignored > 0 && !args.no_ignores {
        terminal::note(
            global,
            &format!("{} taken out by comments or `--ignore`", summary::count(ignored, "finding")),
        );
    }
    Ok(if crossed {
        ExitCode::from(1)
    } else if !report.complete() && !args.allow_partial {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

/// Reads a file; `None` for what is no text in a folder.
fn read(path: &Path, in_folder: bool) -> Result<Option<String>, CommandError> {
    let failed = |error| {
        CommandError::work(format!("cannot read `{}`", path.display()), error)
            .hint("check the path, and that you may read it")
    };
    let limit = u64::try_from(TEXT_LIMIT).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    }
    if in_folder && bytes.contains(&0) {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the files of a folder that may be of a kind that is looked at, by name. Links are not followed.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![(folder.to_owned(), 0usize)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
            if kind.is_dir() && depth < MAX_DEPTH && !SKIPPED.contains(&name.as_str()) {
                folders.push((entry.path(), depth.saturating_add(1)));
            }
            let suffix = name.rsplit_once('.').map_or("", |(_, suffix)| suffix);
            let wanted = matches!(suffix, "yaml" | "yml" | "dockerfile" | "containerfile")
                || name.starts_with("dockerfile")
                || name.starts_with("containerfile");
            if kind.is_file() && wanted && found.len() < MAX_FILES {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

/// Makes findings of issues; a fingerprint survives lines that are put before.
fn findings_of(path: &str, issues: Vec<Issue>) -> Vec<Finding> {
    let mut seen: BTreeMap<(&str, String), u32> = BTreeMap::new();
    issues
        .into_iter()
        .map(|issue| {
            let count = seen.entry((issue.check.id, issue.message.clone())).or_default();
            *count = count.saturating_add(1);
            let mut aliases: Vec<String> =
                issue.check.aliases.iter().map(|alias| (*alias).to_owned()).collect();
            aliases.extend(Some(issue.check.reference).filter(|text| !text.is_empty()).map(str::to_owned));
            let mut details =
                vec![Detail::new("what", issue.message.clone()), Detail::new("why", issue.check.why)];
            details.extend(issue.ignored.map(|reason| Detail::new("ignore-comment", reason)));
            Finding {
                id: assay_detect::fingerprint(
                    FindingKind::Misconfiguration,
                    issue.check.id,
                    path,
                    &format!("{}\n{count}", issue.message),
                ),
                kind: FindingKind::Misconfiguration,
                rule: issue.check.id.to_owned(),
                aliases,
                title: issue.check.title.to_owned(),
                severity: issue.check.severity,
                severity_source: "assay".to_owned(),
                cvss: Vec::new(),
                epss: None,
                kev: None,
                exploit: false,
                priority: Some(Priority::Track),
                priority_path: vec![Decision {
                    point: "kind".into(),
                    value: FindingKind::Misconfiguration.name().into(),
                    reason: "it is mended where it is written".to_owned(),
                }],
                package: None,
                fix: FixState::Unknown,
                fixed_versions: Vec::new(),
                locations: vec![Place { path: path.to_owned(), line: Some(issue.line), layer: None }],
                in_base: None,
                evidence: Vec::new(),
                details,
                remediation: issue.check.fix.to_owned(),
                suppression: None,
            }
        })
        .collect()
}

fn report(args: &Args, inventory: Inventory, findings: Vec<Finding>) -> Report {
    let names: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let image = Image { reference: names.join(" "), ..Image::default() };
    let (context, _): (Context, _) = assay_match::priority::of_image(&Statements::default(), &image);
    Report {
        source: SourceKind::File,
        image,
        scanners: vec![FindingKind::Misconfiguration],
        inventory,
        database: DatabaseStatus::default(),
        context,
        coverage: Vec::new(),
        findings,
        removable: Vec::new(),
    }
}

fn write(args: &Args, report: &Report, counts: (u64, u64, u64)) -> Result<(), CommandError> {
    let mut bytes = Vec::new();
    if args.format.name() == "table" {
        bytes.extend(lines(report, counts).into_bytes());
    } else {
        let options = Options { hidden: counts.2, ..Options::default() };
        args.format.write(report, &options, &mut bytes).map_err(|error| {
            CommandError::work(format!("cannot write the {} report", args.format.name()), error)
        })?;
    }
    let path = args.output.as_deref().filter(|path| !path.as_os_str().is_empty());
    output::put(path, &bytes)
}

/// Writes findings as compilers write theirs: place, what, and how to mend it.
fn lines(report: &Report, (looked_at, ignored, hidden): (u64, u64, u64)) -> String {
    let mut text = String::new();
    let detail = |finding: &Finding, name: &str| {
        finding
            .details
            .iter()
            .find(|detail| detail.name == name)
            .map(|detail| detail.value.clone())
            .unwrap_or_default()
    };
    for finding in &report.findings {
        for place in &finding.locations {
            let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
            let aliases = if finding.aliases.is_empty() {
                String::new()
            } else {
                format!(" ({})", finding.aliases.join(", "))
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{}{line}: {}: {}: {}",
                escape::terminal(&place.path),
                finding.severity,
                escape::terminal(&finding.title),
                escape::terminal(&detail(finding, "what"))
            );
            let _ = writeln!(text, "    {}{aliases}: {}", finding.rule, detail(finding, "why"));
            let _ = writeln!(text, "    fix: {}", finding.remediation);
        }
    }
    for warning in &report.inventory.warnings {
        let place = warning.path.as_deref().unwrap_or_default();
        let _ =
            writeln!(text, "{}: warning: {}", escape::terminal(place), escape::terminal(&warning.message));
    }
    let by_severity: Vec<String> = Severity::ALL
        .into_iter()
        .map(|severity| {
            (severity, report.findings.iter().filter(|finding| finding.severity == severity).count())
        })
        .filter(|(_, count)| *count > 0)
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    let found = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    let of = if by_severity.is_empty() { String::new() } else { format!(": {}", by_severity.join(", ")) };
    let _ = write!(text, "{} in {}{of}", summary::count(found, "finding"), summary::count(looked_at, "file"));
    if ignored > 0 {
        let _ = write!(text, "; {ignored} taken out");
    }
    if hidden > 0 {
        let _ = write!(text, "; {hidden} not shown");
    }
    text.push('\n');
    text
}
