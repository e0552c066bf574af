//! `assay worker`: more workers for a server, on the same database.

use super::Global;
use crate::credential_keys;
use crate::environment;
use crate::error::CommandError;
use crate::objects::ObjectArgs;
use crate::source::{self, NetworkArgs};
use crate::terminal;
use assay_engine::LayerCache;
use assay_server::trace::CollectorUrl;
use assay_server::{RunError, Scanner, Work};
use assay_store::{Address, Terms};
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Scan images for a server that keeps its database on PostgreSQL.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  \
    assay worker --database postgres://assay@db.example/assay --registry registry.example --workers 4")]
pub(crate) struct Args {
    /// The server's database.
    #[arg(long, value_name = "URL", env = "ASSAY_DATABASE", hide_env_values = true)]
    database: Address,

    /// Scan deeply, as the server does when its policy asks for it.
    #[arg(long)]
    deep: bool,

    #[command(flatten)]
    work: WorkArgs,
}

/// How jobs are done.
#[derive(Debug, clap::Args)]
pub(crate) struct WorkArgs {
    /// A registry that may be asked, by its host; may be repeated. No other is, whatever events and pods name.
    #[arg(long, value_name = "HOST")]
    pub(super) registry: Vec<String>,

    /// How many images are scanned at once in this process.
    #[arg(long, value_name = "N", default_value = "2")]
    workers: usize,

    /// How many jobs may ask one registry at once, over all processes.
    #[arg(long, value_name = "N", default_value = "4")]
    per_registry: NonZeroUsize,

    /// Seconds after which another process takes the job of one that gives no sign of life.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = clap::value_parser!(u64).range(2..=3600))]
    lease: u64,

    /// Scan images with such a tag again, deeply, when there is nothing more urgent; may be repeated. An empty pattern means none.
    #[arg(long, value_name = "PATTERN", default_values = ["v*", "*.*.*"])]
    deep_tags: Vec<String>,

    #[command(flatten)]
    objects: ObjectArgs,
    /// Tell this OpenTelemetry collector of every step that is done (OTLP over HTTP).
    #[arg(long, value_name = "URL", env = "ASSAY_TRACES")]
    traces: Option<CollectorUrl>,

    /// Encrypt the registry credentials that the server keeps, and decrypt them, by the key in this file; may be repeated: the first
    /// encrypts, all decrypt. `assay credential key` makes one.
    #[arg(long, value_name = "FILE", value_parser = super::path)]
    credential_key: Vec<std::path::PathBuf>,

    #[command(flatten)]
    network: NetworkArgs,
}

impl WorkArgs {
    /// Returns how the network is reached.
    pub(super) fn network(&self) -> &NetworkArgs {
        &self.network
    }

    /// Returns what workers need.
    pub(super) fn work(&self, address: Address, deep: bool, global: &Global) -> Result<Work, CommandError> {
        let objects = self.objects.storage(&address, &self.network, global)?;
        let keyring = credential_keys::keyring(&self.credential_key)?;
        let network = source::network(&self.network, global, Arc::new(AtomicBool::new(false)))?;
        // Opened once now, so that a wrong path is an error of the command and not of every job; and when there is none, the note
        // about the built-in facts is printed once.
        let (_, snapshot) = source::open_database(global)?;
        let path = global.db.clone().unwrap_or_else(|| source::database_path(global));
        let database = move || {
            // A database that is fetched later takes the place of the facts built into the program.
            if snapshot && !path.exists() {
                let facts = assay_advisories::Database::from_snapshot(assay_snapshot::SNAPSHOT)?;
                return Ok((facts, true));
            }
            Ok((assay_advisories::Database::open(&path)?, false))
        };
        let (cached, size, program) =
            (environment::cache_folder(global), global.cache_size.0, environment::program());
        let cache = move || {
            Some(LayerCache::new(cached.clone(), size, environment::now()).of_program(program.clone()))
        };
        let quiet = global.quiet;
        Ok(Work {
            address,
            objects,
            keyring,
            traces: self.traces.clone(),
            scanner: Scanner {
                registries: self.registry.iter().cloned().collect(),
                network: (**network.options()).clone(),
                scratch: environment::scratch_folder(),
                threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
                deep,
                deep_tags: self.deep_tags.clone(),
                database: Arc::new(database),
                cache: Arc::new(cache),
            },
            terms: Terms {
                per_registry: i64::try_from(self.per_registry.get()).unwrap_or(i64::MAX),
                lease: Duration::from_secs(self.lease),
            },
            workers: self.workers,
            busy: environment::busy,
            name: environment::process(),
            clock: Arc::new(environment::moment),
            note: Arc::new(move |text| {
                if !quiet {
                    terminal::stderr(&format!("note: {text}\n"));
                }
            }),
        })
    }
}

/// Runs the command.
pub(super) fn run(args: &Args, global: &Global) -> Result<ExitCode, CommandError> {
    let work = args.work.work(args.database.clone(), args.deep, global)?;
    assay_server::work(work).map_err(run_error)?;
    Ok(ExitCode::SUCCESS)
}

/// Puts what ended the process into words.
pub(super) fn run_error(error: RunError) -> CommandError {
    let hint = match &error {
        RunError::Open(assay_store::OpenStoreError::OtherObjects { .. }) | RunError::Objects(_) => {
            "name the same storage for every server and worker with `--objects s3://BUCKET/PREFIX` or `--objects DIR`"
        }
        RunError::Open(assay_store::OpenStoreError::Newer { .. }) => {
            "run the newer version of the program that wrote it"
        }
        RunError::Open(_) | RunError::Store(_) => {
            "check the address given with `--database`, or the folder given with `--data`"
        }
        RunError::Listen(assay_server::listen::ListenError::Exposed(_)) => {
            "listen on `127.0.0.1:8080`, or give `--tls-certificate FILE --tls-key FILE`"
        }
        RunError::Listen(assay_server::listen::ListenError::Tls { .. }) => {
            "name a certificate and its key, both PEM, with `--tls-certificate FILE --tls-key FILE`"
        }
        _ => "choose another address with `--listen ADDRESS:PORT`",
    };
    CommandError::work("the server ended", error).hint(hint)
}
