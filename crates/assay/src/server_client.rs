//! Asking a server what it knows, and telling it what CI knows: the API under `/api/v1`, in the types by which the server answers (`assay_server::api`).
//!
//! The token is sent only with TLS, or to this machine; it is read from a file or a variable, as a command line is for everybody to see.
//! What a server says is shown to people: whoever prints it must take out what a terminal would obey.

use crate::command::Global;
use crate::environment;
use crate::error::CommandError;
use crate::source::{self, NetworkArgs, read_file};
use crate::terminal;
use assay_model::Platform;
use assay_oci::exchange::Exchange;
use assay_oci::{Network, RegistryError};
use assay_server::api::ProblemDocument;
use assay_server::api::build::{NewBuild, RecordedAs};
use assay_server::api::credential::{Credential, NewCredential, Rotation};
use assay_server::api::deployment::{Deployment, NewDeployment};
use assay_server::api::event::Event;
use assay_server::api::image::{Child, Image, ImageDetail};
use assay_server::api::job::Job;
use assay_server::api::page::List;
use assay_server::api::promotion::{DuePromotion, NewPromotion, Promotion};
use assay_server::api::reference::{Asked, Named, NewImage};
use assay_server::api::triage::{Decision, NewDecision};
use assay_server::api::verdict::Verdict;
use assay_server::api::{blast, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The largest answer that is read: the report of 100,000 packages has some 100 MB.
const MAX_ANSWER: u64 = 256 << 20;
/// The longest token.
const MAX_TOKEN: usize = 4096;
/// Where credentials are.
const CREDENTIALS: &str = "/api/v1/credentials";
/// How long is waited until it is asked again how far something has come.
const PAUSE: Duration = Duration::from_millis(500);

/// Which server, and who asks.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ServerArgs {
    /// The server to ask or to tell (`https://…`, or `http://` on this machine).
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,

    /// Read the server's token from this file; without it from the variable `ASSAY_TOKEN`.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    token_file: Option<PathBuf>,

    /// Trust this certificate authority for the server, too (PEM); may be repeated.
    #[arg(long, value_name = "FILE", value_parser = crate::command::path)]
    server_ca_file: Vec<PathBuf>,
}

/// Which server does the work, if one is named.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct InsteadArgs {
    #[command(flatten)]
    server: ServerArgs,

    /// How many seconds to wait for an image that the server has not scanned yet.
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    server_wait: u64,
}

/// A server.
pub(crate) struct Client {
    /// Scheme, host and what stands before `/api`, without a slash at the end.
    base: String,
    host: String,
    token: Zeroizing<String>,
    network: Network,
    wait: Duration,
}

/// Why a server did not answer as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// It was not reached.
    #[error("cannot reach the server `{host}`")]
    Unreachable {
        /// The server.
        host: String,
        /// Why.
        source: Box<RegistryError>,
    },
    /// It said no.
    #[error("the server answered {status}: {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// Its reason.
        detail: String,
        /// The word for it.
        code: String,
    },
    /// What it said is no answer of this API.
    #[error("what `{0}` answered is no answer of an Assay server")]
    Foreign(String),
    /// It was not ready in time.
    #[error("it was not ready after {0} seconds")]
    Late(u64),
    /// It cannot be had.
    #[error("{0}")]
    Failed(String),
}

/// Words for what somebody is refused who is bound to teams.
const OF_TEAMS: [&str; 2] = ["fleet-only", "other-team"];

impl ClientError {
    /// Returns what to do, unless what the server said names a command or an option itself.
    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Refused { detail, .. } if ["`assay ", "`--"].iter().any(|start| detail.contains(start)) => {
                return None;
            }
            Self::Refused { status: 401, .. } => {
                "name a file with a valid token with `--token-file FILE`, or set `ASSAY_TOKEN`"
            }
            Self::Refused { status: 403, code, .. } if OF_TEAMS.contains(&code.as_str()) => {
                "use a token that is bound to no team, or to the one that owns it: `teams` in `POST /api/v1/tokens`"
            }
            Self::Refused { status: 403, .. } => {
                "use a token with that role: an administrator makes one with `POST /api/v1/tokens`"
            }
            Self::Unreachable { .. } => {
                "check the address and that the server runs; name its certificate authority with `--server-ca-file FILE`"
            }
            Self::Foreign(_) => {
                "check the address: it is that of the server, such as `https://assay.example`"
            }
            Self::Late(_) => {
                "wait longer with `--server-wait SECONDS`, or look at the server's queue at `/queue`"
            }
            Self::Refused { status: 400 | 422, .. } => {
                "say it with the option of that name, such as `--expires DAY` for `expires`; `--help` lists all"
            }
            Self::Refused { .. } | Self::Failed(_) => {
                "look at what happened with `assay events`, or at the server's pages"
            }
        })
    }

    /// Makes the error of a command that could not do something.
    pub(crate) fn into_command_error(self, doing: impl Into<String>) -> CommandError {
        let hint = self.hint();
        let error = CommandError::work(doing, self);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// Splits the address of a server; says why it may not be asked.
fn address(text: &str) -> Result<(String, String), String> {
    let base = text.trim_end_matches('/');
    let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let is_plain = base.bytes().all(|byte| byte.is_ascii_graphic()) && !base.contains(['?', '#', '@', '\\']);
    if host.is_empty() || !is_plain {
        return Err(format!("`{text}` is no address of a server"));
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if base.starts_with("http://") && !["127.0.0.1", "[::1]", "localhost"].contains(&name) {
        return Err(format!("`{text}` would be sent the token without TLS"));
    }
    Ok((base.to_owned(), host.to_owned()))
}

impl ServerArgs {
    /// Returns the server that was named, also by the variable `ASSAY_SERVER`.
    pub(crate) fn client(&self, global: &Global) -> Result<Client, CommandError> {
        let named = self.server.clone().or_else(|| environment::variable("ASSAY_SERVER"));
        let hint = "name it with `--server https://assay.example`, or with the variable `ASSAY_SERVER`";
        let Some(text) = named else {
            return Err(CommandError::usage("there is no server to ask").hint(hint));
        };
        let (base, host) = address(&text).map_err(|why| CommandError::usage(why).hint(hint))?;
        let text = match &self.token_file {
            Some(path) => {
                let bytes = Zeroizing::new(read_file(path).map_err(|error| {
                    CommandError::work(format!("cannot read the token in `{}`", path.display()), error)
                        .hint("name a file that holds the token alone with `--token-file FILE`")
                })?);
                Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned())
            }
            None => Zeroizing::new(environment::variable("ASSAY_TOKEN").unwrap_or_default()),
        };
        let token = Zeroizing::new(text.trim().to_owned());
        if token.is_empty() {
            return Err(CommandError::usage("there is no token that the server could know you by")
                .hint("name a file with it with `--token-file FILE`, or set `ASSAY_TOKEN`"));
        }
        if token.len() > MAX_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(CommandError::usage("the token has characters that no token has, or too many")
                .hint("name a file that holds the token alone with `--token-file FILE`"));
        }
        let network = NetworkArgs { ca_file: self.server_ca_file.clone(), ..NetworkArgs::default() };
        let network = source::network(&network, global, Arc::default())?;
        Ok(Client { base, host, token, network, wait: Duration::ZERO })
    }
}

impl InsteadArgs {
    /// Says whether a server is to do the work.
    pub(crate) fn is_given(&self) -> bool {
        self.server.server.is_some()
    }

    /// Returns the server.
    pub(crate) fn client(&self, global: &Global) -> Result<Client, CommandError> {
        let client = self.server.client(global)?;
        Ok(Client { wait: Duration::from_secs(self.server_wait), ..client })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.base)
    }
}

type Query<'a> = [(&'a str, Option<&'a str>)];

impl Client {
    /// Asks for something, and returns its bytes. No redirect is followed: the token is for this server alone.
    fn bytes(&self, method: &str, path: &str, body: &[u8]) -> Result<Vec<u8>, ClientError> {
        let exchange = Exchange {
            method,
            url: &format!("{}{path}", self.base),
            headers: &[
                ("authorization".to_owned(), format!("Bearer {}", self.token.as_str())),
                ("content-type".to_owned(), "application/json".to_owned()),
            ],
            body,
            limit: MAX_ANSWER,
        };
        let answer = self
            .network
            .exchange(&exchange)
            .map_err(|error| ClientError::Unreachable { host: self.host.clone(), source: Box::new(error) })?;
        let (status, bytes) = (answer.status, answer.body);
        if (200..300).contains(&status) {
            return Ok(bytes);
        }
        match serde_json::from_slice::<ProblemDocument>(&bytes) {
            Ok(problem) if problem.status == status => {
                Err(ClientError::Refused { status, detail: problem.detail, code: problem.code })
            }
            _ => Err(ClientError::Foreign(self.host.clone())),
        }
    }

    fn get<T: DeserializeOwned>(&self, path: &str, query: &Query<'_>) -> Result<T, ClientError> {
        let given = query.iter().filter_map(|(name, value)| value.map(|value| (name, value)));
        let mut address = path.to_owned();
        for (separator, (name, value)) in std::iter::once('?').chain(std::iter::repeat('&')).zip(given) {
            address.push(separator);
            address.push_str(name);
            address.push('=');
            address.push_str(&encode(value));
        }
        self.read(&self.bytes("GET", &address, &[])?)
    }

    fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: &str,
        path: &str,
        body: &B,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|_| ClientError::Foreign(self.host.clone()))?;
        self.read(&self.bytes(method, path, &body)?)
    }

    fn read<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(bytes).map_err(|_| ClientError::Foreign(self.host.clone()))
    }

    /// Goes through a list until there are no more entries or the caller has enough.
    fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &Query<'_>,
        limit: usize,
    ) -> Result<Vec<T>, ClientError> {
        self.pages(path, query, limit, |page: List<T>| (page.items, page.next))
    }

    /// Goes through the pages of a list, each of which has entries and what the next begins after.
    fn pages<P: DeserializeOwned, T>(
        &self,
        path: &str,
        query: &Query<'_>,
        limit: usize,
        mut parts: impl FnMut(P) -> (Vec<T>, Option<i64>),
    ) -> Result<Vec<T>, ClientError> {
        let given = query.iter().find_map(|(name, value)| value.filter(|_| *name == "after"));
        let query: Vec<_> = query.iter().filter(|(name, _)| *name != "after").copied().collect();
        let (mut all, mut after) = (Vec::new(), given.map(str::to_owned));
        loop {
            let wanted = limit.saturating_sub(all.len()).clamp(1, 1000).to_string();
            let page = [("after", after.as_deref()), ("limit", Some(wanted.as_str()))];
            let (items, next) = parts(self.get(path, &[query.as_slice(), &page].concat())?);
            let before = after.as_deref().and_then(|after| after.parse::<i64>().ok()).unwrap_or_default();
            all.extend(items);
            match next {
                // A list that does not go on would never end.
                Some(next) if next > before && all.len() < limit => after = Some(next.to_string()),
                _ => break,
            }
        }
        all.truncate(limit);
        Ok(all)
    }

    /// Returns images that fit what is asked for.
    pub(crate) fn images(&self, query: &Query<'_>, limit: usize) -> Result<Vec<Image>, ClientError> {
        self.list("/api/v1/images", query, limit)
    }

    /// Returns the images that have something, and of a file in how many was looked.
    pub(crate) fn radius(
        &self,
        query: &Query<'_>,
        limit: usize,
    ) -> Result<(Vec<blast::Hit>, Option<blast::FilesKnown>), ClientError> {
        let mut files = None;
        let hits = self.pages("/api/v1/blast-radius", query, limit, |page: blast::Radius| {
            files = page.files;
            (page.items, page.next)
        })?;
        Ok((hits, files))
    }

    /// Returns decisions about findings.
    pub(crate) fn decisions(&self, query: &Query<'_>, limit: usize) -> Result<Vec<Decision>, ClientError> {
        self.list("/api/v1/triage", query, limit)
    }

    /// Decides about findings, and returns the decision.
    pub(crate) fn decide(&self, decision: &NewDecision) -> Result<Decision, ClientError> {
        self.send("POST", "/api/v1/triage", decision)
    }

    /// Takes a decision back.
    pub(crate) fn withdraw(&self, number: u64) -> Result<(), ClientError> {
        self.bytes("DELETE", &format!("/api/v1/triage/{number}"), &[]).map(drop)
    }

    /// Returns what happened.
    pub(crate) fn events(&self, query: &Query<'_>, limit: usize) -> Result<Vec<Event>, ClientError> {
        self.list("/api/v1/events", query, limit)
    }

    /// Returns what was promoted.
    pub(crate) fn promotions(&self, limit: usize) -> Result<Vec<Promotion>, ClientError> {
        self.list("/api/v1/promotions", &[], limit)
    }

    /// Asks for a promotion, and returns what is due.
    pub(crate) fn ask_for_promotion(&self, promotion: &NewPromotion) -> Result<DuePromotion, ClientError> {
        self.send("POST", "/api/v1/promotions", promotion)
    }

    /// Returns what runs or ran where.
    pub(crate) fn deployments(
        &self,
        query: &Query<'_>,
        limit: usize,
    ) -> Result<Vec<Deployment>, ClientError> {
        self.list("/api/v1/deployments", query, limit)
    }

    /// Records a build, and returns its number.
    pub(crate) fn record_build(&self, build: &NewBuild) -> Result<i64, ClientError> {
        let recorded: RecordedAs = self.send("POST", "/api/v1/builds", build)?;
        Ok(recorded.id)
    }

    /// Records what a service runs, and returns that.
    pub(crate) fn deploy(
        &self,
        environment: &str,
        service: &str,
        deployment: &NewDeployment,
    ) -> Result<Deployment, ClientError> {
        self.send("PUT", &deployed(environment, service), deployment)
    }

    /// Records that a service runs no more.
    pub(crate) fn undeploy(&self, environment: &str, service: &str) -> Result<(), ClientError> {
        self.bytes("DELETE", &deployed(environment, service), &[]).map(drop)
    }

    /// Has a credential kept, and returns it without what is secret.
    pub(crate) fn set_credential(&self, credential: &NewCredential) -> Result<Credential, ClientError> {
        self.send("PUT", CREDENTIALS, credential)
    }

    /// Returns the credentials that are kept, of one registry or all.
    pub(crate) fn credentials(&self, registry: Option<&str>) -> Result<Vec<Credential>, ClientError> {
        self.list(CREDENTIALS, &[("registry", registry)], usize::MAX)
    }

    /// Has a credential forgotten.
    pub(crate) fn remove_credential(&self, id: i64) -> Result<(), ClientError> {
        self.bytes("DELETE", &format!("{CREDENTIALS}/{id}"), &[]).map(drop)
    }

    /// Has everything encrypted by the server's first key.
    pub(crate) fn rotate_credentials(&self) -> Result<Rotation, ClientError> {
        self.read(&self.bytes("POST", &format!("{CREDENTIALS}/rotate"), &[])?)
    }

    fn image(&self, digest: &str) -> Result<ImageDetail, ClientError> {
        self.get(&format!("/api/v1/images/{}", encode(digest)), &[])
    }

    /// Returns the digest that a name stands for now, by asking the registry through the server; what it saw last would not be what was
    /// pushed a moment ago.
    fn resolve(&self, reference: &str, deadline: Instant) -> Result<String, ClientError> {
        let wanted = NewImage { reference: reference.to_owned() };
        let asked: Asked = self.send("POST", "/api/v1/images", &wanted)?;
        loop {
            let job: Job = self.get(&format!("/api/v1/jobs/{}", asked.job), &[])?;
            match job.state.as_str() {
                "done" => break,
                "failed" => return Err(ClientError::Failed(job.error.unwrap_or(job.state))),
                _ => self.pause(deadline)?,
            }
        }
        let named: Named = self.get("/api/v1/reference", &[("reference", Some(reference))])?;
        named.digest.ok_or_else(|| ClientError::Failed(format!("`{}` is no image", named.reference)))
    }

    fn pause(&self, deadline: Instant) -> Result<(), ClientError> {
        if Instant::now() + PAUSE > deadline {
            return Err(ClientError::Late(self.wait.as_secs()));
        }
        std::thread::sleep(PAUSE);
        Ok(())
    }

    /// Returns an image or index that the server knows, with the digest of each image that was wanted; waits until it has been scanned.
    fn scanned(
        &self,
        reference: &str,
        platform: Option<&Platform>,
        global: &Global,
    ) -> Result<ImageDetail, ClientError> {
        let deadline = Instant::now() + self.wait;
        let mut digest = self.resolve(reference, deadline)?;
        let mut told = false;
        loop {
            let image = match self.image(&digest) {
                Ok(image) => image,
                Err(ClientError::Refused { status: 404, .. }) => {
                    self.pause(deadline)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Some(why) = image.refused {
                return Err(ClientError::Failed(format!("it cannot be judged: {why}")));
            }
            if !image.images.is_empty() {
                digest = choose(&image.images, platform)?;
                continue;
            }
            if image.scan.is_some() {
                return Ok(image);
            }
            if let Some(job) = image.job.filter(|job| job.state == "failed") {
                return Err(ClientError::Failed(job.error.unwrap_or(job.state)));
            }
            if !std::mem::replace(&mut told, true) {
                terminal::note(global, "the server has not scanned the image yet; waiting for it");
            }
            self.pause(deadline)?;
        }
    }

    /// Returns the report about an image, as JSON. One that the server does not know is asked for, and waited for.
    pub(crate) fn report(
        &self,
        reference: &str,
        platform: Option<&Platform>,
        global: &Global,
    ) -> Result<Vec<u8>, ClientError> {
        let image = self.scanned(reference, platform, global)?;
        self.bytes("GET", &format!("/api/v1/images/{}/report", encode(&image.image.digest)), &[])
    }

    /// Returns whether a cluster may run an image; waits until it has been scanned.
    pub(crate) fn verdict(
        &self,
        reference: &str,
        placement: &Query<'_>,
        global: &Global,
    ) -> Result<Verdict, ClientError> {
        let deadline = Instant::now() + self.wait;
        let digest = self.resolve(reference, deadline)?;
        let path = format!("/api/v1/images/{}/verdict", encode(&digest));
        let query = [&[("reference", Some(reference))], placement].concat();
        let mut told = false;
        loop {
            match self.get(&path, &query) {
                Err(ClientError::Refused { status: 404 | 409, .. }) => {
                    if !std::mem::replace(&mut told, true) {
                        terminal::note(global, "the server has not scanned the image yet; waiting for it");
                    }
                    self.pause(deadline)?;
                }
                answer => return answer,
            }
        }
    }
}

fn deployed(environment: &str, service: &str) -> String {
    format!("/api/v1/deployments/{}/{}", encode(environment), encode(service))
}

/// Chooses the image of an index for a platform; `linux/amd64` unless another is asked for, as elsewhere.
fn choose(images: &[Child], platform: Option<&Platform>) -> Result<String, ClientError> {
    let default = Platform::linux_amd64();
    let wanted = platform.unwrap_or(&default);
    let fits = |child: &&Child| child.platform.parse().is_ok_and(|have: Platform| have.satisfies(wanted));
    let only = || if platform.is_none() && images.len() == 1 { images.first() } else { None };
    images.iter().find(fits).or_else(only).map(|child| child.digest.clone()).ok_or_else(|| {
        let have: Vec<&str> = images.iter().map(|child| child.platform.as_str()).collect();
        ClientError::Failed(format!("there is no image for {wanted} among {}", have.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_goes_nowhere_without_tls() {
        for (text, want) in [
            ("https://assay.example", Some("https://assay.example")),
            ("https://assay.example:8443/", Some("https://assay.example:8443")),
            ("https://gate.example/assay/", Some("https://gate.example/assay")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://[::1]:8080", Some("http://[::1]:8080")),
            ("http://localhost", Some("http://localhost")),
            ("http://assay.example", None),
            ("http://127.0.0.1.assay.example", None),
            ("http://127.0.0.1@assay.example/", None),
            ("https://user@assay.example/", None),
            ("https://assay.example/?x=1", None),
            ("assay.example", None),
            ("https://", None),
            ("", None),
        ] {
            assert_eq!(address(text).ok().map(|(base, _)| base).as_deref(), want, "{text}");
        }
    }

    #[test]
    fn what_a_server_says_to_type_is_not_said_twice_and_teams_are_no_roles() {
        let hint = |status, code: &str, detail: &str| {
            ClientError::Refused { status, code: code.to_owned(), detail: detail.to_owned() }.hint()
        };
        assert_eq!(hint(422, "senseless", "start it with `--registry registry.example`"), None);
        assert!(hint(422, "senseless", "`expires` is no day").unwrap().contains("--expires"));
        assert!(hint(403, "other-team", "it is another team's").unwrap().contains("teams"));
        assert!(hint(403, "forbidden", "the role is too low").unwrap().contains("role"));
    }

    #[test]
    fn the_image_for_the_platform_is_chosen_and_none_guessed() {
        let child = |digest: &str, platform: &str| Child { digest: digest.into(), platform: platform.into() };
        let images = [child("a", "linux/arm64/v8"), child("b", "linux/amd64"), child("c", "")];
        assert_eq!(choose(&images, None).unwrap(), "b");
        assert_eq!(choose(&images, Some(&"linux/arm64".parse().unwrap())).unwrap(), "a");
        assert!(choose(&images, Some(&"windows/amd64".parse().unwrap())).is_err());
        assert_eq!(choose(&images[2..], None).unwrap(), "c");
    }

    #[test]
    fn what_is_asked_is_what_the_server_describes() {
        let described = assay_server::api::operations();
        for (method, path) in [
            ("GET", "/api/v1/images"),
            ("POST", "/api/v1/images"),
            ("GET", "/api/v1/images/{digest}"),
            ("GET", "/api/v1/images/{digest}/report"),
            ("GET", "/api/v1/images/{digest}/verdict"),
            ("GET", "/api/v1/reference"),
            ("GET", "/api/v1/jobs/{id}"),
            ("GET", "/api/v1/blast-radius"),
            ("GET", "/api/v1/triage"),
            ("POST", "/api/v1/triage"),
            ("DELETE", "/api/v1/triage/{id}"),
            ("GET", "/api/v1/events"),
            ("GET", "/api/v1/promotions"),
            ("POST", "/api/v1/promotions"),
            ("POST", "/api/v1/builds"),
            ("GET", "/api/v1/deployments"),
            ("PUT", "/api/v1/deployments/{environment}/{service}"),
            ("DELETE", "/api/v1/deployments/{environment}/{service}"),
            ("GET", "/api/v1/credentials"),
            ("PUT", "/api/v1/credentials"),
            ("DELETE", "/api/v1/credentials/{id}"),
            ("POST", "/api/v1/credentials/rotate"),
        ] {
            assert!(described.contains(&(method.to_owned(), path.to_owned())), "{method} {path}");
        }
    }
}
