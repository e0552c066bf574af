//! `assay promote`: carry an image to a release repository, if a policy admits it.
//!
//! The source is resolved once, and its digest is what is judged, by what judges for `assay gate`, and what is copied, by what copies
//! for `assay copy`. Surprising: a release tag that names another image stays unless `--move` is given, and nothing gets the tag unless
//! everything that is attached is there, too.

use super::gate::{self as gate_command, Asked};
use super::{Global, copy as copy_command};
use crate::environment;
use crate::error::CommandError;
use crate::gate::JudgingArgs;
use crate::output;
use crate::repository::{self, Opened, failed, parse};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::Digest;
use assay_oci::copy::{Copied, CopyOptions, copy};
use assay_oci::source::{Place, Selector, Source};
use assay_oci::{Access, Reference, Repository, RepositoryError, without_password};
use assay_policy::{Decision, Verdict, render};
use assay_report::{escape, summary};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Copy an image with everything attached to it to a release repository, if a policy admits it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay promote registry.example/incoming/app:1.4 registry.example/release/app --policy policy.yaml\n  \
    assay promote registry.example/incoming/app:1.4 registry.example/release/app:1.4 --policy policy.yaml --tier production --dry-run\n  \
    assay promote oci-archive:app.tar release.example/app:1.4 --policy policy.yaml --target-registry-config release.json\n\n\
    The image is judged as by `assay gate`, by its digest and under the name of the source; the tag comes last, when everything else is \
    there.\n\n\
    Exit codes: 0 promoted; 1 denied; 2 it could not be evaluated, which is a denial, too, or not be copied.")]
pub(crate) struct Args {
    /// An image of a registry, or of an OCI layout (`oci:DIR[:TAG]`, `oci-archive:FILE[:TAG]`).
    #[arg(value_name = "SOURCE")]
    source: String,

    /// Where to: a repository, and a tag unless it is that of the source.
    #[arg(value_name = "TARGET")]
    target: String,

    /// The policy.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    policy: PathBuf,

    /// Judge, and say what would be done; write nothing.
    #[arg(long)]
    dry_run: bool,

    /// Let the tag of the target be moved when it names another image.
    #[arg(long = "move")]
    moves: bool,

    /// Promote also when something that is attached cannot be copied.
    #[arg(long)]
    allow_partial: bool,

    /// Read the credentials for the target from this file, so that nothing else here may write to it.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    target_registry_config: Option<PathBuf>,

    /// The format of standard output.
    #[arg(long, short, value_enum, default_value = "table")]
    format: Format,

    /// Show all findings behind each reason, rather than the worst.
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    judging: JudgingArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// What came of it.
enum Outcome {
    Denied,
    /// It would have been promoted.
    Dry,
    Promoted(Copied),
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    if args.judging.open.platform().is_some() {
        return Err(CommandError::usage("an image is promoted with all its platforms, so all are judged")
            .hint(
                "leave out `--platform`, or copy that platform first with `assay copy --platform OS/ARCH`",
            ));
    }
    let network = repository::network(args.judging.open.network(), global)?;
    let from = repository::open("promote", &args.source, Access::Read, &network)?;
    let image = from
        .repository
        .resolve(from.wanted.as_ref())
        .map_err(|error| failed("promote", &args.source, error))?;
    let digest = image.descriptor.digest;
    let target = target(args, &from)?;
    let tag = target.tag().unwrap_or_default();
    let access = if args.dry_run { Access::Read } else { Access::Write };
    let to = Repository::registry(&target, access, &repository::network(&writing(args), global)?)
        .map_err(|error| failed("promote to", &args.target, error))?;
    let named = to
        .find(Some(&Selector::Name(tag.to_owned())))
        .map_err(|error| failed("promote to", &args.target, error))?
        .map(|there| there.descriptor.digest);
    if let Some(there) = named.filter(|there| *there != digest && !args.moves) {
        let place = to.place();
        return Err(taken(
            &args.target,
            RepositoryError::TagTaken { place, tag: tag.to_owned(), digest: there },
        ));
    }

    let pinned = pinned(&from.source, digest);
    let asked = Asked { source: &pinned, policy: &args.policy, judging: &args.judging };
    let (verdict, error) = gate_command::judge(&asked, environment::clock(), global);
    let passes = error.is_none() && verdict.evaluated && verdict.decision != Decision::Deny;
    let outcome = if !passes {
        Outcome::Denied
    } else if args.dry_run {
        Outcome::Dry
    } else {
        let options = CopyOptions {
            platform: None,
            artifacts: true,
            expected: Some(digest),
            keep_tag: !args.moves,
            whole: !args.allow_partial,
        };
        let wanted = Selector::Digest(digest);
        let copied = copy(&from.repository, Some(&wanted), &to, Some(tag), &options, &|_, _| {});
        Outcome::Promoted(copied.map_err(|error| not_copied(args, error))?)
    };
    report(
        args,
        &Told {
            digest,
            target: &target,
            moved_from: named.filter(|there| *there != digest),
            verdict: &verdict,
            outcome: &outcome,
        },
    )?;
    if let Some(error) = error {
        error.print();
        return Ok(ExitCode::from(2));
    }
    if let Outcome::Promoted(copied) = &outcome {
        for problem in &copied.problems {
            terminal::stderr(&format!("warning: not copied: {}\n", escape::terminal(problem)));
        }
    }
    Ok(gate_command::exit_code(&verdict))
}

/// Returns the network settings for the target.
fn writing(args: &Args) -> NetworkArgs {
    let given = args.target_registry_config.clone().filter(|path| !path.as_os_str().is_empty());
    let network = args.judging.open.network().clone();
    NetworkArgs { registry_config: given.or(network.registry_config), ..network }
}

/// Understands the target: a repository of a registry, with a tag.
fn target(args: &Args, from: &Opened) -> Result<Reference, CommandError> {
    let parsed = parse("promote to", &args.target)?;
    let Source::Registry(reference) = &parsed else {
        return Err(CommandError::usage(format!("`{}` is no repository of a registry", args.target))
            .hint("name one, such as `registry.example/release/app:1.0`"));
    };
    if reference.digest().is_some() {
        return Err(CommandError::usage(format!(
            "`{}` has a digest, which is that of the source",
            args.target
        ))
        .hint("leave out the digest of the target"));
    }
    let tag = copy_command::tag_of(&args.target, &parsed, from);
    tag.and_then(|tag| reference.with_tag(&tag)).ok_or_else(|| {
        CommandError::usage(format!("`{}` has no tag, and neither has the source", args.target))
            .hint(format!("name one, such as `{}/{}:1.0`", reference.registry(), reference.repository()))
    })
}

/// Returns the source by the digest that it was resolved to, so that nothing else is judged than what is copied.
fn pinned(source: &Source, digest: Digest) -> String {
    let place = |place: &Place| Place { path: place.path.clone(), selector: Some(Selector::Digest(digest)) };
    match source {
        // Neither a file of that name nor an engine that has it is meant.
        Source::Registry(reference) if reference.digest().is_some() => format!("registry:{reference}"),
        Source::Registry(reference) => format!("registry:{reference}@{digest}"),
        Source::OciLayout(at) => Source::OciLayout(place(at)).to_string(),
        Source::OciArchive(at) | Source::Archive(at) => Source::OciArchive(place(at)).to_string(),
        // Those have no repository, and were refused.
        other => other.to_string(),
    }
}

fn taken(target: &str, error: RepositoryError) -> CommandError {
    failed("promote to", target, error)
        .hint("release tags stay as they are: choose another, or move this one with `--move`")
}

fn not_copied(args: &Args, error: RepositoryError) -> CommandError {
    match error {
        RepositoryError::TagTaken { .. } => taken(&args.target, error),
        RepositoryError::Incomplete { .. } => failed("promote", &args.source, error)
            .hint("mend what is attached, or promote what can be copied of it with `--allow-partial`"),
        error => failed("promote", &format!("{}` to `{}", args.source, args.target), error),
    }
}

struct Told<'a> {
    digest: Digest,
    target: &'a Reference,
    moved_from: Option<Digest>,
    verdict: &'a Verdict,
    outcome: &'a Outcome,
}

fn report(args: &Args, told: &Told<'_>) -> Result<(), CommandError> {
    let text = match args.format {
        Format::Json => format!("{:#}\n", document(args, told)?),
        Format::Table => {
            let mut text = rendered("table", args, told.verdict)?;
            text.push_str(&sentence(told));
            text
        }
    };
    output::print(text)
}

fn rendered(form: &str, args: &Args, verdict: &Verdict) -> Result<String, CommandError> {
    let mut bytes = Vec::new();
    let options = render::Options { color: terminal::color(), all: args.all };
    let written = match render::by_name(form) {
        Some(form) => (form.write)(verdict, &options, &mut bytes),
        None => Ok(()),
    };
    written.map_err(|error| CommandError::work(format!("cannot write the {form} verdict"), error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn sentence(told: &Told<'_>) -> String {
    let Told { digest, target, moved_from, .. } = told;
    let moved = moved_from.map(|from| format!(", which was {}", from.short())).unwrap_or_default();
    match told.outcome {
        Outcome::Denied => format!("not promoted to {target}\n"),
        Outcome::Dry => format!("{digest} would be promoted to {target}{moved}\n"),
        Outcome::Promoted(copied) => {
            let attached = summary::count(copied.artifacts, "artifact");
            format!("{digest} promoted to {target}{moved}, with {attached}\n")
        }
    }
}

fn document(args: &Args, told: &Told<'_>) -> Result<Value, CommandError> {
    let verdict: Value = serde_json::from_str(&rendered("json", args, told.verdict)?)
        .map_err(|error| CommandError::work("cannot write the verdict", error))?;
    let mut document = json!({
        "schema": "assay.promotion/v1",
        "source": without_password(&args.source),
        "target": told.target.to_string(),
        "digest": told.digest.to_string(),
        "moved_from": told.moved_from.map(|digest| digest.to_string()),
        "dry_run": args.dry_run,
        "promoted": matches!(told.outcome, Outcome::Promoted(_)),
        "verdict": verdict,
    });
    if let (Outcome::Promoted(copied), Some(fields)) = (told.outcome, document.as_object_mut()) {
        fields.insert("complete".to_owned(), json!(copied.problems.is_empty()));
        fields.insert("manifests".to_owned(), json!(copied.manifests));
        fields.insert("artifacts".to_owned(), json!(copied.artifacts));
        fields.insert("problems".to_owned(), json!(copied.problems));
    }
    Ok(document)
}
