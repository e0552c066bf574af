//! The whole process: `assay serve` and `assay worker`, from opening the database to the signal that ends it.

use crate::admission::{Admission, Flights, Identities, Judge, Namespaces, Workload, keep_looking_after};
use crate::audit::{CheckpointExport, export};
use crate::condition::{ReadUpdate, keep_checking};
use crate::crawl::{Crawls, schedule};
use crate::credential::{Keyring, Vault};
use crate::deep::keep_deepening;
use crate::evidence::{self, Refresh};
use crate::http::{App, router};
use crate::indicators::Kept as KeptIndicators;
use crate::limits::Limits;
use crate::listen::{self, ListenError, Patience, Tls, TlsFiles};
use crate::login::Login;
use crate::metrics::Metrics;
use crate::notify::{Channel, Notifications, Notifier, keep_telling};
use crate::owners::{Owners, Ownership, ReadOwners, keep_owning};
use crate::policing;
use crate::promote::{Pair, Promoter, keep_promoting};
use crate::rematch::{catch_up, rematch_all};
use crate::retention::keep_forgetting;
use crate::scanner::Scanner;
use crate::signed::keep_counting;
use crate::token::{NoRandomness, first_token};
use crate::trace::CollectorUrl;
use crate::triage::keep_ending;
use crate::webhook::Secrets;
use crate::worker::{Clock, Worker, chain, fault};
use assay_advisories::Database;
use assay_oci::{CredentialSources, NetworkOptions};
use assay_sign::key::PrivateKey;
use assay_store::{
    Address, ObjectError, ObjectStorage, Objects, OpenStoreError, Store, StoreError, Terms, Token,
};
use std::error::Error as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often is looked whether there is another vulnerability database.
const DATABASE_CHECK: Duration = Duration::from_secs(20);
/// How often is looked whether there is another certificate.
const CERTIFICATE_CHECK: Duration = Duration::from_secs(5);
/// How long jobs at hand may take to end once the process is told to.
const FAREWELL: Duration = Duration::from_secs(25);
/// What is written and read at each start, by every process alike, to see that the object storage works: its name, and what is in it. It
/// stays. What is not there is not asked for: who may not list a bucket is told by S3 that it is forbidden.
const PROBE: (&str, &[u8]) = ("cc6bfd211c666a5ed4e0cda3425a3f7e15eaea63b813eb4af54d1e34f25be2dd", b"assay\n");
/// How long a worker that failed pauses before it goes on.
const RESTART: Duration = Duration::from_secs(5);

/// What workers need.
pub struct Work {
    /// Where the jobs are.
    pub address: Address,
    /// Where large documents are kept, if not in the database.
    pub objects: Option<Arc<dyn ObjectStorage>>,
    /// What opens the credentials for registries that are kept in the database.
    pub keyring: Keyring,
    /// How they are done.
    pub scanner: Scanner,
    /// Who is told of every step that is done.
    pub traces: Option<CollectorUrl>,
    /// How they are chosen.
    pub terms: Terms,
    /// How many are done at once.
    pub workers: usize,
    /// What this process is called in the database.
    pub name: String,
    /// Tells how long this process has kept processors busy.
    pub busy: fn() -> Option<Duration>,
    /// What tells the time.
    pub clock: Clock,
    /// Takes what the operator should know.
    pub note: Arc<dyn Fn(&str) + Send + Sync>,
}

/// Takes the address that is listened on, and the first administrator's token if it was made now.
pub type Ready = Box<dyn FnOnce(SocketAddr, Option<&Token>) + Send>;

/// What the server needs besides.
pub struct Serve {
    /// What workers need; there may be none in this process.
    pub work: Work,
    /// Where to listen.
    pub listen: SocketAddr,
    /// How patient it is with slow clients, and how many there may be.
    pub patience: Patience,
    /// Certificate and key.
    pub tls: Option<TlsFiles>,
    /// By what workloads are judged.
    pub judge: Option<Judge>,
    /// Whether admission answers who shows neither token nor certificate.
    pub anonymous_admission: bool,
    /// Who is not judged.
    pub identities: Identities,
    /// Kinds of custom resources that hold pods.
    pub workloads: Vec<Workload>,
    /// The labels of namespaces, where they may be asked for.
    pub namespaces: Option<Namespaces>,
    /// Where a copy of the vulnerability database is kept that everything stored was judged by.
    pub judged_by: PathBuf,
    /// Who is told of what happens.
    pub notifications: Notifications,
    /// What the last update of the vulnerability database could not do.
    pub update: Arc<ReadUpdate>,
    /// What registries prove by that an event is theirs.
    pub webhooks: Secrets,
    /// Signs people in who are known to an identity provider.
    pub login: Option<Login>,
    /// What checkpoints of the audit log are signed by.
    pub audit_key: PrivateKey,
    /// Where they go at intervals, if they do.
    pub checkpoints: Option<CheckpointExport>,
    /// Which registries are asked at intervals what they have.
    pub crawls: Crawls,
    /// How often registries are asked again what is attached to images.
    pub refresh: Refresh,
    /// From where to where images are promoted.
    pub promotions: Promotions,
    /// How often images are looked for that were never looked at deeply; never if it is zero.
    pub deepen_every: Duration,
    /// How long what is not seen any more is kept; for ever, if nothing is said.
    pub keep: Option<Duration>,
    /// Who answers for which repositories.
    pub owners: Owners,
    /// Reads that again, which is done at intervals.
    pub read_owners: Option<Arc<ReadOwners>>,
    /// Told once everything is there.
    pub ready: Ready,
}

/// From where to where images are promoted, and how.
#[derive(Default)]
pub struct Promotions {
    /// The repositories; none promotes nothing.
    pub pairs: Vec<Pair>,
    /// By what is judged, if not by what workloads are judged by.
    pub judge: Option<Judge>,
    /// Patterns of tags that a promotion may move.
    pub moving: Vec<String>,
    /// The credentials that release repositories are written with, if they stand in files of their own.
    pub credentials: Option<CredentialSources>,
}

/// Why the process cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenStoreError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address cannot be used.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The object storage cannot be used.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// There is no randomness for a token.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The system refused something.
    #[error("the server cannot run")]
    Io(#[from] std::io::Error),
}

/// Runs workers until the process is told to end.
///
/// # Errors
/// Fails when the database cannot be opened.
pub fn work(mut options: Work) -> Result<(), RunError> {
    // A bucket has a way to the network, which cannot be closed from inside of what runs here: so it is closed last.
    let _objects = options.objects.clone();
    runtime()?.block_on(async {
        let store = open(&options).await?;
        vault(&store, &mut options).await?;
        let stop = stop_on_signal()?;
        let (name, count) = (options.name.clone(), options.workers);
        (options.note)(&format!("`{name}` does up to {count} jobs at a time from `{}`", options.address));
        let metrics = Arc::new(Metrics::default());
        measure(&metrics, &options)?;
        let workers = start(&store, options, &metrics, &stop);
        farewell(workers, &stop).await;
        last_traces(&metrics).await;
        Ok(())
    })
}

/// Runs the server, and its workers if it has any, until the process is told to end.
///
/// # Errors
/// Fails when the database or the address cannot be used.
pub fn serve(mut options: Serve) -> Result<(), RunError> {
    // A bucket has a way to the network, which cannot be closed from inside of what runs here: so it is closed last.
    let _objects = options.work.objects.clone();
    runtime()?.block_on(async {
        let tls = options.tls.map(Tls::read).transpose()?.map(Arc::new);
        // Before the database is touched: a server that may not listen should change nothing.
        let listener = listen::bind(options.listen, tls.as_deref()).await?;
        let address = listener.local_addr()?;
        let store = open(&options.work).await?;
        let vault = vault(&store, &mut options.work).await?;
        let stop = stop_on_signal()?;
        let metrics = Arc::new(Metrics::default());
        let clock = options.work.clock.clone();
        let token = first_token(&store, clock()).await??;
        let (note, name) = (options.work.note.clone(), options.work.name.clone());
        // What the server judged by from here on, and whom it believed.
        let detail = serde_json::json!({
            "policy": options.judge.as_ref().map(Judge::digest),
            "trust": options.judge.as_ref().map(Judge::trust),
            "promotionPolicy": options.promotions.judge.as_ref().map(Judge::digest),
            "promotions": options.promotions.pairs.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "registries": options.work.scanner.registries,
            "anonymousAdmission": options.anonymous_admission,
            "channels": options.notifications.channels.iter().map(Channel::key).collect::<Vec<_>>(),
            "provider": options.login.as_ref().map(Login::provider),
        });
        let mut work = store.begin().await?;
        work.end_other_logins(options.login.as_ref().map(Login::terms)).await?;
        work.audit("assay serve", "serve.start", &address.to_string(), &detail, clock()).await?;
        work.commit().await?;
        let owners = Ownership::from(options.owners);
        // Before anybody is answered: a repository may have been taken from a team while no server ran.
        owners.record(&store).await?;
        let terms = options.work.terms;
        measure(&metrics, &options.work)?;
        let (scanner, workers) = start_with(&store, options.work, &metrics, &stop);
        let admission_by = |judge: Arc<Judge>| Admission {
            store: store.clone(),
            judge,
            scanner: scanner.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            flights: Flights::default(),
            identities: Identities::default(),
            workloads: Vec::new(),
            namespaces: None,
        };
        let judge = options.judge.map(Arc::new);
        let policing = judge.clone().map(|judge| {
            tokio::spawn(policing::keep_telling(store.clone(), judge, clock.clone(), stop.clone()))
        });
        let Promotions { pairs, judge: other, moving, credentials } = options.promotions;
        let promoting_judge = other.map(Arc::new).or_else(|| judge.clone()).filter(|_| !pairs.is_empty());
        let promoter = promoting_judge.map(|judge| {
            let credentials = vault.writing(credentials, &scanner.network.credentials);
            Arc::new(Promoter {
                store: store.clone(),
                admission: admission_by(judge),
                pairs,
                moving,
                network: NetworkOptions { credentials, ..scanner.network.clone() },
                terms,
                name: format!("{name} promoter"),
                clock: clock.clone(),
                flights: Flights::default(),
            })
        });
        let admission = judge.map(|judge| Admission {
            identities: options.identities,
            workloads: options.workloads,
            namespaces: options.namespaces,
            ..admission_by(judge)
        });
        let Notifications { channels, rules, window, thresholds } = options.notifications;
        let rules = Arc::new(rules);
        let notifiers: Running = channels
            .into_iter()
            .map(|channel| {
                let notifier = Notifier {
                    store: store.clone(),
                    channel,
                    rules: rules.clone(),
                    window,
                    network: scanner.network.clone(),
                    owner: name.clone(),
                    clock: clock.clone(),
                    metrics: metrics.clone(),
                };
                tokio::spawn(keep_telling(notifier, note.clone()))
            })
            .collect();
        let indicators = KeptIndicators::default();
        let watch = tokio::spawn(watch_database(
            store.clone(),
            scanner.clone(),
            options.judged_by,
            indicators.clone(),
            clock.clone(),
            note.clone(),
            stop.clone(),
        ));
        let promoting = promoter
            .clone()
            .map(|promoter| tokio::spawn(keep_promoting(promoter, note.clone(), stop.clone())));
        let deepening = tokio::spawn(keep_deepening(
            store.clone(),
            scanner.clone(),
            options.deepen_every,
            clock.clone(),
            stop.clone(),
        ));
        let audit_key = Arc::new(options.audit_key);
        let checkpoints = options.checkpoints.map(|checkpoints| {
            let (store, key, clock) = (store.clone(), audit_key.clone(), clock.clone());
            tokio::spawn(export(store, key, checkpoints, clock, note.clone(), stop.clone()))
        });
        let crawls = tokio::spawn(schedule(store.clone(), options.crawls, clock.clone(), stop.clone()));
        let refresh = tokio::spawn(evidence::schedule(
            store.clone(),
            scanner.clone(),
            options.refresh,
            clock.clone(),
            stop.clone(),
        ));
        let forgetting = tokio::spawn(keep_forgetting(
            store.clone(),
            options.keep,
            clock.clone(),
            note.clone(),
            stop.clone(),
        ));
        let ending = tokio::spawn(keep_ending(store.clone(), clock.clone(), note.clone(), stop.clone()));
        let app = App {
            store: store.clone(),
            vault,
            scanner,
            admission,
            anonymous_admission: options.anonymous_admission,
            clock,
            metrics: metrics.clone(),
            limits: Limits::default(),
            indicators,
            login: options.login,
            audit_key: Some(audit_key),
            webhooks: options.webhooks,
            promoter,
            keep: options.keep,
            owners,
        };
        let app = Arc::new(app);
        let owning = tokio::spawn(keep_owning(app.clone(), options.read_owners, note.clone(), stop.clone()));
        let conditions = tokio::spawn(keep_checking(app.clone(), thresholds, options.update));
        let admitted = tokio::spawn(keep_looking_after(app.clone(), stop.clone()));
        let counting = tokio::spawn(keep_counting(app.clone(), stop.clone()));
        let service = router(app);
        (options.ready)(address, token.as_ref());
        let told = stop.clone();
        let until = async move { raised(&told).await };
        if let Some(tls) = &tls {
            tokio::spawn(watch_certificates(tls.clone(), note, stop.clone()));
        }
        listen::answer(listener, tls, service, options.patience, until).await;
        farewell(workers.into_iter().chain(promoting).collect(), &stop).await;
        watch.abort();
        notifiers.iter().for_each(tokio::task::JoinHandle::abort);
        crawls.abort();
        refresh.abort();
        policing.iter().for_each(tokio::task::JoinHandle::abort);
        deepening.abort();
        forgetting.abort();
        conditions.abort();
        owning.abort();
        admitted.abort();
        counting.abort();
        if let Some(checkpoints) = checkpoints {
            checkpoints.abort();
        }
        last_traces(&metrics).await;
        ending.abort();
        Ok(())
    })
}

/// Opens the database and the object storage. Both are tried, so that what is set up wrongly is an error of the command and not of every job.
async fn open(options: &Work) -> Result<Store, RunError> {
    let store = Store::open(&options.address).await?;
    let Some(storage) = options.objects.clone() else {
        store.check_objects(None).await?;
        return Ok(store);
    };
    let store = store.with_objects(Objects::new(storage.clone())).await?;
    let (name, bytes) = PROBE;
    let tried = tokio::task::spawn_blocking(move || {
        storage.put(name, bytes)?;
        storage.get(name)
    });
    let read = tried.await.map_err(|error| std::io::Error::other(fault(error)))??;
    if read.as_deref() != Some(bytes) {
        return Err(std::io::Error::other("the object storage does not give back what was written").into());
    }
    Ok(store)
}

/// Has registries asked with what is kept for them, too, and tells of what cannot be opened: whatever wants that will fail, the rest goes on.
async fn vault(store: &Store, work: &mut Work) -> Result<Vault, RunError> {
    let keyring = Arc::new(std::mem::take(&mut work.keyring));
    let vault = Vault::new(store.clone(), keyring, work.clock.clone(), tokio::runtime::Handle::current());
    let credentials = &mut work.scanner.network.credentials;
    *credentials = vault.reading(std::mem::take(credentials));
    for error in vault.shut().await? {
        (work.note)(&chain(&error));
    }
    Ok(vault)
}

pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

/// Begins to measure, and to tell of every step if somebody wants to know.
fn measure(metrics: &Metrics, work: &Work) -> std::io::Result<()> {
    let _ = metrics.busy.set(work.busy);
    match &work.traces {
        Some(url) => metrics.traces.start(url.clone(), work.scanner.network.clone(), &work.name),
        None => Ok(()),
    }
}

/// Sends the spans that are left.
async fn last_traces(metrics: &Arc<Metrics>) {
    let metrics = metrics.clone();
    let _ = tokio::task::spawn_blocking(move || metrics.traces.finish()).await;
}

type Running = Vec<tokio::task::JoinHandle<()>>;

fn start(store: &Store, options: Work, metrics: &Arc<Metrics>, stop: &Arc<AtomicBool>) -> Running {
    start_with(store, options, metrics, stop).1
}

fn start_with(
    store: &Store,
    options: Work,
    metrics: &Arc<Metrics>,
    stop: &Arc<AtomicBool>,
) -> (Arc<Scanner>, Running) {
    let scanner = Arc::new(options.scanner);
    let workers = (0..options.workers).map(|number| {
        let worker = Worker {
            name: format!("{} {number}", options.name),
            store: store.clone(),
            scanner: scanner.clone(),
            terms: options.terms,
            clock: options.clock.clone(),
            metrics: metrics.clone(),
        };
        tokio::spawn(keep_running(worker, options.note.clone(), stop.clone()))
    });
    let workers = workers.collect();
    (scanner, workers)
}

/// Runs a worker, and starts it again when it fails: a fault of the program must neither go unseen nor end the work.
async fn keep_running(worker: Worker, note: Arc<dyn Fn(&str) + Send + Sync>, stop: Arc<AtomicBool>) {
    while let Err(error) = tokio::spawn(worker.clone().run(stop.clone())).await {
        note(&format!("the worker `{}` failed and is started again: {}", worker.name, fault(error)));
        tokio::time::sleep(RESTART).await;
    }
}

/// Raises the flag at the first SIGTERM or SIGINT; at the second the process ends at once, which loses nothing either.
fn stop_on_signal() -> std::io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let raise = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if raise.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        }
    });
    Ok(stop)
}

async fn raised(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits for the end, and then for the jobs at hand; those that take too long are done again by others.
async fn farewell(workers: Running, stop: &AtomicBool) {
    raised(stop).await;
    let all = async {
        for worker in workers {
            let _ = worker.await;
        }
    };
    let _ = tokio::time::timeout(FAREWELL, all).await;
}

/// Looks for new certificates. Whoever replaces them may write certificate and key one after the other, so that for a moment they do
/// not belong together: that is told once, and tried again.
async fn watch_certificates(tls: Arc<Tls>, note: Arc<dyn Fn(&str) + Send + Sync>, stop: Arc<AtomicBool>) {
    let mut told = false;
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(CERTIFICATE_CHECK).await;
        match tls.refresh() {
            Ok(true) => {
                told = false;
                note("the certificate has changed, and the new one is used");
            }
            Ok(false) => told = false,
            Err(_) if told => {}
            Err(error) => {
                told = true;
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                note(&format!("the former certificate is used on: {error}{cause}"));
            }
        }
    }
}

/// Looks for a new vulnerability database, and matches what it changes.
async fn watch_database(
    store: Store,
    scanner: Arc<Scanner>,
    judged_by: PathBuf,
    indicators: KeptIndicators,
    clock: Clock,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        let (store, scanner, judged_by, clock, note, told) =
            (store.clone(), scanner.clone(), judged_by.clone(), clock.clone(), note.clone(), note.clone());
        let indicators = indicators.clone();
        // Matching takes the processor for long; requests must not wait for it.
        let handle = tokio::runtime::Handle::current();
        let checked = tokio::task::spawn_blocking(move || {
            let check = check_database(&store, &scanner, &judged_by, &indicators, &clock, &*note);
            if let Err(error) = handle.block_on(check) {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                note(&format!("stored inventories were not matched with the new database: {error}{cause}"));
            }
        });
        if let Err(error) = checked.await {
            told(&format!("the program failed while it matched stored inventories: {}", fault(error)));
        }
        tokio::time::sleep(DATABASE_CHECK).await;
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn check_database(
    store: &Store,
    scanner: &Scanner,
    judged_by: &Path,
    indicators: &KeptIndicators,
    clock: &Clock,
    note: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), Failure> {
    let (new, built_in) = (scanner.database)()?;
    store.describe_database(new.built_at().into(), &crate::report::describe(&new, built_in)?).await?;
    let old = Database::open(judged_by).ok();
    if let Some(old) = old.as_ref().filter(|old| old.built_at() != new.built_at()) {
        let done = rematch_all(store, old, (&new, built_in), clock()).await?;
        indicators.forget().await;
        note(&format!(
            "the database of {} says other things about {} packages: {} images have one of them, {} have other findings now",
            new.built_at(),
            done.packages,
            done.affected.len(),
            done.changed.len()
        ));
    }
    // Also what nobody knows by which database it was judged, what a worker with an older one stored, and what was stored meanwhile.
    let late = catch_up(store, (&new, built_in), clock()).await?;
    if !late.affected.is_empty() {
        note(&format!(
            "{} images were judged by an older database than that of {}: {} have other findings now",
            late.affected.len(),
            new.built_at(),
            late.changed.len()
        ));
    }
    if old.is_none_or(|old| old.built_at() != new.built_at()) { keep(&new, judged_by) } else { Ok(()) }
}

/// Keeps a copy of the database, whole or not at all.
fn keep(database: &Database, path: &Path) -> Result<(), Failure> {
    let new = path.with_extension("new");
    std::fs::write(&new, database.bytes())?;
    std::fs::rename(&new, path)?;
    Ok(())
}
