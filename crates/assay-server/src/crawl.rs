//! Crawls: registries are asked at intervals what they have, so that an event that was missed is caught.
//!
//! A crawl is a job like any other: one of a repository lists its tags and asks what they stand for, one of a registry lists its
//! repositories and asks for a crawl of each. What a registry says here is a hint, as its events are: a tag that seems to be new or moved is
//! resolved by the job that a push would have been. Surprising: a tag that resolves to a signature or another artifact is never known as an
//! image; so that it is not resolved at every crawl, it counts as known for as long as the job that did so is remembered.

use crate::scanner::{ScanError, Scanner};
use crate::worker::{ATTEMPTS, Clock, RESOLVE};
use assay_oci::Network;
use assay_oci::registry::Crawler;
use assay_store::{FoundTag, Job, ListedTag, Listing, Moment, NewJob, Store, StoreError, Work};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The job that lists a repository, or all of a registry.
pub(crate) const CRAWL: &str = "crawl";
/// Repositories of a registry that are crawled.
const MAX_REPOSITORIES: usize = 5000;
/// Jobs that may be queued when a crawl asks for more: half of what makes the server send registries away, so that a crawl never has a push
/// refused. What is left is found again by the next crawl.
const MAX_QUEUED: i64 = 5000;
/// Tags of a repository that are listed.
const MAX_TAGS: usize = 10_000;
/// Tags of which one crawl asks what they stand for: those that were never looked at first, then those longest ago. The next crawl goes on.
const MAX_LOOKS: usize = 1000;
/// Events of one crawl that tell of single tags.
const MAX_TOLD: usize = 1000;
/// How often is looked whether a crawl is due.
const CHECK: Duration = Duration::from_secs(5);

/// What is crawled, and how often.
#[derive(Debug, Clone, Default)]
pub struct Crawls {
    /// Registries and repositories, as `HOST` and `HOST/REPOSITORY`.
    pub places: BTreeSet<String>,
    /// How often.
    pub every: Duration,
}

/// What is counted.
#[derive(Debug, Default)]
pub struct CrawlCounts {
    crawls: AtomicU64,
    found: AtomicU64,
    gone: AtomicU64,
}

impl CrawlCounts {
    /// Writes them in the text format of Prometheus.
    pub(crate) fn render(&self, text: &mut String) {
        use std::fmt::Write as _;
        for (name, help, count) in [
            ("assay_crawls_total", "Repositories that were listed by this process.", &self.crawls),
            ("assay_crawl_found_total", "Tags that a crawl found to be new or moved.", &self.found),
            ("assay_crawl_gone_total", "Tags that a crawl found to be gone.", &self.gone),
        ] {
            let count = count.load(Ordering::Relaxed);
            let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{name} {count}\n");
        }
    }

    pub(crate) fn add(&self, [crawls, found, gone]: [usize; 3]) {
        for (counter, more) in [(&self.crawls, crawls), (&self.found, found), (&self.gone, gone)] {
            counter.fetch_add(more.try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

/// What a crawl came to.
pub(crate) enum Crawled {
    Repositories { names: BTreeSet<String>, complete: bool },
    Tags(Listing),
}

/// Asks for the crawls that are due, until `stop` is raised.
pub(crate) async fn schedule(store: Store, crawls: Crawls, clock: Clock, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) && !crawls.places.is_empty() {
        // A database that is away is back at the next look.
        let _ = ask_for_due(&store, &crawls, clock()).await;
        tokio::time::sleep(CHECK.min(crawls.every)).await;
    }
}

/// Asks for the crawls that are due. Of several servers on one database one does.
///
/// # Errors
/// Fails when the database does not answer.
pub async fn ask_for_due(store: &Store, crawls: &Crawls, now: Moment) -> Result<(), StoreError> {
    for place in &crawls.places {
        let (registry, repository) = place.split_once('/').unwrap_or((place, ""));
        let mut work = store.begin().await?;
        if work.ask_for_crawl(registry, repository, now.minus(crawls.every), now).await? {
            work.enqueue(&crawl_job(registry, repository), now).await?;
            work.commit().await?;
        }
    }
    Ok(())
}

fn crawl_job(registry: &str, repository: &str) -> NewJob {
    NewJob {
        kind: CRAWL.to_owned(),
        name: format!("{registry}/{repository}"),
        registry: registry.to_owned(),
        payload: repository.to_owned(),
        // After pushes, which somebody waits for; before what is scanned again.
        priority: -5,
        max_attempts: ATTEMPTS,
    }
}

/// Returns what is known of what a job will list.
pub(crate) async fn known(store: &Store, job: &Job) -> Result<BTreeMap<String, ListedTag>, StoreError> {
    if job.kind != CRAWL || job.payload.is_empty() {
        return Ok(BTreeMap::new());
    }
    store.known_tags(&job.registry, &job.payload).await
}

/// Asks the registry. Blocks.
pub(crate) fn list(
    scanner: &Scanner,
    job: &Job,
    known: &BTreeMap<String, ListedTag>,
    asked: Moment,
) -> Result<Crawled, ScanError> {
    // Credentials may be those of a single repository; for the list of all of them any name stands for the registry.
    let repository = if job.payload.is_empty() { "catalogue" } else { &job.payload };
    let reference = scanner.reference(&format!("{}/{repository}", job.registry))?;
    let failed = |error: assay_oci::OpenError| ScanError::Failed {
        doing: "list",
        image: job.name.trim_end_matches('/').to_owned(),
        source: error.into(),
    };
    let network = Network::new(scanner.network.clone());
    let crawler = Crawler::connect(&reference, &network).map_err(failed)?;
    if job.payload.is_empty() {
        let listing = crawler.repositories(MAX_REPOSITORIES).map_err(failed)?;
        return Ok(Crawled::Repositories { names: listing.names, complete: listing.complete });
    }
    let listing = crawler.tags(MAX_TAGS).map_err(failed)?;
    let mut order: Vec<(Option<Moment>, &String)> =
        listing.names.iter().map(|tag| (known.get(tag).and_then(|known| known.looked), tag)).collect();
    order.sort();
    let mut told = BTreeMap::new();
    for (_, tag) in order.into_iter().take(MAX_LOOKS) {
        if let Some(digest) = crawler.digest_of(tag).map_err(failed)? {
            told.insert(tag.clone(), digest);
        }
    }
    Ok(Crawled::Tags(Listing {
        registry: job.registry.clone(),
        repository: job.payload.clone(),
        tags: listing.names,
        told,
        complete: listing.complete,
        asked,
    }))
}

/// Writes what a crawl came to, and asks for what follows from it. Returns what is to be counted once that is committed.
pub(crate) async fn save(
    work: &mut Work,
    scanner: &Scanner,
    job: &Job,
    crawled: &Crawled,
    now: Moment,
) -> Result<[usize; 3], StoreError> {
    match crawled {
        Crawled::Repositories { names, complete } => {
            let complete = *complete;
            let mut names = names.clone();
            names.retain(|name| scanner.reference(&format!("{}/{name}", job.registry)).is_ok());
            let count = names.len();
            if complete {
                // One that is not listed any more has no tags any more: to find that out is a crawl's business.
                names.extend(work.crawled_repositories(&job.registry).await?);
            }
            for name in &names {
                work.ask_for_crawl(&job.registry, name, now, now).await?;
                work.enqueue(&crawl_job(&job.registry, name), now).await?;
            }
            work.save_crawl((&job.registry, ""), complete, [count, 0, 0], now).await?;
            Ok([0; 3])
        }
        Crawled::Tags(listing) => {
            let done = work.reconcile(listing).await?;
            let room = work.room(MAX_QUEUED).await?;
            let mut found_now = 0_usize;
            let detail = |tag: &str| serde_json::json!({ "registry": listing.registry, "repository": listing.repository, "tag": tag });
            for (tag, digest) in done.gone.iter().filter(|(_, digest)| digest.is_some()).take(MAX_TOLD) {
                work.record("tag-gone", digest.as_ref(), &detail(tag), now).await?;
            }
            for tag in done.back.iter().take(MAX_TOLD) {
                work.record("tag-back", listing.told.get(tag), &detail(tag), now).await?;
            }
            for found in &done.found {
                if found_now >= room {
                    break;
                }
                let job = resolve_job(listing, found);
                // What named an image before may have moved away and back.
                if found.before.is_some() || !work.is_done(RESOLVE, &job.name).await? {
                    work.enqueue(&job, now).await?;
                    found_now = found_now.saturating_add(1);
                }
            }
            let place = (listing.registry.as_str(), listing.repository.as_str());
            let counts = [listing.tags.len(), found_now, done.gone.len()];
            work.save_crawl(place, listing.complete, counts, now).await?;
            Ok([1, found_now, done.gone.len()])
        }
    }
}

fn resolve_job(listing: &Listing, found: &FoundTag) -> NewJob {
    let reference = format!("{}/{}:{}", listing.registry, listing.repository, found.tag);
    NewJob {
        kind: RESOLVE.to_owned(),
        // With the digest: what moved since the last crawl is another job.
        name: format!("crawl {reference} {}", found.told),
        registry: listing.registry.clone(),
        payload: reference,
        priority: 0,
        max_attempts: ATTEMPTS,
    }
}
