//! `assay gate`: whether an image may run, by a policy that is named.
//!
//! Only what the command line names is read: the policy, the files it names, and no `assay.yaml` found on the way. Whatever cannot
//! be told is a denial. What could not be evaluated at all is one, too, and exits with 2.

use super::Global;
use crate::config::Settings;
use crate::environment;
use crate::error::CommandError;
use crate::gate::{self, Judged, JudgingArgs};
use crate::output;
#[cfg(feature = "server")]
use crate::server_client::ClientError;
use crate::terminal;
use assay_model::Timestamp;
use assay_policy::render::{self, Form};
use assay_policy::{Decision, Verdict};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

/// Decide by a policy whether an image may run, and say why.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay gate registry.example/app@sha256:… --policy policy.yaml --tier production\n  \
    assay gate oci:build/layout:app --policy policy.yaml --format json\n  \
    assay gate report:report.json --policy policy.yaml              judge a report that was kept\n  \
    assay gate app.tar --policy policy.yaml --output junit=gate.xml --output sarif=gate.sarif\n  \
    assay gate registry.example/app:1.0 --server https://assay.example --namespace web\n\n\
    Exit codes: 0 admitted, also with warnings; 1 denied; 2 it could not be evaluated, which is a denial, too.")]
pub(crate) struct Args {
    /// An image, archive, folder or lockfile as for `assay scan`, or `report:` and the path of a report: what `assay scan --format
    /// json` wrote.
    #[arg(value_name = "SOURCE")]
    source: String,

    /// The policy.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    #[cfg_attr(feature = "server", arg(required_unless_present = "server", conflicts_with = "server"))]
    #[cfg_attr(not(feature = "server"), arg(required = true))]
    policy: Option<PathBuf>,

    #[cfg(feature = "server")]
    #[command(flatten)]
    server: crate::server_client::InsteadArgs,

    /// The cluster it is to run in, by the name in the path of its webhooks: what it has admitted before stays admitted there when
    /// its scan grows stale. Without it the image is judged as a new one.
    #[cfg(feature = "server")]
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    cluster: Option<String>,

    #[command(flatten)]
    judging: JudgingArgs,

    #[command(flatten)]
    show: ShowArgs,
}

/// How a verdict is written.
#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The format of standard output: table, json, sarif, junit, github or markdown.
    #[arg(long, short, value_name = "FORMAT", default_value = "table", value_parser = form_named)]
    format: Form,

    /// Write to a file instead, in another format if one is named; may be repeated.
    #[arg(long, short, value_name = "[FORMAT=]PATH")]
    output: Vec<Output>,

    /// Show all findings behind each reason, rather than the worst.
    #[arg(long)]
    all: bool,
}

fn form_named(text: &str) -> Result<Form, String> {
    render::by_name(text).ok_or_else(|| {
        let names: Vec<&str> = render::FORMS.iter().map(|form| form.name).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// A file to write, and how.
#[derive(Debug, Clone)]
struct Output {
    form: Option<Form>,
    path: PathBuf,
}

impl FromStr for Output {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let named = text.split_once('=').and_then(|(name, path)| Some((render::by_name(name)?, path)));
        match named {
            Some((_, "")) => Err("it names no file".to_owned()),
            None if text.is_empty() => Err("it names no file".to_owned()),
            Some((form, path)) => Ok(Self { form: Some(form), path: path.into() }),
            None => Ok(Self { form: None, path: text.into() }),
        }
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let now = environment::clock();
    #[cfg(feature = "server")]
    if args.server.is_given() {
        return of_server(args, global, now);
    }
    let asked = Asked {
        source: &args.source,
        policy: args.policy.as_deref().unwrap_or(Path::new("")),
        judging: &args.judging,
    };
    let (verdict, error) = judge(&asked, now, global);
    write(&args.show, &verdict)?;
    if let Some(error) = error {
        error.print();
        return Ok(ExitCode::from(2));
    }
    Ok(exit_code(&verdict))
}

/// Prints what a server's admission says: its policy, its scan. Denied is also what it cannot say.
#[cfg(feature = "server")]
fn of_server(args: &Args, global: &Global, now: Timestamp) -> Result<ExitCode, CommandError> {
    let placement = args.judging.gate.for_server().map_err(|option| {
        CommandError::usage(format!("`{option}` is not for a server to judge by"))
            .hint("leave it out, or judge here with `--policy FILE`")
    })?;
    let client = args.server.client(global)?;
    let query = [
        ("namespace", placement.0.as_deref()),
        ("labels", placement.1.as_deref()),
        ("cluster", args.cluster.as_deref()),
    ];
    let judged = client.verdict(&args.source, &query, global).and_then(|answer| match answer.verdict {
        // Read by its own words, so that nothing between server and here can turn a denial into something else.
        Some(verdict) => serde_json::to_vec(&verdict)
            .ok()
            .and_then(|json| Verdict::read(&json).ok())
            .filter(|verdict| verdict.decision.name() == answer.decision)
            .ok_or_else(|| ClientError::Failed("its verdict cannot be read by this version".to_owned())),
        None => Err(ClientError::Failed(answer.lines.join("; "))),
    });
    match judged {
        Ok(verdict) => {
            write(&args.show, &verdict)?;
            Ok(exit_code(&verdict))
        }
        Err(error) => {
            let error = error.into_command_error(format!("the server did not judge `{}`", args.source));
            write(&args.show, &gate::not_evaluated("", &args.source, &args.judging.gate, &error, now))?;
            error.print();
            Ok(ExitCode::from(2))
        }
    }
}

/// What is to be judged, and by what.
pub(super) struct Asked<'a> {
    pub(super) source: &'a str,
    pub(super) policy: &'a Path,
    pub(super) judging: &'a JudgingArgs,
}

/// Judges a source. What cannot be evaluated is denied, and the error that kept it from being is returned as well.
pub(super) fn judge(asked: &Asked<'_>, now: Timestamp, global: &Global) -> (Verdict, Option<CommandError>) {
    let not_evaluated = |policy: &str, error: CommandError| {
        (gate::not_evaluated(policy, asked.source, &asked.judging.gate, &error, now), Some(error))
    };
    let policy = match gate::read_policy(asked.policy) {
        Ok(policy) => policy,
        Err(error) => return not_evaluated("", error),
    };
    let facts = || -> Result<Judged, CommandError> {
        let settings = Settings::named_only(&asked.judging.context, global)?;
        let vex = asked.judging.vex.documents(global)?;
        let about = gate::About {
            policy: &policy,
            path: asked.policy,
            gate: &asked.judging.gate,
            open: &asked.judging.open,
            now,
        };
        gate::facts(asked.source, &about, global, &settings, &vex)
    };
    match facts() {
        Ok(judged) => (judged.verdict(&policy, asked.judging.gate.tier.as_deref(), now), None),
        Err(error) => not_evaluated(&policy.name, error),
    }
}

/// Returns the exit code of a verdict.
pub(super) fn exit_code(verdict: &Verdict) -> ExitCode {
    match verdict.decision {
        _ if !verdict.evaluated => ExitCode::from(2),
        Decision::Admit | Decision::Warn => ExitCode::SUCCESS,
        Decision::Deny => ExitCode::from(1),
    }
}

fn write(args: &ShowArgs, verdict: &Verdict) -> Result<(), CommandError> {
    let render = |form: Form, color: bool| {
        let mut bytes = Vec::new();
        let options = render::Options { color, all: args.all };
        (form.write)(verdict, &options, &mut bytes)
            .map(|()| bytes)
            .map_err(|error| CommandError::work(format!("cannot write the {} verdict", form.name), error))
    };
    for output in &args.output {
        let bytes = render(output.form.unwrap_or(args.format), false)?;
        output::write(&output.path, &bytes)?;
    }
    // A verdict that went to a file is not printed as well, unless standard output got a format of its own.
    if args.output.iter().any(|output| output.form.is_none()) {
        return Ok(());
    }
    let bytes = render(args.format, terminal::color())?;
    output::print(&bytes)
}
