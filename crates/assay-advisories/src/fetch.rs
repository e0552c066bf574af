//! Downloads the feeds' files into a folder from which [`crate::build`] builds: the only module here that opens sockets.
//!
//! - The folder is laid out like a mirror of all publishers, `<folder>/<path>`; `mirror` replaces scheme and host by an address
//!   that serves such a layout.
//! - Requests are conditional: the validators (`ETag`, `Last-Modified`) of what is there are in `.validators.json`.
//! - A file is replaced at once when it is whole, or stays as it was. One feed's failure is that feed's only.

use crate::build::replace;
use crate::feed::{Feed, FeedFile};
use reqwest::header::{ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, RETRY_AFTER};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Bytes of one file; the largest (OSV's for Linux distributions) have some hundred MB.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;
/// Requests under way at once; publishers are asked politely.
const AT_ONCE: usize = 4;
/// Times a request is made before it has failed.
const ATTEMPTS: u32 = 4;
/// The longest wait that a server may ask for.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What the names of files being downloaded begin with.
const PART: &str = ".part";
/// The file with the validators.
const VALIDATORS: &str = ".validators.json";

/// Choices for fetching.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// The address that stands in for all publishers.
    pub mirror: Option<String>,
    /// The wait before the second attempt; it doubles with each.
    pub backoff: Duration,
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self { mirror: None, backoff: Duration::from_millis(500) }
    }
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was downloaded.
    Downloaded {
        /// Its bytes.
        bytes: u64,
    },
    /// The copy at hand is the newest.
    NotModified,
    /// The publisher has no such file: a release that does not exist yet or no more.
    Missing,
    /// It could not be had; an older copy, if any, is kept.
    Failed(String),
}

/// One file and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The feed.
    pub feed: &'static str,
    /// The address.
    pub url: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What fetching came to, by feed and address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchSummary {
    /// All files asked for.
    pub files: Vec<Fetched>,
}

impl FetchSummary {
    /// Returns per feed what went wrong, for [`crate::BuildOptions::errors`].
    pub fn errors(&self) -> Vec<(String, String)> {
        let mut errors: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for file in &self.files {
            if let Outcome::Failed(message) = &file.outcome {
                errors.entry(file.feed).or_insert((0, message)).0 += 1;
            }
        }
        let text = |(feed, (count, first)): (&str, (usize, &str))| {
            (feed.to_owned(), format!("last download: {count} files failed, first: {first}"))
        };
        errors.into_iter().map(text).collect()
    }

    /// Returns whether any file was downloaded or is known to be the newest.
    pub fn any(&self) -> bool {
        self.files
            .iter()
            .any(|file| matches!(file.outcome, Outcome::Downloaded { .. } | Outcome::NotModified))
    }
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchFeedsError {
    /// The download folder cannot be used.
    #[error("cannot use the download folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Validators {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// One file to fetch.
#[derive(Debug)]
struct Job {
    feed: &'static str,
    url: String,
    target: PathBuf,
    validators: Validators,
}

/// Fetches the files of `feeds` into `folder`.
///
/// # Errors
/// Fails when the folder cannot be written; what goes wrong with single files is in the summary.
pub async fn fetch(
    feeds: &[&dyn Feed],
    folder: &Path,
    client: &Client,
    options: &FetchOptions,
) -> Result<FetchSummary, FetchFeedsError> {
    let failed = |source| FetchFeedsError::Folder { path: folder.to_owned(), source };
    std::fs::create_dir_all(folder).map_err(failed)?;
    // Unreadable validators only cost a full download.
    let mut known: BTreeMap<String, Validators> = std::fs::read(folder.join(VALIDATORS))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let jobs = jobs(feeds, folder, &known, options);
    let folders: BTreeSet<&Path> = jobs.iter().filter_map(|job| job.target.parent()).collect();
    folders.into_iter().for_each(remove_parts);
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    for job in jobs {
        let (permits, client, backoff) = (Arc::clone(&permits), client.clone(), options.backoff);
        running.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let result = fetch_one(&client, &job, backoff).await;
            (job, result)
        });
    }
    let mut summary = FetchSummary::default();
    while let Some(finished) = running.join_next().await {
        let Ok((job, result)) = finished else { continue };
        let outcome = match result {
            Ok((outcome, validators)) => {
                if let Some(validators) = validators {
                    known.insert(job.url.clone(), validators);
                }
                outcome
            }
            Err(message) => Outcome::Failed(message),
        };
        summary.files.push(Fetched { feed: job.feed, url: job.url, outcome });
    }
    summary.files.sort_by(|one, two| (one.feed, &one.url).cmp(&(two.feed, &two.url)));
    let text = serde_json::to_vec(&known).unwrap_or_default();
    replace(&folder.join(VALIDATORS), &text).map_err(failed)?;
    Ok(summary)
}

fn jobs(
    feeds: &[&dyn Feed],
    folder: &Path,
    known: &BTreeMap<String, Validators>,
    options: &FetchOptions,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for feed in feeds {
        for file in feed.files() {
            for path in paths(file) {
                let url = match &options.mirror {
                    Some(mirror) => format!("{}/{}/{path}", mirror.trim_end_matches('/'), file.folder),
                    // A path without an origin is one that only mirrors have.
                    None if file.origin.is_empty() => continue,
                    None => format!("{}/{path}", file.origin.trim_end_matches('/')),
                };
                let target = folder.join(file.folder).join(&path);
                // Validators of a file that was deleted would keep it away for good.
                let validators = known.get(&url).filter(|_| target.is_file()).cloned().unwrap_or_default();
                jobs.push(Job { feed: feed.id(), url: url.replace(' ', "%20"), target, validators });
            }
        }
    }
    jobs
}

/// Removes what downloads that were broken off (Ctrl-C) have left in a folder. Those under way hold a lock.
fn remove_parts(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PART)) {
        // What cannot be opened or removed only takes room.
        if std::fs::File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Returns the paths a pattern stands for.
fn paths(file: &FeedFile) -> Vec<String> {
    match (file.path.split_once('{'), file.path.split_once('}')) {
        (Some((before, _)), Some((_, after))) => {
            file.values.iter().map(|value| format!("{before}{value}{after}")).collect()
        }
        _ => vec![file.path.to_owned()],
    }
}

/// Makes requests until one is answered; the error is a message for the feed table.
async fn fetch_one(
    client: &Client,
    job: &Job,
    backoff: Duration,
) -> Result<(Outcome, Option<Validators>), String> {
    let mut wait = backoff;
    let mut attempt = 1;
    loop {
        let (message, asked) = match request(client, job).await {
            Ok(done) => return Ok(done),
            Err(Failure::Final(message)) => return Err(message),
            Err(Failure::Retry(message, asked)) => (message, asked),
        };
        if attempt >= ATTEMPTS {
            return Err(message);
        }
        tokio::time::sleep(asked.unwrap_or(wait).min(LONGEST_WAIT)).await;
        wait = wait.saturating_mul(2);
        attempt += 1;
    }
}

enum Failure {
    Final(String),
    Retry(String, Option<Duration>),
}

async fn request(client: &Client, job: &Job) -> Result<(Outcome, Option<Validators>), Failure> {
    let mut request = client.get(&job.url);
    if let Some(etag) = &job.validators.etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    if let Some(time) = &job.validators.last_modified {
        request = request.header(IF_MODIFIED_SINCE, time);
    }
    let retry = |error: reqwest::Error| Failure::Retry(format!("`{}`: {}", job.url, chain(&error)), None);
    let mut response = request.send().await.map_err(retry)?;
    let status = response.status();
    match status {
        StatusCode::NOT_MODIFIED => return Ok((Outcome::NotModified, None)),
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok((Outcome::Missing, None)),
        status if status.is_success() => {}
        status => {
            let message = format!("`{}` answered `{status}`", job.url);
            let seconds = text(response.headers(), &RETRY_AFTER).and_then(|text| text.parse().ok());
            return Err(if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
                Failure::Retry(message, seconds.map(Duration::from_secs))
            } else {
                Failure::Final(message)
            });
        }
    }
    let validators = Validators {
        etag: text(response.headers(), &ETAG),
        last_modified: text(response.headers(), &LAST_MODIFIED),
    };
    let local =
        |error: io::Error| Failure::Final(format!("cannot write `{}`: {error}", job.target.display()));
    let folder = job.target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(local)?;
    let mut file = tempfile::Builder::new().prefix(PART).tempfile_in(folder).map_err(local)?;
    // Held until the file has its name, so that [`remove_parts`] of another process leaves it alone.
    file.as_file().lock().map_err(local)?;
    let mut bytes = 0u64;
    // A body that ends before its length is an error of the client, so that no truncated file takes the place of a whole one.
    while let Some(chunk) = response.chunk().await.map_err(retry)? {
        bytes = bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if bytes > MAX_FILE {
            return Err(Failure::Final(format!("`{}` has more than `{MAX_FILE}` bytes", job.url)));
        }
        file.write_all(&chunk).map_err(local)?;
    }
    file.as_file().sync_all().map_err(local)?;
    file.persist(&job.target).map_err(|error| local(error.error))?;
    Ok((Outcome::Downloaded { bytes }, Some(validators)))
}

fn text(headers: &HeaderMap, name: &reqwest::header::HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
