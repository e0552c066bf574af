//! Requests to one repository: retries, redirects, authentication on demand.
//!
//! What is written is sent again as often as what is read: every request of the distribution API has the same effect when it is
//! repeated. Surprising: redirects are followed by hand, because credentials belong to the registry alone: its scheme, host and port. Blobs
//! usually lie with a storage service on another host, and its signed address must not be met with our `Authorization` header. A
//! step from HTTPS down to HTTP is refused, and so is an address with a user name in it.

use super::auth::{self, Authorization, Challenge};
use super::{Access, RegistryError};
use crate::network::{NetworkOptions, Started, is_loopback};
use crate::reference::Reference;
use bytes::Bytes;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RANGE, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use reqwest::{Method, Response, StatusCode, Url};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Redirects of one request; storage services need one or two.
const MAX_REDIRECTS: usize = 5;
/// The longest wait a server may ask for between two attempts.
const MAX_DELAY: Duration = Duration::from_secs(60);
/// Repetitions when there is no connection at all: a mistyped name should not take a quarter of a minute to be told.
const MAX_RECONNECTS: u32 = 2;
/// Bytes of an error's body that are looked at.
const MAX_ERROR_BODY: u64 = 16 * 1024;

/// A repository in a registry.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    /// For bodies that take longer to send than an answer may let us wait; a reader has none.
    pub(crate) uploads: Option<reqwest::Client>,
    pub(crate) options: Arc<NetworkOptions>,
    pub(crate) reference: Reference,
    pub(crate) access: Access,
    base: Url,
    authorization: Mutex<Option<Authorization>>,
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    /// What users call it.
    pub(crate) what: String,
    pub(crate) method: Method,
    /// Behind `/v2/<repository>/`.
    pub(crate) path: String,
    /// In place of the path: an address that [`Client::follow`] has allowed.
    pub(crate) address: Option<Url>,
    pub(crate) accept: Option<String>,
    /// What is sent, and its media type.
    pub(crate) body: Option<(Bytes, String)>,
    /// `If-Match` and the like.
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// The first byte wanted, if not the first of all.
    pub(crate) from: u64,
    /// The last byte wanted, if not the last of all.
    pub(crate) to: Option<u64>,
}

/// How one attempt ended.
pub(crate) enum Attempt {
    Good(Response),
    Unauthorised(Vec<Challenge>, RegistryError, Option<Authorization>),
    Later(RegistryError, Option<Duration>),
    Bad(RegistryError),
}

impl Client {
    /// Finds out how to talk to the registry of `reference`.
    pub(crate) async fn connect(
        started: &Started,
        options: &Arc<NetworkOptions>,
        reference: &Reference,
        access: Access,
    ) -> Result<Self, RegistryError> {
        let host = reference.api_host();
        let http = started.client.clone();
        let url = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/v2/")).map_err(|_| RegistryError::Invalid {
                host: host.to_owned(),
                what: "the registry".to_owned(),
                reason: "its name cannot be made into an address",
            })
        };
        let (plain, secure) = (url("http")?, url("https")?);
        let mut base = secure;
        // Plain HTTP is tried first where it is allowed; the question carries no credentials. A TLS server answers it
        // with 400 or by closing the connection.
        if options.plain_http || is_loopback(host) {
            let answer = http.get(plain.clone()).timeout(options.document_timeout).send().await;
            if answer.is_ok_and(|answer| answer.status() != StatusCode::BAD_REQUEST) {
                base = plain;
            }
        }
        Ok(Self {
            http,
            uploads: None,
            options: Arc::clone(options),
            reference: reference.clone(),
            access,
            base,
            authorization: Mutex::new(None),
        })
    }

    pub(crate) fn host(&self) -> &str {
        self.reference.registry()
    }

    /// Tells whether plain HTTP to `url` is allowed.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => self.options.plain_http || is_loopback(url.host_str().unwrap_or("")),
            _ => false,
        }
    }

    /// Tells whether the registry itself is reached without TLS.
    pub(crate) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Returns the address that `target`, told by the registry in answer to a request for `what`, leads to from `path`.
    ///
    /// It may be on another host, as uploads to some storage services are, but must not be without TLS where the registry has it.
    pub(crate) fn follow(&self, path: &str, target: &str, what: &str) -> Result<Url, RegistryError> {
        let from = self.base.join(&format!("{}/{path}", self.reference.repository()));
        let Some(url) = from.ok().and_then(|from| from.join(target).ok()) else {
            return Err(self.invalid(what, "it names no address"));
        };
        self.check_target(&self.base, &url, what)?;
        Ok(url)
    }

    /// Tells whether an address is at the registry itself.
    pub(crate) fn is_home(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    pub(crate) fn invalid(&self, what: &str, reason: &'static str) -> RegistryError {
        RegistryError::Invalid { host: self.host().to_owned(), what: what.to_owned(), reason }
    }

    fn check_target(&self, from: &Url, target: &Url, what: &str) -> Result<(), RegistryError> {
        let refused =
            |reason| RegistryError::Redirect { host: self.host().to_owned(), what: what.to_owned(), reason };
        if !self.allows(target) || (from.scheme() == "https" && target.scheme() != "https") {
            return Err(refused("to an address without TLS"));
        }
        // They would be sent as credentials: to whom, and whose, only the server knows.
        if has_user_info(target) {
            return Err(refused("to an address with a user name in it"));
        }
        Ok(())
    }

    /// Sends a request until it succeeds, or until it is clear that it will not.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, RegistryError> {
        let mut attempt = 0;
        // A token may have run out between two layers, so each request may ask for a new one; but only one.
        let mut renewed = false;
        loop {
            match self.attempt(request, None).await {
                Attempt::Good(response) => return Ok(response),
                Attempt::Bad(error) => return Err(error),
                Attempt::Unauthorised(challenges, error, used) => {
                    if renewed {
                        return Err(error);
                    }
                    renewed = true;
                    let mut current = self.authorization.lock().await;
                    // Another layer's request may have been here before.
                    if *current == used {
                        *current = Some(auth::authorize(self, &challenges, error).await?);
                    }
                }
                Attempt::Later(error, delay) => {
                    let unreachable = matches!(error, RegistryError::Unreachable { .. });
                    let most = if unreachable { MAX_RECONNECTS } else { u32::MAX };
                    if attempt >= self.options.retries.min(most) {
                        return Err(error);
                    }
                    self.wait(attempt, delay).await;
                    attempt += 1;
                }
            }
        }
    }

    /// Waits before the repetition number `attempt`, as long as the server said or twice as long each time.
    pub(crate) async fn wait(&self, attempt: u32, asked: Option<Duration>) {
        let doubled = self.options.first_delay.saturating_mul(2_u32.saturating_pow(attempt.min(16)));
        tokio::time::sleep(asked.unwrap_or(doubled).min(MAX_DELAY)).await;
    }

    /// Sends a request once; `stream` is its body when that is not in the request, because it cannot be sent twice.
    pub(crate) async fn attempt(&self, request: &Request, mut stream: Option<reqwest::Body>) -> Attempt {
        let invalid = |reason| Attempt::Bad(self.invalid(&request.what, reason));
        let url = match &request.address {
            Some(url) => Ok(url.clone()),
            None => self.base.join(&format!("{}/{}", self.reference.repository(), request.path)),
        };
        let Ok(mut url) = url else {
            return invalid("its name cannot be made into an address");
        };
        let streams = stream.is_some();
        let authorization = self.authorization.lock().await.clone();
        for _ in 0..=MAX_REDIRECTS {
            let at_home = self.is_home(&url);
            let host = host_of(&url);
            let uploads = self.uploads.as_ref().filter(|_| streams);
            let mut builder = uploads.unwrap_or(&self.http).request(request.method.clone(), url.clone());
            if let Some(accept) = &request.accept {
                builder = builder.header(ACCEPT, accept);
            }
            for (name, value) in &request.headers {
                builder = builder.header(name, value);
            }
            if let Some((body, media_type)) = &request.body {
                builder = builder.header(CONTENT_TYPE, media_type).body(body.clone());
            }
            if let Some(stream) = stream.take() {
                builder = builder.header(CONTENT_TYPE, "application/octet-stream").body(stream);
            }
            if let Some(to) = request.to {
                builder = builder.header(RANGE, format!("bytes={}-{to}", request.from));
            } else if request.from > 0 {
                builder = builder.header(RANGE, format!("bytes={}-", request.from));
            }
            if let Some(authorization) = authorization.as_ref().filter(|_| at_home) {
                builder = builder.header(AUTHORIZATION, authorization.header());
            }
            let response = match builder.send().await {
                Ok(response) => response,
                Err(error) => {
                    let error = RegistryError::connection(&host, error);
                    return match error {
                        RegistryError::Untrusted { .. } => Attempt::Bad(error),
                        error => Attempt::Later(error, None),
                    };
                }
            };
            let status = response.status();
            if status.is_success() {
                return Attempt::Good(response);
            }
            if status.is_redirection() {
                let target = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
                let Some(target) = target.and_then(|target| url.join(target).ok()) else {
                    return invalid("it redirects to nowhere");
                };
                if let Err(error) = self.check_target(&url, &target, &request.what) {
                    return Attempt::Bad(error);
                }
                let reads = matches!(request.method, Method::GET | Method::HEAD);
                // Other statuses than these turn what is written into a `GET`.
                if !reads && (streams || !matches!(status.as_u16(), 307 | 308)) {
                    return invalid("it redirects what cannot be sent again");
                }
                url = target;
                continue;
            }
            let headers = response.headers().clone();
            let error = RegistryError::Status {
                host,
                status: status.as_u16(),
                what: request.what.clone(),
                detail: detail(response).await,
            };
            return match status {
                StatusCode::UNAUTHORIZED if at_home => {
                    Attempt::Unauthorised(challenges(&headers), error, authorization)
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                    Attempt::Later(error, retry_after(&headers))
                }
                status if status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED => {
                    Attempt::Later(error, retry_after(&headers))
                }
                _ => Attempt::Bad(error),
            };
        }
        Attempt::Bad(RegistryError::Redirect {
            host: self.host().to_owned(),
            what: request.what.clone(),
            reason: "more than five times",
        })
    }

    /// Sends a request for a document and reads it, at most `limit` bytes. Returns its media type too.
    pub(crate) async fn document(
        &self,
        request: &Request,
        limit: u64,
    ) -> Result<(Vec<u8>, HeaderMap), RegistryError> {
        let all = async {
            let mut attempt = 0;
            loop {
                let response = self.send(request).await?;
                let headers = response.headers().clone();
                match read_body(response, limit).await {
                    Ok(body) => return Ok((body, headers)),
                    Err(BodyError::TooLarge) => {
                        let (host, what) = (self.host().to_owned(), request.what.clone());
                        return Err(RegistryError::TooLarge { host, what, limit });
                    }
                    Err(BodyError::Broken(source)) if attempt >= self.options.retries => {
                        let (host, what) = (self.host().to_owned(), request.what.clone());
                        return Err(RegistryError::Interrupted {
                            host,
                            what,
                            source: Some(source.without_url()),
                        });
                    }
                    Err(BodyError::Broken(_)) => self.wait(attempt, None).await,
                }
                attempt += 1;
            }
        };
        // The idle limit alone would let a server send one byte a minute for years.
        match tokio::time::timeout(self.options.document_timeout, all).await {
            Ok(result) => result,
            Err(_) => {
                Err(RegistryError::TooSlow { host: self.host().to_owned(), what: request.what.clone() })
            }
        }
    }
}

/// Why a body could not be read.
pub(crate) enum BodyError {
    TooLarge,
    Broken(reqwest::Error),
}

/// Reads a body of at most `limit` bytes.
pub(crate) async fn read_body(mut response: Response, limit: u64) -> Result<Vec<u8>, BodyError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(BodyError::Broken)? {
        let len = u64::try_from(body.len().saturating_add(chunk.len())).unwrap_or(u64::MAX);
        if len > limit {
            return Err(BodyError::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Returns `host[:port]` of an address.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or("");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Tells whether an address brings a user name or password of its own.
pub(crate) fn has_user_info(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn challenges(headers: &HeaderMap) -> Vec<Challenge> {
    let texts = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    texts.filter_map(Challenge::parse).collect()
}

/// Reads how many seconds to wait. The other form, a date, would need a clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER).map(HeaderValue::to_str)?.ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Returns the first message of an error's body in the specification's form, cleaned for a terminal.
async fn detail(response: Response) -> String {
    let Ok(Ok(body)) =
        tokio::time::timeout(Duration::from_secs(5), read_body(response, MAX_ERROR_BODY)).await
    else {
        return String::new();
    };
    let parsed: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
    let first = parsed.as_ref().and_then(|value| value.get("errors")?.get(0));
    let field = |name| first.and_then(|error| error.get(name)?.as_str());
    let text = field("message").filter(|text| !text.is_empty()).or_else(|| field("code")).unwrap_or("");
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
