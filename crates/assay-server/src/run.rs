//! The whole process: `assay serve` and `assay worker`, from opening the database to the signal that ends it.

use crate::admission::{Admission, Flights, Identities, Judge, Workload};
use crate::crawl::{Crawls, schedule};
use crate::http::{App, router};
use crate::indicators::Kept as KeptIndicators;
use crate::limits::Limits;
use crate::listen::{self, ListenError, Peer, Tls, TlsFiles, TlsListener};
use crate::metrics::Metrics;
use crate::notify::{Notifier, NotifyUrl, keep_telling};
use crate::owners::Owners;
use crate::rematch::{catch_up, rematch_all};
use crate::scanner::Scanner;
use crate::token::{NoRandomness, first_token};
use crate::triage::keep_ending;
use crate::webhook::Secrets;
use crate::worker::{Clock, Worker, fault};
use assay_advisories::Database;
use assay_store::{Address, OpenStoreError, Store, StoreError, Terms, Token};
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
/// How long a worker that failed pauses before it goes on.
const RESTART: Duration = Duration::from_secs(5);

/// What workers need.
pub struct Work {
    /// Where the jobs are.
    pub address: Address,
    /// How they are done.
    pub scanner: Scanner,
    /// How they are chosen.
    pub terms: Terms,
    /// How many are done at once.
    pub workers: usize,
    /// What this process is called in the database.
    pub name: String,
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
    /// Where a copy of the vulnerability database is kept that everything stored was judged by.
    pub judged_by: PathBuf,
    /// Where messages about what happens go.
    pub notify: Vec<NotifyUrl>,
    /// What registries prove by that an event is theirs.
    pub webhooks: Secrets,
    /// Which registries are asked at intervals what they have.
    pub crawls: Crawls,
    /// Who answers for which repositories.
    pub owners: Owners,
    /// Told once everything is there.
    pub ready: Ready,
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
pub fn work(options: Work) -> Result<(), RunError> {
    runtime()?.block_on(async {
        let store = Store::open(&options.address).await?;
        let stop = stop_on_signal()?;
        let (name, count) = (options.name.clone(), options.workers);
        (options.note)(&format!("`{name}` does up to {count} jobs at a time from `{}`", options.address));
        let workers = start(&store, options, &Arc::new(Metrics::default()), &stop);
        farewell(workers, &stop).await;
        Ok(())
    })
}

/// Runs the server, and its workers if it has any, until the process is told to end.
///
/// # Errors
/// Fails when the database or the address cannot be used.
pub fn serve(options: Serve) -> Result<(), RunError> {
    runtime()?.block_on(async {
        let tls = options.tls.map(Tls::read).transpose()?.map(Arc::new);
        // Before the database is touched: a server that may not listen should change nothing.
        let listener = listen::bind(options.listen, tls.as_deref()).await?;
        let address = listener.local_addr()?;
        let store = Store::open(&options.work.address).await?;
        let stop = stop_on_signal()?;
        let metrics = Arc::new(Metrics::default());
        let clock = options.work.clock.clone();
        let token = first_token(&store, clock()).await??;
        let (note, name) = (options.work.note.clone(), options.work.name.clone());
        // What the server judged by from here on, and whom it believed.
        let detail = serde_json::json!({
            "policy": options.judge.as_ref().map(Judge::digest),
            "registries": options.work.scanner.registries,
            "anonymousAdmission": options.anonymous_admission,
        });
        let mut work = store.begin().await?;
        work.audit("assay serve", "serve.start", &address.to_string(), &detail, clock()).await?;
        work.commit().await?;
        let (scanner, workers) = start_with(&store, options.work, &metrics, &stop);
        let admission = options.judge.map(|judge| Admission {
            store: store.clone(),
            judge: Arc::new(judge),
            scanner: scanner.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            flights: Flights::default(),
            identities: options.identities,
            workloads: options.workloads,
        });
        let notifiers: Running = options
            .notify
            .into_iter()
            .map(|url| {
                let notifier = Notifier {
                    store: store.clone(),
                    url,
                    network: scanner.network.clone(),
                    owner: name.clone(),
                    clock: clock.clone(),
                    metrics: metrics.clone(),
                };
                tokio::spawn(keep_telling(notifier, note.clone()))
            })
            .collect();
        let watch = tokio::spawn(watch_database(
            store.clone(),
            scanner.clone(),
            options.judged_by,
            clock.clone(),
            note.clone(),
            stop.clone(),
        ));
        let crawls = tokio::spawn(schedule(store.clone(), options.crawls, clock.clone(), stop.clone()));
        let ending = tokio::spawn(keep_ending(store.clone(), clock.clone(), note.clone(), stop.clone()));
        let app = App {
            store: store.clone(),
            scanner,
            admission,
            anonymous_admission: options.anonymous_admission,
            clock,
            metrics,
            limits: Limits::default(),
            indicators: KeptIndicators::default(),
            webhooks: options.webhooks,
            owners: options.owners,
        };
        let service = router(Arc::new(app)).into_make_service_with_connect_info::<Peer>();
        (options.ready)(address, token.as_ref());
        let told = stop.clone();
        let until = async move { raised(&told).await };
        match tls {
            Some(tls) => {
                tokio::spawn(watch_certificates(tls.clone(), note, stop.clone()));
                let listener = TlsListener::start(listener, tls)?;
                axum::serve(listener, service).with_graceful_shutdown(until).await?;
            }
            None => axum::serve(listener, service).with_graceful_shutdown(until).await?,
        }
        farewell(workers, &stop).await;
        watch.abort();
        notifiers.iter().for_each(tokio::task::JoinHandle::abort);
        crawls.abort();
        ending.abort();
        Ok(())
    })
}

pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
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
    clock: Clock,
    note: Arc<dyn Fn(&str) + Send + Sync>,
    stop: Arc<AtomicBool>,
) {
    while !stop.load(Ordering::Relaxed) {
        let (store, scanner, judged_by, clock, note, told) =
            (store.clone(), scanner.clone(), judged_by.clone(), clock.clone(), note.clone(), note.clone());
        // Matching takes the processor for long; requests must not wait for it.
        let handle = tokio::runtime::Handle::current();
        let checked = tokio::task::spawn_blocking(move || {
            if let Err(error) = handle.block_on(check_database(&store, &scanner, &judged_by, &clock, &*note))
            {
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
    clock: &Clock,
    note: &(dyn Fn(&str) + Send + Sync),
) -> Result<(), Failure> {
    let (new, built_in) = (scanner.database)()?;
    store.describe_database(new.built_at().into(), &crate::report::describe(&new, built_in)?).await?;
    let old = Database::open(judged_by).ok();
    if let Some(old) = old.as_ref().filter(|old| old.built_at() != new.built_at()) {
        let done = rematch_all(store, old, (&new, built_in), clock()).await?;
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
