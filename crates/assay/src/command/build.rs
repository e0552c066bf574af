//! `assay build`: how images were built, for the server.

use super::Global;
use crate::environment;
use crate::error::CommandError;
use crate::repository;
use crate::server_client::ServerArgs;
use crate::source::NetworkArgs;
use crate::terminal;
use assay_model::{Digest, Timestamp};
use assay_oci::Access;
use assay_server::api::build::{BuildInput, NewBuild, Outcome};
use assay_sign::predicate::ci;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// The longest log that the server takes.
const MAX_LOG: u64 = 2 << 20;
/// What is kept back for the line that says how much was left out.
const MARGIN: u64 = 200;

/// Tell a server how images were built.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Record(Box<RecordArgs>),
}

/// Record a build: what came of which commit and inputs, how long it took, and what it wrote.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    assay build record --server https://assay.example --outcome success --duration 84 \\\n    \
    --input golang:1.22=sha256:… --log build.log registry.example/team/app:1.4       in GitHub Actions or GitLab CI\n  \
    assay build record --server https://assay.example --outcome failure --recipe \"$(git rev-parse HEAD)\" --duration 12 --log build.log\n\n\
    Commit, source and run are those that GitHub Actions, GitLab CI and others tell a job, unless they are given. Builds of equal commit, \
    source, image, platform and inputs are compared with one another: what comes out the same is reproducible. The server is also named by the \
    variable `ASSAY_SERVER`, and the token by `ASSAY_TOKEN`; its role is `developer` at least.")]
struct RecordArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// What came of the build, if it is not to be asked of the registry.
    #[arg(long, value_name = "DIGEST")]
    digest: Option<Digest>,

    /// The commit that was built.
    #[arg(long, value_name = "COMMIT")]
    recipe: Option<String>,

    /// Where the source is.
    #[arg(long = "source-uri", value_name = "URL")]
    source: Option<String>,

    /// What the image was made from besides; may be repeated.
    #[arg(long, value_name = "NAME=DIGEST", value_parser = input)]
    input: Vec<(String, Digest)>,

    /// What it was built for, such as `linux/arm64`.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,

    /// How the build ended.
    #[arg(long, value_name = "OUTCOME")]
    outcome: Ending,

    /// When it began; so long before now as it took, if that is all that is given.
    #[arg(long, value_name = "TIME")]
    started: Option<Timestamp>,

    /// How many seconds it took; until now, if only its start is known.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(..=604_800))]
    duration: Option<u64>,

    /// What it wrote. Of a long log only the end is sent.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    log: Option<PathBuf>,

    /// The address of the run.
    #[arg(long, value_name = "URL")]
    invocation: Option<String>,

    #[command(flatten)]
    network: NetworkArgs,

    /// The image, in a registry. Its tag is asked for the digest.
    #[arg(value_name = "IMAGE")]
    image: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Ending {
    Success,
    Failure,
}

impl From<Ending> for Outcome {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Success => Self::Success,
            Ending::Failure => Self::Failure,
        }
    }
}

fn input(text: &str) -> Result<(String, Digest), String> {
    let (name, digest) =
        text.rsplit_once('=').filter(|(name, _)| !name.is_empty()).ok_or("expected `NAME=DIGEST`")?;
    let digest = digest.parse().map_err(|error: assay_model::digest::InvalidDigest| error.to_string())?;
    Ok((name.to_owned(), digest))
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let Action::Record(args) = &args.action;
    let client = args.server.client(global)?;
    let told = ci::ALL.iter().find(|system| (system.is)(&environment::variable));
    let told = told.map(|system| (system.build)(&environment::variable)).unwrap_or_default();
    let recipe = args.recipe.clone().or(told.commit).ok_or_else(|| {
        CommandError::usage("the commit that was built is not known")
            .hint("name it with `--recipe \"$(git rev-parse HEAD)\"`")
    })?;
    let (started, duration) = times(args, told.started.as_deref())?;
    let (image, digest) = image(args, global)?;
    if digest.is_none() && args.outcome == Ending::Success {
        return Err(CommandError::usage("a build that succeeded has an image")
            .hint("name it as IMAGE, or its digest with `--digest DIGEST`"));
    }
    let log = match &args.log {
        Some(path) => log(path).map_err(|error| {
            CommandError::work(format!("cannot read the log `{}`", path.display()), error)
                .hint("check the path given with `--log FILE`")
        })?,
        None => String::new(),
    };
    let inputs =
        args.input.iter().map(|(name, digest)| BuildInput { name: name.clone(), digest: digest.to_string() });
    // At most a week: every number of seconds in it has its own.
    let duration_seconds = Duration::from_secs(duration).as_secs_f64();
    let build = NewBuild {
        digest: digest.map(|digest| digest.to_string()),
        image,
        platform: args.platform.clone(),
        source: args.source.clone().or(told.source),
        recipe,
        inputs: inputs.collect(),
        outcome: args.outcome.into(),
        started: started.to_string(),
        duration_seconds,
        invocation: args.invocation.clone().or(told.invocation),
        log,
    };
    let number = client
        .record_build(&build)
        .map_err(|error| error.into_command_error("cannot record the build at the server"))?;
    terminal::note(global, &format!("recorded as build {number}"));
    Ok(ExitCode::SUCCESS)
}

/// Returns when the build began and how long it took, of which the one may follow from the other.
fn times(args: &RecordArgs, told: Option<&str>) -> Result<(Timestamp, u64), CommandError> {
    let now = environment::clock();
    let started = args.started.or_else(|| told?.parse().ok());
    match (started, args.duration) {
        (Some(started), Some(duration)) => Ok((started, duration)),
        (Some(started), None) => {
            let passed = now.0.saturating_sub(started.0);
            let duration = u64::try_from(passed).map_err(|_| {
                CommandError::usage("the build began in the future").hint("check `--started TIME`")
            })?;
            Ok((started, duration))
        }
        (None, Some(duration)) => {
            let duration_seconds = i64::try_from(duration).unwrap_or(i64::MAX);
            Ok((Timestamp(now.0.saturating_sub(duration_seconds)), duration))
        }
        (None, None) => Err(CommandError::usage("it is not known how long the build took")
            .hint("give `--duration SECONDS`, `--started TIME` or both")),
    }
}

/// Returns the name and the digest of the image, as far as they are known.
fn image(args: &RecordArgs, global: &Global) -> Result<(Option<String>, Option<Digest>), CommandError> {
    let Some(text) = &args.image else { return Ok((None, args.digest)) };
    let reference: assay_oci::Reference =
        text.parse().map_err(|error| repository::failed("record the build of", text, error))?;
    let name = Some(format!("{}/{}", reference.registry(), reference.repository()));
    // What failed is not in the registry, whatever its tag names there.
    if args.outcome == Ending::Failure {
        return Ok((name, args.digest));
    }
    if let Some(digest) = args.digest.or_else(|| reference.digest()) {
        return Ok((name, Some(digest)));
    }
    let found = repository::locate(text, Access::Read, &args.network, global)?;
    Ok((name, Some(found.image.descriptor.digest)))
}

/// Reads a log; of a long one the end, which is where what went wrong stands.
fn log(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let kept = MAX_LOG.saturating_sub(MARGIN);
    let skipped = if length > MAX_LOG { length.saturating_sub(kept) } else { 0 };
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(MAX_LOG).read_to_end(&mut bytes)?;
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    // What stands for a byte that is no text has three.
    let most = usize::try_from(kept).unwrap_or(usize::MAX);
    let over = text.len().saturating_sub(most);
    let start = if skipped > 0 || over > 0 { text.ceil_char_boundary(over) } else { 0 };
    if skipped > 0 || start > 0 {
        text = format!("… the beginning of the log was left out\n{}", text.get(start..).unwrap_or_default());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[track_caller]
    fn check(written: &[u8], want: impl Fn(&str) -> bool) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(written).unwrap();
        let text = log(file.path()).unwrap();
        assert!(text.len() as u64 <= MAX_LOG && want(&text), "{} bytes", text.len());
    }

    #[test]
    fn of_a_long_log_the_end_is_sent() {
        check(b"", str::is_empty);
        check(b"one\ntwo\n", |text| text == "one\ntwo\n");
        check(b"a\xffb", |text| text == "a\u{fffd}b");
        let mut long = vec![b'x'; 3 << 20];
        long.extend(b"the end");
        check(&long, |text| text.starts_with("… the beginning") && text.ends_with("the end"));
        // Bytes that are no text take more room than they did.
        let mut odd = vec![0xff; 1 << 20];
        odd.extend(b"the end");
        check(&odd, |text| text.starts_with("… the beginning") && text.ends_with("the end"));
    }

    #[test]
    fn inputs_are_names_and_digests() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let (name, of) = input(&format!("registry.example/a=b:1={digest}")).unwrap();
        assert_eq!((name.as_str(), of.to_string()), ("registry.example/a=b:1", digest.clone()));
        for text in ["", "golang", "golang=latest", &format!("={digest}")] {
            assert!(input(text).is_err(), "{text}");
        }
    }
}
