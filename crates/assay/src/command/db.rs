//! `assay db`: build, fetch and look into the vulnerability database.

mod diff;

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::output;
use crate::source::{self, NetworkArgs};
use crate::terminal;
use crate::update_status;
use assay_advisories::Database;
use assay_advisories::build::{BuildDatabaseError, BuildOptions, BuildSummary, build};
use assay_advisories::database::Hit;
use assay_advisories::fetch::{FetchSummary, Outcome};
use assay_engine::{UpdateDatabaseError, build_fetched, fetch_feeds};
use assay_model::timestamp::DAY;
use assay_report::escape;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Build, fetch and look into the vulnerability database.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Update(UpdateArgs),
    Build(BuildArgs),
    Status(StatusArgs),
    Search(SearchArgs),
    Diff(Box<diff::Args>),
}

/// Fetch the public feeds, where they changed, and build the database from them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay db update\n  \
    assay db update --mirror https://mirror.example/feeds\n  \
    assay db update --every 21600\n\n\
    A feed that cannot be fetched keeps its earlier data, and `assay db status` says so. A failed update leaves the database \
    in use as it is.")]
struct UpdateArgs {
    /// Fetch from this address instead of the publishers' hosts.
    #[arg(long, value_name = "URL", env = "ASSAY_DB_MIRROR")]
    mirror: Option<String>,

    /// Accept feeds that have less than half of the records they had.
    #[arg(long)]
    allow_shrink: bool,

    /// Trust this certificate authority, too (PEM); may be repeated.
    #[arg(long, value_name = "FILE")]
    ca_file: Vec<PathBuf>,

    /// Go on for ever, and do it again after so many seconds; one that fails is told and tried again.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
}

/// Compile feeds, in their publishers' own formats, into one database file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay db build --from feeds --out assay.db\n  \
    assay db build --from feeds --from our-advisories/ --out assay.db")]
struct BuildArgs {
    /// A folder laid out as publishers serve their files, a folder or zip of OSV files of your own, one file, or the address of
    /// a mirror; may be repeated.
    #[arg(long, required = true, value_name = "DIR|FILE|URL")]
    from: Vec<String>,

    /// The database to write; the default is the one that `assay scan` uses.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Leave out titles and descriptions.
    #[arg(long)]
    facts_only: bool,

    /// Accept feeds that have less than half of the records they have in the database to be replaced.
    #[arg(long)]
    allow_shrink: bool,
}

/// Show the age and size of each feed in the database.
#[derive(Debug, clap::Args)]
struct StatusArgs {
    /// Compare every byte with its checksum.
    #[arg(long)]
    verify: bool,
}

/// Find advisories, aliases and packages by name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  assay db search CVE-2021-4422\n  assay db search log4j")]
struct SearchArgs {
    /// The beginning of an identifier, or part of a package's name.
    #[arg(value_name = "TEXT")]
    text: String,

    /// Show at most this many of each.
    #[arg(long, default_value_t = 25, value_name = "NUMBER")]
    limit: usize,
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    match &args.action {
        Action::Update(args) => run_update(args, global),
        Action::Build(args) => run_build(args, global),
        Action::Status(args) => run_status(args, global),
        Action::Search(args) => run_search(args, global),
        Action::Diff(args) => diff::run(args, global),
    }
}

fn print(text: &str) -> Result<ExitCode, CommandError> {
    output::print(text)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns where downloaded feeds are kept for the next update.
fn downloads(global: &Global) -> PathBuf {
    environment::cache_folder(global).join("feeds")
}

fn run_update(args: &UpdateArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let Some(seconds) = args.every else { return update(args, global) };
    loop {
        if let Err(error) = update(args, global) {
            error.print();
        }
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

fn update(args: &UpdateArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let target = global.db.clone().unwrap_or_else(|| source::database_path(global));
    let mut failures = Vec::new();
    let updated = update_at(&target, &mut failures, args, global);
    if let Err(error) = &updated {
        failures = vec![("the vulnerability database".to_owned(), error.told())];
    }
    // For a server that uses the database. It may lie where nobody may write, as everything else then says.
    let _ = update_status::write(&target, &failures);
    updated
}

fn update_at(
    target: &Path,
    failures: &mut Vec<(String, String)>,
    args: &UpdateArgs,
    global: &Global,
) -> Result<ExitCode, CommandError> {
    let network = source::network(
        &NetworkArgs { ca_file: args.ca_file.clone(), ..NetworkArgs::default() },
        global,
        Arc::default(),
    )?;
    let downloads = downloads(global);
    let failed = |error: UpdateDatabaseError| {
        CommandError::work("cannot update the vulnerability database", error)
            .with_hints_of_cause()
            .hint("the database in use is unchanged")
    };
    terminal::note(global, "fetching the feeds");
    let fetched = fetch_feeds(&network, &downloads, args.mirror.clone().filter(|mirror| !mirror.is_empty()))
        .map_err(failed)?;
    log_fetched(&fetched, global);
    let failed_files = fetched.files.iter().filter_map(|file| match &file.outcome {
        Outcome::Failed(message) => Some((file.feed.to_string(), message.clone())),
        Outcome::Downloaded { .. } | Outcome::NotModified | Outcome::Missing => None,
    });
    failures.extend(failed_files);
    let options = BuildOptions {
        built_at: environment::now(),
        allow_shrink: args.allow_shrink,
        ..BuildOptions::default()
    };
    let summary = build_fetched(&fetched, &downloads, target, &options).map_err(failed)?;
    log(&summary, global);
    print(&format!("{}  {:.1} MB\n", target.display(), summary.bytes as f64 / 1e6))
}

fn log_fetched(fetched: &FetchSummary, global: &Global) {
    if global.quiet {
        return;
    }
    let (mut downloaded, mut bytes, mut unchanged) = (0u64, 0u64, 0u64);
    for file in &fetched.files {
        match &file.outcome {
            Outcome::Downloaded { bytes: more } => {
                downloaded += 1;
                bytes += more;
            }
            Outcome::NotModified => unchanged += 1,
            Outcome::Missing => {}
            Outcome::Failed(message) => {
                terminal::stderr(&format!("warning: {}: {}\n", file.feed, escape::terminal(message)));
            }
        }
    }
    let files = |count| assay_report::summary::count(count, "file");
    terminal::stderr(&format!(
        "{} downloaded ({:.1} MB), {} unchanged\n",
        files(downloaded),
        bytes as f64 / 1e6,
        files(unchanged)
    ));
}

fn run_build(args: &BuildArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let target =
        args.out.clone().or_else(|| global.db.clone()).unwrap_or_else(|| source::database_path(global));
    let mut inputs = Vec::new();
    for from in &args.from {
        inputs.push(if from.starts_with("http://") || from.starts_with("https://") {
            fetched_mirror(from, global)?
        } else {
            PathBuf::from(from)
        });
    }
    let previous = Database::open(&target).ok();
    let options = BuildOptions {
        built_at: environment::now(),
        facts_only: args.facts_only,
        previous: previous.as_ref(),
        allow_shrink: args.allow_shrink,
        errors: &[],
    };
    let summary = build(&inputs, &target, &options).map_err(|error| build_error(&target, error))?;
    log(&summary, global);
    print(&format!("{}  {:.1} MB\n", target.display(), summary.bytes as f64 / 1e6))
}

/// Fetches a mirror into a folder of its own and returns that.
fn fetched_mirror(url: &str, global: &Global) -> Result<PathBuf, CommandError> {
    let name: String =
        url.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '-' }).collect();
    let folder = environment::cache_folder(global).join("mirrors").join(name);
    let network = source::network(&NetworkArgs::default(), global, Arc::default())?;
    let fetched = fetch_feeds(&network, &folder, Some(url.to_owned()))
        .map_err(|error| CommandError::work(format!("cannot fetch `{url}`"), error).with_hints_of_cause())?;
    log_fetched(&fetched, global);
    Ok(folder)
}

fn log(summary: &BuildSummary, global: &Global) {
    if !global.quiet {
        for line in summary.log() {
            terminal::stderr(&format!("{}\n", escape::terminal(&line)));
        }
    }
}

fn build_error(target: &std::path::Path, error: BuildDatabaseError) -> CommandError {
    let hint = match &error {
        BuildDatabaseError::NoFeeds => {
            Some("name a folder laid out as publishers serve their feeds, or one with OSV files (`ID.json`)")
        }
        BuildDatabaseError::Shrunk { .. } => Some("look at the feed; accept it with `--allow-shrink`"),
        BuildDatabaseError::Input { .. } => Some("check the paths given with `--from`"),
        BuildDatabaseError::Output { .. } => Some("choose another file with `--out`"),
        _ => None,
    };
    let failed = CommandError::work(format!("cannot build the database `{}`", target.display()), error);
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

fn run_status(args: &StatusArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let (database, built_in) = source::open_database(global)?;
    let path = global.db.clone().unwrap_or_else(|| source::database_path(global));
    if args.verify {
        database.verify().map_err(|error| {
            CommandError::work(format!("the vulnerability database `{}` is damaged", path.display()), error)
                .hint("fetch it again with `assay db update`")
        })?;
    }
    let damaged = |error| source::damaged_database(error, global);
    let now = environment::now();
    let days = |time: assay_model::Timestamp| (now.0 - time.0).max(0) / DAY;
    let mut text = String::new();
    let place = if built_in { "built into this program".to_owned() } else { path.display().to_string() };
    let _ = writeln!(text, "database   {place}");
    let _ = writeln!(text, "built      {} ({} days ago)", database.built_at(), days(database.built_at()));
    let _ = writeln!(
        text,
        "holds      {} vulnerabilities, {} advisories{}",
        database.vulnerability_count(),
        database.advisory_count(),
        if database.facts_only() { ", facts only" } else { "" },
    );
    if args.verify {
        let _ = writeln!(text, "checksums  all right");
    }
    let _ = writeln!(
        text,
        "\n{:<28} {:>9} {:>8}  {:<10} {:>8}  LICENCE",
        "FEED", "RECORDS", "REJECTED", "DATA OF", "AGE"
    );
    for feed in database.feeds().map_err(damaged)? {
        let (date, age) = feed.data_time.map_or(("unknown".to_owned(), String::new()), |time| {
            (time.date_text(), format!("{} days", days(time)))
        });
        let _ = writeln!(
            text,
            "{:<28} {:>9} {:>8}  {date:<10} {age:>8}  {}",
            escape::shorten(&escape::terminal(&feed.id), 28),
            feed.used,
            feed.rejected,
            escape::terminal(&feed.license),
        );
        if !feed.note.is_empty() {
            let _ = writeln!(text, "    {}", escape::terminal(&feed.note));
        }
    }
    let _ = writeln!(
        text,
        "\n{:<28} {:>9} {:>10}  {:<10}  FEEDS",
        "ECOSYSTEM", "PACKAGES", "ADVISORIES", "DATA OF"
    );
    for (ecosystem, coverage) in database.coverages().map_err(damaged)? {
        let _ = writeln!(
            text,
            "{:<28} {:>9} {:>10}  {:<10}  {}",
            escape::shorten(&escape::terminal(&ecosystem), 28),
            coverage.packages,
            coverage.advisories,
            coverage.data_time.map_or("unknown".to_owned(), assay_model::Timestamp::date_text),
            escape::terminal(&coverage.feeds.join(", ")),
        );
    }
    print(&text)
}

fn run_search(args: &SearchArgs, global: &Global) -> Result<ExitCode, CommandError> {
    let (database, _) = source::open_database(global)?;
    let damaged = |error| source::damaged_database(error, global);
    let hits = database.search(&args.text, args.limit).map_err(damaged)?;
    let mut text = String::new();
    for hit in &hits {
        match hit {
            Hit::Id(id) => {
                for key in database.by_id(id).map_err(damaged)?.vulnerabilities {
                    let vulnerability = database.vulnerability(key).map_err(damaged)?;
                    let line = format!(
                        "{:<22} {:<22} {}",
                        id.to_uppercase(),
                        vulnerability.id,
                        escape::shorten(vulnerability.title, 100)
                    );
                    let _ = writeln!(text, "{}", escape::terminal(line.trim_end()));
                }
            }
            Hit::Package { ecosystem, name } => {
                let mut count = 0;
                if let Ok(ecosystem) = ecosystem.parse() {
                    for statement in database.affected(&ecosystem, name).map_err(damaged)? {
                        statement.map_err(damaged)?;
                        count += 1;
                    }
                }
                let counted = assay_report::summary::count(count, "statement");
                let _ = writeln!(
                    text,
                    "{:<22} {}  {counted}",
                    escape::terminal(ecosystem),
                    escape::terminal(name)
                );
            }
        }
    }
    if hits.is_empty() {
        return Err(CommandError::usage(format!("the database has nothing named `{}`", args.text)).hint(
            "give the beginning of an identifier, or part of a package's name; or run `assay db update`",
        ));
    }
    print(&text)
}
