//! The sub-commands: one file each, and the list of them all.

use crate::bytes::Bytes;
use crate::error::CommandError;
use clap::builder::FalseyValueParser;
use std::convert::Infallible;
use std::path::PathBuf;
use std::process::ExitCode;

mod attach;
mod attest;
mod attest_blob;
#[cfg(feature = "server")]
mod audit;
#[cfg(feature = "server")]
mod blast_radius;
#[cfg(feature = "server")]
mod build;
mod cache;
mod completions;
mod config;
mod convert;
mod copy;
#[cfg(feature = "server")]
mod credential;
mod db;
#[cfg(feature = "server")]
mod demo;
#[cfg(feature = "server")]
mod deployment;
mod diff;
mod download;
#[cfg(feature = "server")]
mod events;
mod explain;
mod gate;
#[cfg(feature = "server")]
mod images;
mod key;
mod lint;
mod man;
mod policy;
mod promote;
#[cfg(feature = "server")]
mod promotion;
mod reference;
mod registry;
mod sbom;
mod scan;
#[cfg(feature = "server")]
mod serve;
mod sign;
mod sign_blob;
mod tree;
#[cfg(feature = "server")]
mod triage;
mod verify;
mod verify_attestation;
mod verify_blob;
mod vex;
#[cfg(feature = "server")]
mod worker;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Scan(scan::Args),
    Explain(explain::Args),
    Gate(gate::Args),
    Policy(policy::Args),
    Lint(lint::Args),
    Sbom(sbom::Args),
    Vex(vex::Args),
    Diff(diff::Args),
    Tree(tree::Args),
    Attach(attach::Args),
    Download(download::Args),
    Copy(copy::Args),
    Promote(Box<promote::Args>),
    Registry(registry::Args),
    Ref(reference::Args),
    Convert(convert::Args),
    Sign(sign::Args),
    SignBlob(sign_blob::Args),
    Verify(Box<verify::Args>),
    VerifyBlob(Box<verify_blob::Args>),
    Attest(Box<attest::Args>),
    AttestBlob(attest_blob::Args),
    VerifyAttestation(Box<verify_attestation::Args>),
    Key(key::Args),
    #[cfg(feature = "server")]
    Build(build::Args),
    #[cfg(feature = "server")]
    Deployment(deployment::Args),
    #[cfg(feature = "server")]
    Serve(Box<serve::Args>),
    #[cfg(feature = "server")]
    Worker(worker::Args),
    #[cfg(feature = "server")]
    Audit(audit::Args),
    #[cfg(feature = "server")]
    Credential(credential::Args),
    #[cfg(feature = "server")]
    Demo(demo::Args),
    #[cfg(feature = "server")]
    Images(images::Args),
    #[cfg(feature = "server")]
    BlastRadius(blast_radius::Args),
    #[cfg(feature = "server")]
    Triage(triage::Args),
    #[cfg(feature = "server")]
    Promotion(promotion::Args),
    #[cfg(feature = "server")]
    Events(events::Args),
    Db(db::Args),
    Cache(cache::Args),
    Config(config::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Settings that every sub-command takes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Global {
    /// Use this vulnerability database instead of the one `assay db update` keeps.
    #[arg(long, value_name = "FILE", env = "ASSAY_DB", value_parser = path, global = true)]
    pub(crate) db: Option<PathBuf>,

    /// Keep the database, downloads and analyses of layers in this folder.
    #[arg(long, value_name = "DIR", env = "ASSAY_CACHE_DIR", value_parser = path, global = true)]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Let analyses of layers take at most this much room; those not used for the longest time go first.
    #[arg(long, value_name = "SIZE", env = "ASSAY_CACHE_SIZE", default_value = "2GiB", global = true)]
    pub(crate) cache_size: Bytes,

    /// Read settings from this file instead of the `assay.yaml` found upwards from the working folder.
    #[arg(long, value_name = "FILE", env = "ASSAY_CONFIG", value_parser = path, global = true)]
    pub(crate) config: Option<PathBuf>,

    /// Open no connection to another machine.
    #[arg(long, env = "ASSAY_OFFLINE", value_parser = FalseyValueParser::new(), global = true)]
    pub(crate) offline: bool,

    /// Print results and errors only: no progress, no notes.
    #[arg(long, short, env = "ASSAY_QUIET", value_parser = FalseyValueParser::new(), global = true)]
    pub(crate) quiet: bool,
}

/// Reads a path, also an empty one: CI systems pass variables that are not set as empty. [`Global::given`] forgets those.
#[expect(clippy::unnecessary_wraps, reason = "the parser's interface")]
pub(crate) fn path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(text.into())
}

impl Global {
    /// Returns the settings without those that are empty.
    fn given(mut self) -> Self {
        let given = |path: &PathBuf| !path.as_os_str().is_empty();
        self.db = self.db.filter(given);
        self.cache_dir = self.cache_dir.filter(given);
        self.config = self.config.filter(given);
        self
    }
}

/// Runs a sub-command.
pub(crate) fn run(command: Command, global: Global) -> Result<ExitCode, CommandError> {
    let global = &global.given();
    match command {
        Command::Scan(args) => scan::run(&args, global),
        Command::Explain(args) => explain::run(&args, global),
        Command::Gate(args) => gate::run(&args, global),
        Command::Policy(args) => policy::run(&args, global),
        Command::Lint(args) => lint::run(&args, global),
        Command::Sbom(args) => sbom::run(args, global),
        Command::Vex(args) => vex::run(&args, global),
        Command::Diff(args) => diff::run(args, global),
        Command::Tree(args) => tree::run(&args, global),
        Command::Attach(args) => attach::run(&args, global),
        Command::Download(args) => download::run(&args, global),
        Command::Copy(args) => copy::run(&args, global),
        Command::Promote(args) => promote::run(&args, global),
        Command::Registry(args) => registry::run(&args, global),
        Command::Ref(args) => reference::run(&args, global),
        Command::Convert(args) => convert::run(&args),
        Command::Sign(args) => sign::run(&args, global),
        Command::Verify(args) => verify::run(&args, global),
        Command::VerifyBlob(args) => verify_blob::run(&args, global),
        Command::Attest(args) => attest::run(&args, global),
        Command::SignBlob(args) => sign_blob::run(&args, global),
        Command::AttestBlob(args) => attest_blob::run(&args, global),
        Command::VerifyAttestation(args) => verify_attestation::run(&args, global),
        Command::Key(args) => key::run(&args, global),
        #[cfg(feature = "server")]
        Command::Build(args) => build::run(&args, global),
        #[cfg(feature = "server")]
        Command::Deployment(args) => deployment::run(&args, global),
        #[cfg(feature = "server")]
        Command::Serve(args) => serve::run(*args, global),
        #[cfg(feature = "server")]
        Command::Worker(args) => worker::run(&args, global),
        #[cfg(feature = "server")]
        Command::Audit(args) => audit::run(&args),
        #[cfg(feature = "server")]
        Command::Credential(args) => credential::run(&args, global),
        #[cfg(feature = "server")]
        Command::Demo(args) => demo::run(&args, global),
        #[cfg(feature = "server")]
        Command::Images(args) => images::run(&args, global),
        #[cfg(feature = "server")]
        Command::BlastRadius(args) => blast_radius::run(&args, global),
        #[cfg(feature = "server")]
        Command::Triage(args) => triage::run(&args, global),
        #[cfg(feature = "server")]
        Command::Promotion(args) => promotion::run(&args, global),
        #[cfg(feature = "server")]
        Command::Events(args) => events::run(&args, global),
        Command::Db(args) => db::run(&args, global),
        Command::Cache(args) => cache::run(&args, global),
        Command::Config(args) => config::run(&args, global),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}
