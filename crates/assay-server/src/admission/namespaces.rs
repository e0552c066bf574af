//! Labels of namespaces, which a review does not hold: asked of the cluster's own API, one namespace at a time.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/namespace-v1/>. Without them a namespace could be taken for one of
//! a milder tier, or a rule for its label be passed over. So where they are asked for and cannot be had nothing is admitted, whatever the
//! tiers say: there is no telling what holds. What was read is kept for some seconds, so that a label that is set counts soon.

use super::decide::{Admission, Flights};
use super::review::Review;
use assay_oci::exchange::Exchange;
use assay_oci::{Network, NetworkOptions};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a label may be out of date.
pub const KEPT: Duration = Duration::from_secs(10);
/// How long it is not asked again after the cluster did not answer: every pod of a roll-out would otherwise wait for it in turn.
const FAILED: Duration = Duration::from_secs(1);
/// How long the answer is waited for, of the ten seconds that a cluster gives when nothing is said.
const PATIENCE: Duration = Duration::from_secs(2);
/// Namespaces that are remembered.
const MAX_KEPT: usize = 10_000;
/// Bytes of a namespace: objects of a cluster have up to 1.5 MB.
const MAX_ANSWER: u64 = 2 << 20;
/// What is read of a token or of certificates; real ones have a few kilobytes.
const MAX_FILE: u64 = 1 << 20;

type Labels = BTreeMap<String, String>;
/// What was read, or why it could not be, and until when that is taken for an answer.
type Kept = (Instant, Result<Labels, String>);

/// The cluster's API, and as whom it is asked.
#[derive(Debug)]
pub struct ClusterApi {
    url: String,
    token: PathBuf,
    authority: Option<PathBuf>,
    network: NetworkOptions,
}

impl ClusterApi {
    /// Asks at an address with the token in a file. In `authority` are the certificates (PEM) by which the API is known besides the system's.
    /// Both files are read each time, since clusters replace them.
    pub fn new(url: &str, token: PathBuf, authority: Option<PathBuf>, network: &NetworkOptions) -> Self {
        let network = NetworkOptions {
            // The token is for the API and for nobody on the way.
            https_proxy: None,
            http_proxy: None,
            connect_timeout: PATIENCE,
            document_timeout: PATIENCE,
            retries: 0,
            ..network.clone()
        };
        Self { url: url.trim_end_matches('/').to_owned(), token, authority, network }
    }

    /// Reads the labels of a namespace. Blocks.
    fn labels(&self, namespace: &str) -> Result<Labels, String> {
        let token = read("token", &self.token)?;
        let headers = [
            ("authorization".to_owned(), format!("Bearer {}", token.trim())),
            // No more of it than names and labels, where the API knows how.
            (
                "accept".to_owned(),
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json".to_owned(),
            ),
        ];
        let url = format!("{}/api/v1/namespaces/{namespace}", self.url);
        let exchange = Exchange { method: "GET", url: &url, headers: &headers, body: &[], limit: MAX_ANSWER };
        let mut options = self.network.clone();
        if let Some(authority) = &self.authority {
            options.extra_certificates.push(read("authority", authority)?.into_bytes());
        }
        // One for each question: its threads must not outlive this one, which may wait for them.
        let answer = Network::new(options).exchange(&exchange).map_err(|error| error.to_string())?;
        match answer.status {
            200 => {}
            404 => return Err("there is no such namespace".to_owned()),
            401 | 403 => {
                return Err(format!(
                    "the API answered {}: the token may not `get namespaces`",
                    answer.status
                ));
            }
            status => return Err(format!("the API answered {status}")),
        }
        let read: Namespace = serde_json::from_slice(&answer.body)
            .map_err(|error| format!("the API's answer is no namespace: {error}"))?;
        if read.metadata.name != namespace {
            return Err("the API answered with another namespace".to_owned());
        }
        Ok(read.metadata.labels.unwrap_or_default())
    }
}

/// Reads a small file.
fn read(what: &str, path: &Path) -> Result<String, String> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_FILE).read_to_string(&mut text))
        .map_err(|error| format!("the {what} in `{}` cannot be read: {error}", path.display()))?;
    Ok(text)
}

#[derive(Deserialize)]
struct Namespace {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    labels: Option<Labels>,
}

/// Labels of namespaces, as far as they were read lately.
pub struct Namespaces {
    api: Arc<ClusterApi>,
    keep: Duration,
    kept: Mutex<HashMap<String, Kept>>,
    flights: Flights,
}

impl Namespaces {
    /// Asks this API, and keeps what it says for so long: [`KEPT`].
    pub fn new(api: ClusterApi, keep: Duration) -> Self {
        Self { api: Arc::new(api), keep, kept: Mutex::default(), flights: Flights::default() }
    }

    /// Returns the labels of a namespace.
    ///
    /// # Errors
    /// Fails when they cannot be had in time, with why.
    pub(super) async fn labels(&self, namespace: &str) -> Result<Labels, String> {
        if !is_name(namespace) {
            return Err("it is no name of a namespace".to_owned());
        }
        if let Some(known) = self.known(namespace) {
            return known;
        }
        let flight = self.flights.of(namespace);
        let _turn = flight.lock().await;
        if let Some(known) = self.known(namespace) {
            return known;
        }
        let (api, name) = (self.api.clone(), namespace.to_owned());
        let asking = tokio::task::spawn_blocking(move || api.labels(&name));
        let read = match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok(read)) => read,
            Ok(Err(_)) => Err("the program failed while it read them".to_owned()),
            Err(_) => Err("the API did not answer in time".to_owned()),
        };
        let until = Instant::now() + if read.is_ok() { self.keep } else { FAILED.min(self.keep) };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(namespace.to_owned(), (until, read.clone()));
        read
    }

    fn known(&self, namespace: &str) -> Option<Result<Labels, String>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(namespace).filter(|(until, _)| Instant::now() < *until).map(|(_, read)| read.clone())
    }
}

/// Says whether a text is a name of a namespace (RFC 1123, a label): nothing else is put into an address.
fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| letter(byte) || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl Admission {
    /// Returns the review with the labels of its namespace, where they may be asked for.
    pub(crate) async fn labelled(&self, review: &Review) -> Result<Option<Review>, String> {
        let Some(namespaces) = self.namespaces.as_ref().filter(|_| !review.namespace.is_empty()) else {
            return Ok(None);
        };
        let read = namespaces.labels(&review.namespace).await;
        let namespace_labels = read.map_err(|why| {
            format!("the labels of the namespace `{}` cannot be read: {why}; try again", review.namespace)
        })?;
        Ok(Some(Review { namespace_labels, ..review.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for name in ["prod", "a", "team-1", &"a".repeat(63)] {
            assert!(is_name(name), "{name}");
        }
        for text in ["", "-a", "a-", "A", "a/b", "..", "a?x", "a.b", "ä", "a%2f", &"a".repeat(64)] {
            assert!(!is_name(text), "{text}");
        }
    }
}
