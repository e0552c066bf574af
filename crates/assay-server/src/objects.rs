//! Objects in a bucket of Amazon S3, or of what speaks its protocol (<https://docs.aws.amazon.com/AmazonS3/latest/API/>): no more of it than
//! putting, getting and deleting an object by its name, which nearly all of them have.
//!
//! Nothing is ever listed: the database knows the name of every object that there may be.

use assay_model::Timestamp;
use assay_oci::exchange::{Exchange, Exchanged};
use assay_oci::{Network, NetworkOptions};
use assay_sign::kms::{AwsRequests, KmsError, Request, Surroundings, host_of};
use assay_store::{MAX_OBJECT, ObjectError, ObjectStorage};
use sha2::{Digest as _, Sha256};
use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a request is tried that was not answered, or with a fault of the other side.
const ATTEMPTS: u32 = 4;
/// How long to wait before the second attempt; each further wait is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// How long credentials that run out are used, in seconds. Those that are given hold for at least a quarter of an hour.
const FRESH: i64 = 300;
/// The region that buckets outside of AWS are signed for when nothing is said: they do not look at it.
const REGION: &str = "us-east-1";

/// Where objects are: `s3://bucket/prefix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    bucket: String,
    /// What stands before the name of each object; empty, or ends with `/`.
    prefix: String,
}

/// A text names no bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it names no bucket: expected `s3://BUCKET` or `s3://BUCKET/PREFIX`, of letters, digits and `-_.`")]
pub struct InvalidBucket;

impl FromStr for Bucket {
    type Err = InvalidBucket;

    fn from_str(text: &str) -> Result<Self, InvalidBucket> {
        let path = text.strip_prefix("s3://").ok_or(InvalidBucket)?;
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        let is_bucket =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let is_edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let bytes = bucket.as_bytes();
        if !(3..=63).contains(&bucket.len())
            || !bucket.bytes().all(is_bucket)
            || bucket.contains("..")
            || !is_edge(bytes.first())
            || !is_edge(bytes.last())
        {
            return Err(InvalidBucket);
        }
        let prefix = prefix.trim_end_matches('/');
        let fits = |part: &str| !matches!(part, "" | "." | "..") && part.bytes().all(is_part);
        if prefix.len() > 500 || !(prefix.is_empty() || prefix.split('/').all(fits)) {
            return Err(InvalidBucket);
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// Why a bucket did not do what it was asked.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("there are no credentials that can be used")]
    Credentials(#[source] KmsError),
    #[error("the address `{0}` starts with neither `https://` nor, on this machine, `http://`")]
    Insecure(String),
    #[error("cannot reach `{host}`")]
    Unreachable { host: String, source: assay_oci::RegistryError },
    #[error("`{host}` answered {status}{}", in_parentheses(code))]
    Refused { host: String, status: u16, code: String },
}

fn in_parentheses(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" ({code})") }
}

/// A bucket.
pub struct S3 {
    bucket: Bucket,
    /// The address before the name of an object, with everything but the object's name.
    address: String,
    region: String,
    network: NetworkOptions,
    outside: Box<dyn Surroundings + Send + Sync>,
    requests: Mutex<Option<(Arc<AwsRequests>, Timestamp)>>,
    /// Made when it is first needed, and then kept with its connections.
    started: Mutex<Option<Arc<Network>>>,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.bucket, self.address)
    }
}

impl S3 {
    /// Uses a bucket, at AWS or where `endpoint` says. Variables, files and the clock are looked at through `outside`.
    ///
    /// # Errors
    /// Fails when the endpoint is no address that credentials may be sent to.
    pub fn new(
        bucket: Bucket,
        endpoint: Option<&str>,
        network: NetworkOptions,
        outside: Box<dyn Surroundings + Send + Sync>,
    ) -> Result<Self, ObjectError> {
        let region = outside.variable("AWS_REGION").or_else(|| outside.variable("AWS_DEFAULT_REGION"));
        let region = region.unwrap_or_else(|| REGION.to_owned());
        let address = match endpoint {
            Some(endpoint) => format!("{}/{}", endpoint.trim_end_matches('/'), bucket.bucket),
            None => {
                let address = AwsRequests::endpoint("s3", &region);
                match address.split_once("://") {
                    // A certificate of AWS is for one more label before its own name, so not for a bucket with a dot.
                    Some((scheme, host)) if !bucket.bucket.contains('.') => {
                        format!("{scheme}://{}.{host}", bucket.bucket)
                    }
                    _ => format!("{address}/{}", bucket.bucket),
                }
            }
        };
        if !is_safe(&address, network.plain_http) {
            let source = Failure::Insecure(host_of(&address)).into();
            return Err(ObjectError { doing: "use", place: bucket.to_string(), source });
        }
        Ok(Self {
            bucket,
            address,
            region,
            network,
            outside,
            requests: Mutex::new(None),
            started: Mutex::new(None),
        })
    }

    /// Returns what signs requests: that of before, unless its credentials may have run out or are asked for anew.
    fn requests(&self, anew: bool) -> Result<Arc<AwsRequests>, Failure> {
        let now = self.outside.now();
        let mut kept = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((requests, since)) = kept.as_ref().filter(|_| !anew)
            && (!requests.are_temporary() || now.0.saturating_sub(since.0) < FRESH)
        {
            return Ok(requests.clone());
        }
        let requests = AwsRequests::new(&self.region, &*self.outside).map_err(Failure::Credentials)?;
        let requests = Arc::new(requests);
        *kept = Some((requests.clone(), now));
        Ok(requests)
    }

    fn network(&self) -> Arc<Network> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.get_or_insert_with(|| Arc::new(Network::new(self.network.clone()))).clone()
    }

    /// Sends a request, again where that may help, and returns the answer if it is one of those that are expected.
    fn ask(&self, method: &'static str, name: &str, body: &[u8]) -> Result<Exchanged, Failure> {
        let mut pause = PAUSE;
        let mut anew = false;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let mut request = Request {
                method,
                url: format!("{}/{}{name}", self.address, self.bucket.prefix),
                headers: vec![("x-amz-content-sha256".to_owned(), hex(&Sha256::digest(body)))],
                body: body.to_vec(),
            };
            self.requests(anew)?.authorize(&mut request, "s3", self.outside.now());
            let exchange = Exchange {
                method,
                url: &request.url,
                headers: &request.headers,
                body: &request.body,
                limit: MAX_OBJECT,
            };
            let host = host_of(&request.url);
            let failure = match self.network().exchange(&exchange) {
                Ok(answer) if matches!(answer.status, 200 | 204) => return Ok(answer),
                // Not of a bucket that is missing: that is no object that is missing.
                Ok(answer) if answer.status == 404 && code(&answer.body) == "NoSuchKey" => return Ok(answer),
                Ok(answer) => Failure::Refused { host, status: answer.status, code: code(&answer.body) },
                Err(source) => Failure::Unreachable { host, source },
            };
            let may_help = match &failure {
                Failure::Refused { status: 429 | 500..=599, .. } => true,
                // Credentials may have been revoked or have run out before their time.
                Failure::Refused { status: 400 | 401 | 403, .. } => !std::mem::replace(&mut anew, true),
                Failure::Unreachable { source, .. } => !matches!(
                    source,
                    assay_oci::RegistryError::Offline { .. } | assay_oci::RegistryError::TooLarge { .. }
                ),
                _ => false,
            };
            if !may_help || attempt >= ATTEMPTS {
                return Err(failure);
            }
            std::thread::sleep(pause);
            pause = pause.saturating_mul(2);
        }
    }

    fn failed(&self, doing: &'static str, failure: Failure) -> ObjectError {
        ObjectError { doing, place: self.bucket.to_string(), source: failure.into() }
    }
}

impl ObjectStorage for S3 {
    fn place(&self) -> String {
        self.bucket.to_string()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        match self.ask("PUT", name, bytes) {
            Ok(answer) if answer.status == 404 => {
                let host = host_of(&self.address);
                let failure = Failure::Refused { host, status: answer.status, code: code(&answer.body) };
                Err(self.failed("write", failure))
            }
            Ok(_) => Ok(()),
            Err(failure) => Err(self.failed("write", failure)),
        }
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        match self.ask("GET", name, &[]) {
            Ok(answer) if answer.status == 404 => Ok(None),
            Ok(answer) => Ok(Some(answer.body)),
            Err(failure) => Err(self.failed("read", failure)),
        }
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        self.ask("DELETE", name, &[]).map(drop).map_err(|failure| self.failed("remove", failure))
    }
}

/// Says whether what is stored may be sent to an address: it tells what is weak in everything that runs.
fn is_safe(address: &str, plain_http: bool) -> bool {
    let host = host_of(address);
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name);
    let is_here = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    address.starts_with("https://") || (address.starts_with("http://") && (is_here || plain_http))
}

/// Returns the code of an error: `<Error><Code>NoSuchKey</Code>…`. What else stands there is nobody's business.
fn code(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body.get(..4096).unwrap_or(body));
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or("", |(code, _)| code);
    code.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        let bucket = text.parse::<Bucket>().ok();
        assert_eq!(bucket.map(|bucket| bucket.to_string()).as_deref(), want, "{text}");
    }

    #[test]
    fn buckets_are_read_and_shown() {
        check("s3://assay", Some("s3://assay/"));
        check("s3://assay/", Some("s3://assay/"));
        check("s3://my.bucket-1/team_a/Reports.v1/", Some("s3://my.bucket-1/team_a/Reports.v1/"));
        for text in [
            "",
            "assay",
            "s3:/assay",
            "s3://",
            "s3://ab",
            "s3://Assay",
            "s3://-assay",
            "s3://assay.",
            "s3://a..b",
            "s3://assay/../other",
            "s3://assay/a//b",
            "s3://assay/a?b",
            "s3://assay/ä",
            "s3://as say",
            "s3://assay/a b",
            "s3://user@host",
            "gs://assay",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_stored_goes_over_tls_or_stays_here() {
        for (address, want) in [
            ("https://s3.example/b", true),
            ("http://127.0.0.1:7070/b", true),
            ("http://localhost/b", true),
            ("http://[::1]:1/b", true),
            ("http://127.0.0.1.example/b", false),
            ("http://s3.example/b", false),
            ("http://localhost@s3.example/b", false),
            ("ftp://localhost/b", false),
            ("s3.example/b", false),
        ] {
            assert_eq!(is_safe(address, false), want, "{address}");
        }
        assert!(is_safe("http://s3.example/b", true) && !is_safe("ftp://s3.example/b", true));
    }

    #[test]
    fn codes_of_errors_are_found() {
        let body = b"<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>x</Message></Error>";
        assert_eq!(code(body), "NoSuchKey");
        assert_eq!(code(b"<Code>\x1b[31m<b></Code>"), "31mb");
        assert_eq!(code(b""), "");
        assert_eq!(code(&[0xff; 9000]), "");
    }
}
