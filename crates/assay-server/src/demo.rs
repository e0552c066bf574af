//! `assay demo`: the server over a registry with a few made-up images, and the story of one vulnerability.
//!
//! Everything is real but the content: images are pushed, told of by events, pulled, scanned, judged and admitted or denied by the
//! same code as ever. Packages and advisories are invented, so that nobody takes them for facts.

mod image;
mod registry;
mod story;

use crate::admission::{Identities, Judge, LoadPolicyError};
use crate::crawl::Crawls;
use crate::credential::Keyring;
use crate::evidence::Refresh;
use crate::listen::Patience;
use crate::notify::Notifications;
use crate::owners::Owners;
use crate::run::{Promotions, RunError, Serve, Work, serve};
use crate::scanner::Scanner;
use crate::webhook::Secrets;
use crate::worker::Clock;
use assay_oci::NetworkOptions;
use assay_sign::key::{NewKey, PrivateKey};
use assay_store::{Address, Terms};
use registry::Registry;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use story::Story;

/// What the demo judges by.
pub(crate) const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: demo}
tiers:
  - name: production
    match: {namespaces: [production]}
    onPending: wait
rules:
  - vulnerabilities: {max: {critical: 0}}
";

/// What the demo needs of the outside.
pub struct Demo {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// An empty folder for the database.
    pub folder: PathBuf,
    /// What the process is called in the database.
    pub name: String,
    /// What tells the time.
    pub clock: Clock,
    /// Takes the story, line by line.
    pub tell: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The server ended.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The policy of the demo cannot be read.
    #[error(transparent)]
    Policy(#[from] LoadPolicyError),
    /// The registry cannot be started, or an image cannot be made.
    #[error("cannot start the registry of the demo")]
    Registry(#[from] std::io::Error),
    /// There is no key for checkpoints of the audit log.
    #[error("cannot make a key for the demo")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The advisories cannot be compiled.
    #[error("cannot compile the advisories of the demo")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Runs the demo until the process is told to end.
///
/// # Errors
/// Fails when the address cannot be had, or the folder cannot be written to.
pub fn demo(options: Demo) -> Result<(), DemoError> {
    let registry = Registry::start()?;
    let is_known = Arc::new(AtomicBool::new(false));
    let built = (options.clock)().timestamp();
    // One before the vulnerability is known, and one after.
    let databases = [story::database(false, built), story::database(true, built)];
    let [before, after] = databases.map(|bytes| bytes.map(Arc::new).map_err(DemoError::Database));
    let (before, after, known) = (before?, after?, is_known.clone());
    let database = move || {
        let bytes = if known.load(Ordering::Relaxed) { &after } else { &before };
        Ok((assay_advisories::Database::from_bytes(bytes.to_vec())?, false))
    };
    let network = NetworkOptions::default();
    let (tell, clock, host) = (options.tell.clone(), options.clock.clone(), registry.host());
    let (told, client) = (tell.clone(), network.clone());
    serve(Serve {
        work: Work {
            address: Address::File(options.folder.join("demo.db")),
            scanner: Scanner {
                registries: [host].into(),
                network,
                scratch: options.folder.clone(),
                threads: NonZeroUsize::MIN,
                deep: false,
                deep_tags: Vec::new(),
                database: Arc::new(database),
                cache: Arc::new(|| None),
            },
            objects: None,
            keyring: Keyring::default(),
            traces: None,
            busy: || None,
            terms: Terms::default(),
            workers: 2,
            name: options.name,
            clock,
            note: Arc::new(move |text| told(&format!("   (server: {text})"))),
        },
        listen: options.listen,
        patience: Patience::default(),
        login: None,
        audit_key: PrivateKey::generate(NewKey::EcdsaP256).map_err(|error| DemoError::Key(error.into()))?,
        checkpoints: None,
        tls: None,
        judge: Some(Judge::parse(POLICY)?),
        anonymous_admission: false,
        identities: Identities::default(),
        workloads: Vec::new(),
        namespaces: None,
        refresh: Refresh::default(),
        promotions: Promotions::default(),
        deepen_every: Duration::ZERO,
        keep: None,
        owners: Owners::default(),
        read_owners: None,
        judged_by: options.folder.join("judged-by.db"),
        notifications: Notifications::default(),
        update: Arc::new(Vec::new),
        webhooks: Secrets::default(),
        crawls: Crawls { places: [].into(), every: Duration::from_secs(3600) },
        ready: Box::new(move |address, token| {
            let Some(token) = token.map(|token| token.reveal().to_owned()) else { return };
            let story = Story { address, token, registry, network: client, is_known, tell };
            // The server answers its questions, so it has a thread of its own.
            std::thread::spawn(move || story.play());
        }),
    })?;
    Ok(())
}
