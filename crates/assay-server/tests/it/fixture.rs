//! A server with everything around it: a registry, a vulnerability database, a store, a client.

use assay_advisories::sink::{Counts, Record};
use assay_advisories::{Compiler, Database};
use assay_model::{Advisory, Affected, Range, Timestamp};
use assay_oci::{CredentialSources, NetworkOptions};
use assay_policy::trust::Material;
use assay_server::admission::{Admission, Flights, Identities, Judge, Namespaces};
use assay_server::listen::{Patience, answer};
use assay_server::webhook::{Secrets, WEBHOOKS};
use assay_server::{
    App, Clock, CredentialKey, KeptIndicators, Keyring, Limits, Login, Metrics, Owners, Promoter, Scanner,
    Vault, Worker, router,
};
use assay_sign::key::PublicKey;
use assay_sign::trust::TrustedRoot;
use assay_sign::verify::{TrustRoot, TrustedKey};
use assay_store::{Address, Holder, Moment, Role, Scope, Store, Terms, Token};
use assay_test::http::{Reply, Request, Server};
use assay_test::image::{Builder, BuiltImage, Tree};
use assay_test::registry::Content;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Short, so that tests of slow clients are not slow themselves.
pub(crate) const PATIENCE: Patience =
    Patience { connections: 100, head: Duration::from_secs(2), answer: Duration::from_secs(2) };

/// The day on which all databases here are built, unless a test says otherwise.
pub(crate) const BUILT: Timestamp = Timestamp(1_700_000_000);

/// Compiles advisories about Python packages: identifier, package, and the version that fixes it.
pub(crate) fn database(advisories: &[(&str, &str, &str)], built: Timestamp) -> Database {
    let mut compiler = Compiler::new(false);
    let feed = compiler.feed("osv", "CC0-1.0");
    compiler.record(feed, Record::Covers("PyPI".parse().unwrap()));
    for (id, package, fixed) in advisories {
        let mut affected = Affected::new("PyPI".parse().unwrap(), package);
        affected.ranges = vec![Range::until_fixed(*fixed)];
        let advisory = Advisory {
            id: (*id).to_owned(),
            affected: vec![affected],
            severity: Some(assay_model::Severity::Critical),
            published: Some(Timestamp(BUILT.0 - 86_400)),
            ..Advisory::default()
        };
        compiler.record(feed, Record::Advisory(Box::new(advisory)));
    }
    let counts = Counts { used: advisories.len() as u64, data_time: Some(built), ..Counts::default() };
    compiler.count(feed, counts);
    Database::from_bytes(compiler.finish(built).unwrap()).unwrap()
}

/// Builds an image with Python packages.
pub(crate) fn image(packages: &[(&str, &str)]) -> BuiltImage {
    let mut tree = Tree::new();
    for (name, version) in packages {
        let path = format!("usr/lib/python3/dist-packages/{name}-{version}.dist-info/METADATA");
        tree = tree.file(&path, format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"));
    }
    Builder::new().layer(tree, "COPY . /").build()
}

/// What may be around a server.
#[derive(Default)]
struct Around<'a> {
    /// A cluster that may be asked for the labels of namespaces.
    namespaces: Option<Namespaces>,
    /// From where to where is promoted, and which tags may move.
    pairs: &'a [&'a str],
    moving: &'a [&'a str],
    /// An identity provider.
    login: Option<Login>,
    /// The keys that encrypt credentials, by number.
    keys: &'a [u8],
}

/// A server, and what a test needs to play with it.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) address: SocketAddr,
    pub(crate) registry: Server,
    pub(crate) worker: Worker,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) app: Arc<App>,
    /// The head of the last answer.
    pub(crate) head: Mutex<String>,
    pub(crate) promoter: Option<Arc<Promoter>>,
    database: Arc<Mutex<Vec<u8>>>,
    /// How much time has passed besides.
    passed: Arc<Mutex<Duration>>,
    folder: TempDir,
}

/// The token of somebody with this role.
pub(crate) fn token(role: Role) -> Token {
    Token::new([role as u8; 32])
}

/// A key for credentials, one for each number.
pub(crate) fn credential_key(number: u8) -> CredentialKey {
    CredentialKey::parse(format!("{number:02x}").repeat(32).as_bytes()).unwrap()
}

/// The secret of a webhook.
pub(crate) fn webhook_secret(name: &str) -> String {
    format!("known to {name} alone")
}

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    for webhook in WEBHOOKS {
        secrets.add(webhook.name(), webhook_secret(webhook.name()).as_bytes()).unwrap();
    }
    secrets
}

/// The time here: it begins when the first database was built, so that nothing is stale.
pub(crate) fn now() -> Moment {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    Moment::from(BUILT).plus(BEGUN.get_or_init(Instant::now).elapsed())
}

/// Reads a policy, and the keys that stand in it.
fn judge(text: &str) -> Judge {
    let judge = Judge::parse(text).unwrap();
    let roots = judge.policy().trust.iter().map(|(name, stated)| {
        let assay_policy::trust::TrustRoot::Keys(keys) = stated else { panic!("`{name}` is no key") };
        let mut root = TrustRoot::new(name, TrustedRoot::public().unwrap());
        root.keys = keys.iter().map(trusted).collect();
        root
    });
    let roots = roots.collect();
    judge.trusting(roots, b"")
}

fn trusted(stated: &assay_policy::trust::TrustedKey) -> TrustedKey {
    let Material::Inline(pem) = &stated.material else { panic!("a key from outside of the policy") };
    TrustedKey {
        not_before: stated.valid_from,
        not_after: stated.valid_until,
        revoked: stated.revoked,
        ..TrustedKey::new(PublicKey::from_pem(pem).unwrap())
    }
}

impl World {
    /// Starts one, on a registry with this content and by this policy.
    pub(crate) async fn start(content: Content, first: &Database, policy: Option<&str>) -> Self {
        Self::start_with(move |request| content.answer(request), first, policy).await
    }

    /// Starts one, on a registry that answers in its own way.
    pub(crate) async fn start_with(
        answer: impl Fn(&Request) -> Reply + Send + Sync + 'static,
        first: &Database,
        policy: Option<&str>,
    ) -> Self {
        Self::on(Server::start(answer), first, policy).await
    }

    /// Starts one on this registry.
    pub(crate) async fn on(registry: Server, first: &Database, policy: Option<&str>) -> Self {
        Self::build(registry, first, policy, Around::default()).await
    }

    /// Starts one on this registry that may ask a cluster for the labels of namespaces.
    pub(crate) async fn in_cluster(
        registry: Server,
        first: &Database,
        policy: Option<&str>,
        namespaces: Option<Namespaces>,
    ) -> Self {
        Self::build(registry, first, policy, Around { namespaces, ..Around::default() }).await
    }

    /// Starts one on this registry that promotes: `HOST` in the pairs stands for the registry.
    pub(crate) async fn promoting(
        registry: Server,
        first: &Database,
        policy: Option<&str>,
        pairs: &[&str],
        moving: &[&str],
    ) -> Self {
        Self::build(registry, first, policy, Around { pairs, moving, ..Around::default() }).await
    }

    /// Starts one on this registry, at which people sign in by an identity provider.
    pub(crate) async fn with_login(
        registry: Server,
        first: &Database,
        policy: Option<&str>,
        login: Option<Login>,
    ) -> Self {
        Self::build(registry, first, policy, Around { login, ..Around::default() }).await
    }

    /// Starts one on this registry that was given these keys for credentials.
    pub(crate) async fn with_keys(
        registry: Server,
        policy: Option<&str>,
        pairs: &[&str],
        keys: &[u8],
    ) -> Self {
        let around = Around { pairs, keys, ..Around::default() };
        Self::build(registry, &database(&[], BUILT), policy, around).await
    }

    async fn build(
        registry: Server,
        first: &Database,
        policy: Option<&str>,
        Around { namespaces, pairs, moving, login, keys }: Around<'_>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Address::File(folder.path().join("assay.db"))).await.unwrap();
        let mut work = store.begin().await.unwrap();
        for role in Role::ALL {
            let holder = Holder { name: role.name().to_owned(), role, scope: Scope::Fleet };
            work.add_token(&token(role), &holder, None, now()).await.unwrap();
        }
        work.commit().await.unwrap();
        let bytes = Arc::new(Mutex::new(first.bytes().to_vec()));
        let current = bytes.clone();
        let passed = Arc::new(Mutex::new(Duration::ZERO));
        let besides = passed.clone();
        let clock: Clock = Arc::new(move || now().plus(*besides.lock().unwrap()));
        let keyring = Keyring::new(keys.iter().map(|number| credential_key(*number)).collect());
        let vault =
            Vault::new(store.clone(), Arc::new(keyring), clock.clone(), tokio::runtime::Handle::current());
        let credentials = vault.reading(CredentialSources::default());
        let scanner = Arc::new(Scanner {
            registries: [registry.host()].into(),
            network: NetworkOptions { retries: 0, credentials, ..NetworkOptions::default() },
            scratch: folder.path().to_owned(),
            threads: NonZeroUsize::MIN,
            deep: false,
            deep_tags: vec!["v*".to_owned()],
            database: Arc::new(move || {
                let bytes = current.lock().unwrap().clone();
                Ok((Database::from_bytes(bytes)?, false))
            }),
            cache: Arc::new(|| None),
        });
        let metrics = Arc::new(Metrics::default());
        let admission_by = |policy: &str| Admission {
            store: store.clone(),
            judge: Arc::new(judge(policy)),
            scanner: scanner.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            flights: Flights::default(),
            identities: Identities {
                exempt: vec!["user:system:addon".parse().unwrap()],
                break_glass: vec!["group:oncall".parse().unwrap()],
            },
            workloads: vec!["example.org/Crate=/spec/template/spec".parse().unwrap()],
            namespaces: None,
        };
        let admission = policy.map(|policy| Admission { namespaces, ..admission_by(policy) });
        let promoter = policy.filter(|_| !pairs.is_empty()).map(|policy| {
            let pair = |text: &&str| text.replace("HOST", &registry.host()).parse().unwrap();
            Arc::new(Promoter {
                store: store.clone(),
                admission: admission_by(policy),
                pairs: pairs.iter().map(pair).collect(),
                moving: moving.iter().map(|tag| (*tag).to_owned()).collect(),
                network: NetworkOptions {
                    credentials: vault.writing(None, &scanner.network.credentials),
                    ..scanner.network.clone()
                },
                terms: Terms::default(),
                name: "promoter".to_owned(),
                clock: clock.clone(),
                flights: Flights::default(),
            })
        });
        let app = Arc::new(App {
            store: store.clone(),
            vault,
            scanner: scanner.clone(),
            admission,
            anonymous_admission: true,
            clock: clock.clone(),
            metrics: metrics.clone(),
            limits: Limits::default(),
            indicators: KeptIndicators::default(),
            login,
            audit_key: None,
            webhooks: secrets(),
            promoter: promoter.clone(),
            keep: None,
            owners: Owners::parse("*/team/ team-app\n*/red/ red\n*/blue/ blue\n").unwrap().into(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(answer(listener, None, router(app.clone()), PATIENCE, std::future::pending()));
        let worker = Worker {
            name: "worker".to_owned(),
            store: store.clone(),
            scanner,
            terms: Terms::default(),
            clock,
            metrics: metrics.clone(),
        };
        Self {
            app,
            store,
            address,
            registry,
            worker,
            metrics,
            head: Mutex::default(),
            promoter,
            database: bytes,
            passed,
            folder,
        }
    }

    /// Returns what stands in the files of the store, every byte of it.
    pub(crate) fn at_rest(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap_or_default()).collect()
    }

    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        *self.passed.lock().unwrap() += time;
    }

    /// What the clocks of the server say.
    pub(crate) fn time(&self) -> Moment {
        (self.app.clock)()
    }

    /// Starts the server anew on what it has stored, by another policy if one is given.
    pub(crate) async fn restart(&mut self, policy: Option<&str>) {
        let old = self.app.admission.as_ref().unwrap();
        let admission = Admission {
            store: old.store.clone(),
            judge: policy.map_or_else(|| old.judge.clone(), |policy| Arc::new(judge(policy))),
            scanner: old.scanner.clone(),
            clock: old.clock.clone(),
            metrics: self.metrics.clone(),
            flights: Flights::default(),
            identities: Identities::default(),
            workloads: old.workloads.clone(),
            namespaces: None,
        };
        self.app = Arc::new(App {
            store: self.store.clone(),
            scanner: self.app.scanner.clone(),
            admission: Some(admission),
            anonymous_admission: true,
            clock: self.app.clock.clone(),
            metrics: self.metrics.clone(),
            limits: Limits::default(),
            indicators: KeptIndicators::default(),
            login: None,
            audit_key: None,
            webhooks: secrets(),
            promoter: self.promoter.clone(),
            keep: None,
            owners: assay_server::Ownership::default(),
            vault: self.app.vault.clone(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.address = listener.local_addr().unwrap();
        tokio::spawn(answer(listener, None, router(self.app.clone()), PATIENCE, std::future::pending()));
    }

    /// Replaces the vulnerability database that scans use.
    pub(crate) fn replace_database(&self, database: &Database) {
        *self.database.lock().unwrap() = database.bytes().to_vec();
    }

    /// Does every job there is.
    pub(crate) async fn work(&self) {
        while self.worker.step().await.unwrap() {}
    }

    /// Sends a request and returns status and body.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        role: Option<Role>,
        body: &str,
    ) -> (u16, String) {
        self.ask_as(method, path, role.map(token).as_ref().map(Token::reveal), body).await
    }

    /// Sends a request with any token.
    pub(crate) async fn ask_as(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> (u16, String) {
        let authorisation =
            token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let (status, _, body) = self.send(method, path, &authorisation, body).await;
        (status, body)
    }

    /// Sends a request with these header lines, and returns status, head and body.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &str,
        body: &str,
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        *self.head.lock().unwrap() = head.to_ascii_lowercase();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_owned(), body.to_owned())
    }

    /// Asks for JSON, as a viewer.
    pub(crate) async fn get(&self, path: &str) -> serde_json::Value {
        let (status, body) = self.ask("GET", path, Some(Role::Viewer), "").await;
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Tells of a push as the registry would.
    pub(crate) async fn push(&self, host: &str, tag: &str, digest: &str) -> (u16, String) {
        self.push_to(host, "team/app", tag, digest).await
    }

    /// Tells of a push to a repository.
    pub(crate) async fn push_to(
        &self,
        host: &str,
        repository: &str,
        tag: &str,
        digest: &str,
    ) -> (u16, String) {
        let event = serde_json::json!({ "events": [{
            "id": "1", "action": "push",
            "target": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest,
                        "repository": repository, "tag": tag },
            "request": { "host": host },
        }] });
        self.ask("POST", "/webhooks/distribution", Some(Role::Developer), &event.to_string()).await
    }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}
