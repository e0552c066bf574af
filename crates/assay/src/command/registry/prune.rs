//! `assay registry prune`: what may go from a registry, and why the rest stays. Nothing is deleted unless that is said.

use super::known::{Known, KnownArgs};
use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::repository::{self, failed};
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::Timestamp;
use assay_oci::prune::{Keep, Plan, plan};
use assay_oci::registry::Crawler;
use assay_oci::{Access, Network, Reference, Repository};
use assay_policy::pattern;
use assay_report::{escape, summary};
use clap::ValueEnum;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Tags of a repository that are looked at. One with more is left alone: what is not seen may need what is.
const MAX_TAGS: usize = 50_000;
/// Repositories of a registry that are looked at.
const MAX_REPOSITORIES: usize = 5000;
const DAY: i64 = 86_400;

/// Say which images of a registry may go and why the others stay; delete them with `--yes`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay registry prune registry.example/team/app --keep-last 10 --keep-days 90\n  \
    assay registry prune registry.example --keep-days 365 --keep-tag 'v*' --data /var/lib/assay\n  \
    assay registry prune registry.example/team/app --keep-last 10 --yes\n\n\
    An image goes with its parts and with all that is attached to it. What is deployed or last known good stays when the server's \
    database is named, and so does whatever another image that stays is made of. Registries must be told to delete \
    (`REGISTRY_STORAGE_DELETE_ENABLED=true` for Distribution), and free the room only when they collect their garbage.\n\n\
    Exit codes: 0 done; 2 something could not be looked at or deleted.")]
pub(super) struct Args {
    /// A repository, as `HOST/REPOSITORY`; or all repositories of a registry, as `HOST`.
    #[arg(value_name = "REPOSITORY|HOST", required = true)]
    places: Vec<String>,

    /// Keep this many of the newest images of each repository.
    #[arg(long, value_name = "N", required_unless_present = "keep_days")]
    keep_last: Option<usize>,

    /// Keep images that were built, first seen or last pulled within so many days.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36_500))]
    keep_days: Option<u32>,

    /// Keep images with such a tag; `*` stands for any letters. May be repeated.
    #[arg(long, value_name = "PATTERN")]
    keep_tag: Vec<String>,

    /// Delete what may go.
    #[arg(long)]
    yes: bool,

    /// The format of standard output.
    #[arg(long, short, value_enum, default_value = "table")]
    format: Format,

    #[command(flatten)]
    known: KnownArgs,

    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// What came of one repository.
struct Done {
    name: String,
    plan: Plan,
    deleted: usize,
    error: Option<CommandError>,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let network = repository::network(&args.network, global)?;
    let mut names = Vec::new();
    for place in &args.places {
        names.extend(repositories(place, &network)?);
    }
    let known = args.known.of(&names)?;
    let mut all = Vec::new();
    for ((registry, repository), known) in names.iter().zip(&known) {
        let name = format!("{registry}/{repository}");
        let mut done = Done { name, plan: Plan::default(), deleted: 0, error: None };
        done.error = prune(args, &network, known, &mut done).err();
        all.push(done);
    }
    report(args, &all)?;
    let mut code = ExitCode::SUCCESS;
    for done in &all {
        for problem in &done.plan.problems {
            let problem = format!("warning: {}: {}\n", done.name, escape::terminal(problem));
            terminal::stderr(&problem);
            code = ExitCode::from(2);
        }
        if let Some(error) = &done.error {
            error.print();
            code = ExitCode::from(2);
        }
    }
    Ok(code)
}

/// Returns the repositories that are meant, as registry and name.
fn repositories(place: &str, network: &Network) -> Result<Vec<(String, String)>, CommandError> {
    let no_place = |hint: String| {
        CommandError::usage(format!("`{place}` is no repository of a registry, and no registry")).hint(hint)
    };
    let is_host = !place.contains('/');
    let text = if is_host { format!("{place}/catalogue") } else { place.to_owned() };
    let reference: Reference =
        text.parse().map_err(|_| no_place("name one, such as `registry.example/team/app`".to_owned()))?;
    let written = format!("{}/{}", reference.registry(), reference.repository());
    if written != text {
        return Err(no_place(format!("write it with its host and without a tag, such as `{written}`")));
    }
    if !is_host {
        return Ok(vec![(reference.registry().to_owned(), reference.repository().to_owned())]);
    }
    let listing = Crawler::connect(&reference, network)
        .and_then(|crawler| crawler.repositories(MAX_REPOSITORIES))
        .map_err(|error| {
            failed("list the repositories of", place, error).hint("name each repository as `HOST/REPOSITORY`")
        })?;
    if !listing.complete {
        let error = format!("it lists more than {} repositories", listing.names.len());
        return Err(CommandError::work(format!("cannot list all repositories of `{place}`"), error)
            .hint("name each repository as `HOST/REPOSITORY`"));
    }
    // A registry may list what is no name.
    let is_name = |name: &String| {
        format!("{place}/{name}").parse::<Reference>().is_ok_and(|one| one.repository() == *name)
    };
    Ok(listing.names.into_iter().filter(is_name).map(|name| (place.to_owned(), name)).collect())
}

fn prune(args: &Args, network: &Network, known: &Known, done: &mut Done) -> Result<(), CommandError> {
    let told = |error| failed("prune", &done.name, error);
    let reference: Reference =
        done.name.parse().map_err(|error: assay_oci::InvalidReference| failed("prune", &done.name, error))?;
    let crawler =
        Crawler::connect(&reference, network).map_err(|error| failed("prune", &done.name, error))?;
    let tags = tags(&crawler, &done.name)?;
    let access = if args.yes { Access::Write } else { Access::Read };
    let repository = Repository::registry(&reference, access, network).map_err(told)?;
    // What is deleted is not for a build's fixed date to decide.
    let now = environment::clock();
    let since =
        args.keep_days.map(|days| Timestamp(now.0.saturating_sub(i64::from(days).saturating_mul(DAY))));
    let keep = Keep {
        last: args.keep_last.unwrap_or(0),
        since,
        tag: &|tag| pattern::any(&args.keep_tag, tag),
        deployed: &known.deployed,
        first_seen: &known.first_seen,
        last_pulled: &known.last_pulled,
    };
    done.plan = plan(&repository, &tags, &keep).map_err(told)?;
    if !args.yes || done.plan.deletions.is_empty() {
        return Ok(());
    }
    unchanged(&crawler, &done.plan, &done.name)?;
    for deletion in &done.plan.deletions {
        let gone = repository.delete(&deletion.digest).map_err(|error| {
            failed("delete from", &done.name, error).hint(
                "registries delete when they are told to, such as by `REGISTRY_STORAGE_DELETE_ENABLED=true`",
            )
        })?;
        done.deleted = done.deleted.saturating_add(usize::from(gone));
    }
    Ok(())
}

fn tags(crawler: &Crawler, name: &str) -> Result<BTreeSet<String>, CommandError> {
    let listing = crawler.tags(MAX_TAGS).map_err(|error| failed("list the tags of", name, error))?;
    if listing.complete {
        return Ok(listing.names);
    }
    let error = format!("the registry lists more than {} tags, or not all", listing.names.len());
    Err(CommandError::work(format!("cannot list all tags of `{name}`"), error)
        .hint("prune the repository with the registry's own tool first; what is not seen may need what is"))
}

/// Checks that every tag still names what it did: a push in between may have named what is about to go.
fn unchanged(crawler: &Crawler, plan: &Plan, name: &str) -> Result<(), CommandError> {
    let before: BTreeMap<&str, String> =
        plan.rows.iter().map(|row| (row.tag.as_str(), row.digest.to_string())).collect();
    let changed = |tag: &str| {
        CommandError::work(
            format!("nothing was deleted from `{name}`"),
            format!("the tag `{tag}` has changed meanwhile"),
        )
        .hint("prune again")
    };
    let now = tags(crawler, name)?;
    if let Some(new) = now.iter().find(|tag| !before.contains_key(tag.as_str())) {
        return Err(changed(new));
    }
    for tag in &now {
        let digest = crawler.digest_of(tag).map_err(|error| failed("ask for the tags of", name, error))?;
        if digest.map(|digest| digest.to_string()).as_ref() != before.get(tag.as_str()) {
            return Err(changed(tag));
        }
    }
    Ok(())
}

fn report(args: &Args, all: &[Done]) -> Result<(), CommandError> {
    let text = match args.format {
        Format::Json => document(args, all),
        Format::Table => table(args, all),
    };
    output::print(text)
}

fn document(args: &Args, all: &[Done]) -> String {
    let repositories: Vec<_> = all
        .iter()
        .map(|done| {
            let tags: Vec<_> = done
                .plan
                .rows
                .iter()
                .map(|row| {
                    json!({
                        "tag": row.tag, "digest": row.digest.to_string(),
                        "created": row.created.map(|created| created.to_string()),
                        "kept": row.kept.is_some(), "why": row.kept.as_ref().map(ToString::to_string),
                    })
                })
                .collect();
            let manifests: Vec<_> = done
                .plan
                .deletions
                .iter()
                .map(|one| json!({ "digest": one.digest.to_string(), "with": one.with.to_string() }))
                .collect();
            json!({
                "repository": done.name, "tags": tags, "manifests": manifests, "deleted": done.deleted,
                "problems": done.plan.problems, "error": done.error.as_ref().map(CommandError::told),
            })
        })
        .collect();
    let document = json!({ "schema": "assay.prune/v1", "dry_run": !args.yes, "repositories": repositories });
    format!("{document:#}\n")
}

fn table(args: &Args, all: &[Done]) -> String {
    let mut text = String::new();
    for done in all {
        let rows = &done.plan.rows;
        let widest = rows.iter().map(|row| row.tag.chars().count()).max().unwrap_or(0).clamp(3, 60);
        let _ = writeln!(text, "{}", done.name);
        for row in rows {
            let created = row.created.map(Timestamp::date_text).unwrap_or_else(|| "-".to_owned());
            let fate = match &row.kept {
                Some(why) => format!("stays: {why}"),
                None if args.yes && done.error.is_none() => "deleted".to_owned(),
                None => "goes".to_owned(),
            };
            let (tag, fate) = (escape::terminal(&row.tag), escape::terminal(&fate).into_owned());
            let _ = writeln!(text, "  {tag:widest$}  {}  {created:10}  {fate}", row.digest.short());
        }
        let going = rows.iter().filter(|row| row.kept.is_none()).count();
        let manifests = summary::count(done.plan.deletions.len().try_into().unwrap_or(u64::MAX), "manifest");
        let count = summary::count(going.try_into().unwrap_or(u64::MAX), "tag");
        let _ = match (args.yes, done.plan.deletions.is_empty()) {
            (_, true) => writeln!(text, "  nothing may go"),
            (true, false) => writeln!(text, "  {} of {manifests} deleted", done.deleted),
            (false, false) => writeln!(text, "  {count} and {manifests} may go; delete them with `--yes`"),
        };
    }
    text
}
