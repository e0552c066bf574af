//! `assay scan`: what is in an image, and what is vulnerable.

use super::Global;
use crate::config::Settings;
use crate::context::ContextArgs;
use crate::environment;
use crate::error::CommandError;
use crate::gate::{self, GateArgs, read_policy};
use crate::output;
use crate::source::{self, SourceArgs, VexArgs};
use crate::terminal;
use assay_advisories::Database;
use assay_model::{Base, FixState, Platform, Priority, Report, Severity};
use assay_policy::{Decision, Policy, Verdict, render};
use assay_report::format::TemplateText;
use assay_report::{FORMATS, Filter, Format, Group, Options};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

/// Find what is in an image, and what is wrong with it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay scan registry.example/app:1.0                 an image in a registry\n  \
    assay scan --platform linux/arm64 docker:app:dev    an image of the local Docker engine\n  \
    assay scan docker-archive:app.tar                   what `docker save` wrote\n  \
    assay scan oci:build/layout:app                     an OCI layout folder\n  \
    assay scan dir:/srv/app                             a folder: root file system or project\n  \
    assay scan Cargo.lock --fail-on fixed               one lockfile; exit code 1 when a fix is out\n  \
    assay scan sbom:app.cdx.json                        what a bill of materials lists\n  \
    assay scan app.tar --format json --output report.json\n  \
    assay scan registry.example/app:1.0 --server https://assay.example    what a server knows of it")]
pub(crate) struct Args {
    /// Images, archives, folders or lockfiles: a reference, a path, or `registry:`, `docker-archive:`, `oci-archive:`, `oci:`,
    /// `dir:`, `docker:`, `podman:`, `sbom:` and what follows.
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,

    #[command(flatten)]
    source: SourceArgs,

    #[command(flatten)]
    context: ContextArgs,

    #[command(flatten)]
    show: ShowArgs,

    #[command(flatten)]
    vex: VexArgs,

    /// Show only these severities, separated by commas.
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',')]
    severity: Vec<Severity>,

    /// Show only these priorities, separated by commas.
    #[arg(long, value_name = "PRIORITY", value_delimiter = ',')]
    priority: Vec<Priority>,

    /// Show only findings that have a fix.
    #[arg(long)]
    only_fixed: bool,

    /// Show only findings that the base image does not bring.
    #[arg(long)]
    exclude_base: bool,

    /// Exit with 1 when a finding is at least this bad: a severity or a priority; `,fixed` counts only findings with a fix.
    ///
    /// `,own` counts only findings that the base image does not bring, where its layers are those of a known image. A finding
    /// whose severity is unknown always counts: it could be critical.
    #[arg(long, value_name = "LEVEL[,fixed][,own]")]
    fail_on: Option<Threshold>,

    /// Judge what was found by this policy, too: the verdict goes to standard error, and a denial exits with 1.
    ///
    /// As for `assay gate`, no `assay.yaml` is looked for then, and of an index every image that can run is judged. What cannot be
    /// judged is denied, and exits with 2.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    policy: Option<PathBuf>,

    #[command(flatten)]
    gate: GateArgs,

    /// Exit with 0 even though something was left unscanned.
    #[arg(long)]
    allow_partial: bool,

    #[cfg(feature = "server")]
    #[command(flatten)]
    server: crate::server_client::InsteadArgs,
}

/// How a report is written.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The format of standard output: table, json, sarif, cyclonedx, spdx, junit, markdown, html, github, gitlab, csv or template.
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = format_named)]
    format: &'static dyn Format,

    /// The template of the format `template`, in the language of Jinja2; it sees the JSON report as `report`.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,

    /// Write to a file instead, in another format if one is named; may be repeated.
    #[arg(long, short, value_name = "[FORMAT=]PATH")]
    output: Vec<Output>,

    /// Show in the table how each priority was decided.
    #[arg(long)]
    explain_priority: bool,

    /// List in the table all packages that the image could do without, rather than summing them up.
    #[arg(long)]
    removable: bool,

    /// Put findings of the table together by package or by severity.
    #[arg(long, value_name = "WHAT", default_value = "package", value_parser = group_named)]
    group_by: Group,

    /// List in the table the findings that statements take out of the count.
    #[arg(long)]
    show_suppressed: bool,
}

/// A file to write, and how.
#[derive(Debug, Clone)]
struct Output {
    format: Option<&'static dyn Format>,
    path: PathBuf,
}

impl FromStr for Output {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named =
            text.split_once('=').and_then(|(name, path)| Some((assay_report::format::by_name(name)?, path)));
        match named {
            Some((_, "")) | None if text.is_empty() || text.ends_with('=') => {
                Err("it names no file".to_owned())
            }
            Some((format, path)) => Ok(Self { format: Some(format), path: path.into() }),
            None => Ok(Self { format: None, path: text.into() }),
        }
    }
}

pub(super) fn format_named(text: &str) -> Result<&'static dyn Format, String> {
    assay_report::format::by_name(text).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

fn group_named(text: &str) -> Result<Group, String> {
    match text {
        "package" => Ok(Group::Package),
        "severity" => Ok(Group::Severity),
        _ => Err("expected package or severity".to_owned()),
    }
}

/// From which point on findings make the command fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Threshold {
    severity: Option<Severity>,
    priority: Option<Priority>,
    only_fixed: bool,
    only_own: bool,
}

impl FromStr for Threshold {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut threshold = Self::default();
        for part in text.split(',').map(str::trim) {
            if part == "fixed" {
                threshold.only_fixed = true;
            } else if part == "own" {
                threshold.only_own = true;
            } else if let Ok(severity) = part.parse() {
                threshold.severity = Some(severity);
            } else if let Ok(priority) = part.parse() {
                threshold.priority = Some(priority);
            } else {
                return Err(
                    "expected critical, high, medium, low, negligible, unknown, act, attend, track-closely, \
                            track, fixed or own"
                        .to_owned(),
                );
            }
        }
        Ok(threshold)
    }
}

impl Threshold {
    /// Returns how many findings cross it, and how many of those only because their severity is unknown.
    fn crossed(&self, report: &Report) -> (usize, usize) {
        // What the image says of itself (annotations, history) may not take findings out of the count.
        let sure = report.image.base.as_ref().is_some_and(Base::is_sure);
        let counted = assay_report::summary::open(report).filter(|finding| {
            (!self.only_fixed || finding.fix == FixState::Fixed)
                && !(self.only_own && sure && finding.in_base == Some(true))
        });
        let mut crossed = (0, 0);
        for finding in counted {
            let by_severity = self.severity.is_none_or(|limit| finding.severity >= limit);
            // A finding without a priority has not been decided; it is no reason to pass.
            let by_priority =
                self.priority.is_none_or(|limit| finding.priority.is_none_or(|own| own >= limit));
            let unknown = self.severity.is_some() && finding.severity == Severity::Unknown;
            if (by_severity || unknown) && by_priority {
                crossed.0 += 1;
                crossed.1 += usize::from(unknown && !by_severity);
            }
        }
        crossed
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    if args.sources.len() > 1
        && (args.show.format.name() != "table" && args.show.format.name() != "json"
            || !args.show.output.is_empty())
    {
        return Err(CommandError::usage("several sources cannot share one document or output file")
            .hint("scan them one by one"));
    }
    let filter = Filter {
        severities: args.severity.clone(),
        priorities: args.priority.clone(),
        only_fixed: args.only_fixed,
        exclude_base: args.exclude_base,
    };
    // Before the work, not after it.
    args.show.template()?;
    let policy = args.policy.as_ref().map(|path| Ok((path, read_policy(path)?))).transpose()?;
    let settings = match &policy {
        Some(_) => Settings::named_only(&args.context, global)?,
        None => Settings::load(&args.context, global)?,
    };
    #[cfg(feature = "server")]
    if args.server.is_given() {
        return of_server(args, &filter, global);
    }
    let (database, built_in) = source::open_database(global)?;
    let vex = args.vex.documents(global)?;
    let (mut crossed, mut partial, mut evaluated) = (false, false, true);
    for text in &args.sources {
        let report = source::report(text, &args.source, global, (&database, built_in), &settings, &vex)?;
        partial |= !report.complete();
        crossed |= crosses(args, &report, global);
        let verdict = match &policy {
            Some((path, policy)) => {
                let scan = |platform: Option<&Platform>| {
                    let database = (&database, built_in);
                    source::gate_report(
                        text,
                        &args.source,
                        (false, platform),
                        global,
                        database,
                        &settings,
                        &vex,
                    )
                };
                Some(judge(text, &report, (path, policy), args, global, (&database, &scan)))
            }
            None => None,
        };
        let (report, hidden) = filter.apply(report);
        write(&args.show, &report, hidden)?;
        if let Some(verdict) = verdict {
            evaluated &= verdict.evaluated;
            crossed |= verdict.evaluated && verdict.decision == Decision::Deny;
            let mut bytes = Vec::new();
            if let Some(form) = render::by_name("table") {
                (form.write)(&verdict, &render::Options::default(), &mut bytes)
                    .map_err(|error| CommandError::work("cannot write the verdict", error))?;
            }
            terminal::stderr(&String::from_utf8_lossy(&bytes));
        }
    }
    Ok(if crossed {
        ExitCode::from(1)
    } else if !evaluated || partial && !args.allow_partial {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

/// Says whether a report crosses the threshold, and what that does not say.
fn crosses(args: &Args, report: &Report, global: &Global) -> bool {
    let Some(threshold) = &args.fail_on else { return false };
    let (count, unknown) = threshold.crossed(report);
    if unknown > 0 {
        terminal::note(
            global,
            &format!(
                "over the threshold for being of unknown severity: {}",
                assay_report::summary::count(unknown as u64, "finding")
            ),
        );
    }
    // Passing a threshold means nothing for what nobody has judged.
    if report.unassessed() > 0 {
        terminal::note(
            global,
            &format!(
                "the threshold says nothing about what was not assessed: {}",
                assay_report::summary::count(report.unassessed(), "package")
            ),
        );
    }
    count > 0
}

/// Prints what a server knows of images of registries; what it has not scanned yet it is asked to.
#[cfg(feature = "server")]
fn of_server(args: &Args, filter: &Filter, global: &Global) -> Result<ExitCode, CommandError> {
    if args.policy.is_some() {
        return Err(CommandError::usage("a server judges by its own policy")
            .hint("ask it with `assay gate IMAGE --server URL`, or leave out `--policy`"));
    }
    if args.vex.is_given() {
        return Err(CommandError::usage("a server does not take statements from the command line")
            .hint("leave out `--vex`, or scan here"));
    }
    let client = args.server.client(global)?;
    let (mut crossed, mut partial) = (false, false);
    for text in &args.sources {
        let failed = || format!("cannot get the server's report about `{text}`");
        let name = text.strip_prefix("registry:").unwrap_or(text);
        let json = client
            .report(name, args.source.platform(), global)
            .map_err(|error| error.into_command_error(failed()))?;
        let (report, _) = assay_report::format::read(&json).map_err(|error| {
            CommandError::work(failed(), error)
                .hint("update this program: the server's report is of another version")
        })?;
        partial |= !report.complete();
        crossed |= crosses(args, &report, global);
        let (report, hidden) = filter.apply(report);
        write(&args.show, &report, hidden)?;
    }
    Ok(if crossed {
        ExitCode::from(1)
    } else if partial && !args.allow_partial {
        ExitCode::from(2)
    } else {
        ExitCode::SUCCESS
    })
}

/// Judges a report by a policy; what cannot be judged is denied, after which the report is written all the same.
fn judge(
    text: &str,
    report: &Report,
    (path, policy): (&Path, &Policy),
    args: &Args,
    global: &Global,
    (database, scan): (&Database, &gate::images::Scan<'_>),
) -> Verdict {
    let now = environment::clock();
    let about = gate::About { policy, path, gate: &args.gate, open: &args.source, now };
    match gate::of_report(text, report.clone(), &about, global, database, scan) {
        Ok(judged) => judged.verdict(policy, args.gate.tier.as_deref(), now),
        Err(error) => {
            error.print();
            gate::not_evaluated(&policy.name, text, &args.gate, &error, now)
        }
    }
}

/// The largest template that is read.
const MAX_TEMPLATE: u64 = 4 << 20;

impl ShowArgs {
    /// Reads the user's template, which must be there when it is asked for.
    pub(super) fn template(&self) -> Result<Option<TemplateText>, CommandError> {
        let asked = |format: &dyn Format| format.name() == "template";
        let wanted = asked(self.format) || self.output.iter().filter_map(|output| output.format).any(asked);
        match &self.template {
            None if wanted => Err(CommandError::usage("the format `template` needs a template")
                .hint("name one with `--template FILE`; there are examples in docs/manual/outputs.md")),
            None => Ok(None),
            Some(path) => {
                let failed = |error| {
                    CommandError::work(format!("cannot read the template `{}`", path.display()), error)
                        .hint("name a text file with `--template FILE`")
                };
                let mut text = String::new();
                let file = std::fs::File::open(path).map_err(failed)?;
                file.take(MAX_TEMPLATE).read_to_string(&mut text).map_err(failed)?;
                Ok(Some(TemplateText { name: path.display().to_string(), text }))
            }
        }
    }
}

pub(super) fn write(args: &ShowArgs, report: &Report, hidden: u64) -> Result<(), CommandError> {
    let render = |format: &dyn Format, options: &Options| {
        let mut bytes = Vec::new();
        format.write(report, options, &mut bytes).map(|()| bytes).map_err(|error| {
            let failed = CommandError::work(format!("cannot write the {} report", format.name()), error);
            if format.name() == "template" {
                failed.hint("mend the template that `--template` names; `--format json` shows what it sees")
            } else {
                failed
            }
        })
    };
    let options = Options {
        group: args.group_by,
        explain_priority: args.explain_priority,
        removable: args.removable,
        suppressed: args.show_suppressed,
        hidden,
        template: args.template()?,
        time: environment::source_date().or_else(|| report.image.created.is_none().then(environment::now)),
        ..Options::default()
    };
    // Everything is rendered before anything is written: a template that fails leaves no half of the outputs behind.
    let mut files = Vec::new();
    for output in &args.output {
        files.push((&output.path, render(output.format.unwrap_or(args.format), &options)?));
    }
    // Like other tools: a report that went to a file is not printed as well, unless standard output got a format of its own.
    let on_screen = if args.output.iter().any(|output| output.format.is_none()) {
        None
    } else {
        let on_screen = Options { width: terminal::width(), color: terminal::color(), ..options };
        Some(render(args.format, &on_screen)?)
    };
    for (path, bytes) in files {
        output::write(path, &bytes)?;
    }
    let Some(bytes) = on_screen else { return Ok(()) };
    output::print(&bytes)
}
