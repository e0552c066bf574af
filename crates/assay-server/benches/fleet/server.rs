//! The server over the fleet, with TLS, as clusters ask it.

use crate::{DAY, at};
use assay_advisories::Database;
use assay_oci::NetworkOptions;
use assay_server::admission::{Admission, Flights, Identities, Judge};
use assay_server::listen::{Patience, Tls, TlsFiles, answer, bind};
use assay_server::webhook::Secrets;
use assay_server::{App, Clock, KeptIndicators, Keyring, Limits, Metrics, Ownership, Scanner, Vault, router};
use assay_store::{Moment, Store, Token};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// What the fleet is judged by: some images have more than this and some have not.
const POLICY: &str = "apiVersion: assay.dev/v1
kind: ImagePolicy
metadata: {name: fleet}
tiers:
  - name: production
    match: {namespaces: [prod]}
    onPending: wait
rules:
  - vulnerabilities: {max: {critical: 0, high: 200}}
";

/// A server that runs, and how to reach it.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) connector: TlsConnector,
    store: Store,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Returns a token that may ask; the fleet is its own.
    pub(crate) async fn token(&self) -> String {
        let token = Token::new([7; 32]);
        let mut work = self.store.begin().await.unwrap();
        work.add_first_token(&token, at(0)).await.unwrap();
        work.commit().await.unwrap();
        token.reveal().to_owned()
    }

    pub(crate) fn stop(&self) {
        self.task.abort();
    }
}

pub(crate) async fn start(store: Store, database: &Database, day: i64, folder: &Path) -> Running {
    let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
                     -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE";
    let made = Command::new("openssl")
        .args(arguments.split_whitespace())
        .args(["-out".as_ref(), certificate.as_os_str(), "-keyout".as_ref(), key.as_os_str()])
        .output()
        .expect("openssl is needed for a certificate");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(&certificate).unwrap()).unwrap();
    let client = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();

    let bytes = database.bytes().to_vec();
    let scanner = Arc::new(Scanner {
        registries: ["registry.example".to_owned()].into(),
        network: NetworkOptions { retries: 0, offline: true, ..NetworkOptions::default() },
        scratch: folder.to_owned(),
        threads: NonZeroUsize::MIN,
        deep: false,
        deep_tags: Vec::new(),
        database: Arc::new(move || Ok((Database::from_bytes(bytes.clone())?, false))),
        cache: Arc::new(|| None),
    });
    let begun = Instant::now();
    let clock: Clock = Arc::new(move || -> Moment { at(day * DAY).plus(begun.elapsed()) });
    let metrics = Arc::new(Metrics::default());
    let admission = Admission {
        store: store.clone(),
        judge: Arc::new(Judge::parse(POLICY).unwrap()),
        scanner: scanner.clone(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        flights: Flights::default(),
        identities: Identities::default(),
        workloads: Vec::new(),
        namespaces: None,
    };
    let keyring = Arc::new(Keyring::default());
    let app = App {
        vault: Vault::new(store.clone(), keyring, clock.clone(), tokio::runtime::Handle::current()),
        store: store.clone(),
        scanner,
        admission: Some(admission),
        anonymous_admission: true,
        clock,
        metrics,
        limits: Limits::default(),
        indicators: KeptIndicators::default(),
        login: None,
        audit_key: None,
        webhooks: Secrets::default(),
        promoter: None,
        keep: None,
        owners: Ownership::default(),
    };
    let tls = Arc::new(Tls::read(TlsFiles { certificate, key, client_authorities: None }).unwrap());
    let listener = bind("127.0.0.1:0".parse().unwrap(), Some(&tls)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answering =
        answer(listener, Some(tls), router(Arc::new(app)), Patience::default(), std::future::pending());
    let task = tokio::spawn(answering);
    Running { address, store, connector: TlsConnector::from(Arc::new(client)), task }
}
