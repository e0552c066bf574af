//! Objects in folders and buckets, and whole documents in them. The bucket is one of a small S3 of our own; `real-tests` runs the same tests
//! on a real one.

use crate::fixture::{BUILT, run};
use assay_model::report::{DatabaseStatus, SourceKind};
use assay_model::{Context, Image, Inventory, Report, Timestamp};
use assay_oci::NetworkOptions;
use assay_server::{Bucket, S3};
use assay_sign::kms::{Answer, Request as Sent, Surroundings, TransportError};
use assay_store::{Address, Depth, Folder, ObjectStorage, Objects, Scan, Store};
use assay_test::http::{Reply, Request, Server};
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Keeps objects as S3 does, and looks at what S3 looks at but for the signature itself.
#[derive(Default)]
struct Fake {
    objects: Mutex<BTreeMap<String, Vec<u8>>>,
    /// How many requests to answer with 503 first.
    busy: AtomicU32,
    /// The access key that is still believed.
    key: Mutex<String>,
}

fn error(status: u16, code: &str) -> Reply {
    Reply::new(status, format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>"))
}

impl Fake {
    fn answer(&self, request: &Request) -> Reply {
        let by = request.header("authorization").unwrap_or_default();
        let key = self.key.lock().unwrap().clone();
        if !by.starts_with(&format!("AWS4-HMAC-SHA256 Credential={key}/"))
            || !by.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date")
        {
            return error(403, "InvalidAccessKeyId");
        }
        if self.busy.load(Ordering::Relaxed) > 0 {
            self.busy.fetch_sub(1, Ordering::Relaxed);
            return error(503, "SlowDown");
        }
        let mut objects = self.objects.lock().unwrap();
        if !request.target.starts_with("/bucket/") {
            return error(404, "NoSuchBucket");
        }
        match request.method.as_str() {
            "PUT" => {
                let hash = request.header("x-amz-content-sha256").unwrap_or_default().to_owned();
                if !request.target.ends_with(&hash) {
                    return error(400, "XAmzContentSHA256Mismatch");
                }
                objects.insert(request.target.clone(), request.body.clone());
                Reply::new(200, "")
            }
            "GET" => match objects.get(&request.target) {
                Some(bytes) => Reply::new(200, bytes.clone()),
                None => error(404, "NoSuchKey"),
            },
            "DELETE" => {
                objects.remove(&request.target);
                Reply::new(204, "")
            }
            _ => error(405, "MethodNotAllowed"),
        }
    }
}

/// What the process around has: an access key, and a clock, which is the real one at -1.
struct Outside {
    key: Arc<Mutex<String>>,
    is_temporary: bool,
    clock: Arc<AtomicI64>,
}

impl Surroundings for Outside {
    fn send(&self, request: &Sent) -> Result<Answer, TransportError> {
        panic!("nobody is to be asked for credentials: {request:?}")
    }

    #[expect(clippy::disallowed_methods, reason = "a real storage compares clocks")]
    fn now(&self) -> Timestamp {
        match self.clock.load(Ordering::Relaxed) {
            -1 => {
                let passed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
                Timestamp(passed.as_secs().try_into().unwrap())
            }
            passed => Timestamp(BUILT.0 + passed),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "AWS_ACCESS_KEY_ID" => Some(self.key.lock().unwrap().clone()),
            "AWS_SECRET_ACCESS_KEY" => Some("test-secret".to_owned()),
            "AWS_SESSION_TOKEN" => self.is_temporary.then(|| "session".to_owned()),
            _ => None,
        }
    }

    fn file(&self, _: &Path) -> std::io::Result<String> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

struct World {
    fake: Arc<Fake>,
    server: Server,
    key: Arc<Mutex<String>>,
    clock: Arc<AtomicI64>,
}

impl World {
    fn start() -> Self {
        let fake = Arc::new(Fake::default());
        *fake.key.lock().unwrap() = "FIRST".to_owned();
        let answering = fake.clone();
        let server = Server::start(move |request| answering.answer(request));
        let key = Arc::new(Mutex::new("FIRST".to_owned()));
        Self { fake, server, key, clock: Arc::default() }
    }

    fn bucket(&self, name: &str, is_temporary: bool) -> S3 {
        let outside = Outside { key: self.key.clone(), is_temporary, clock: self.clock.clone() };
        let endpoint = format!("http://{}", self.server.host());
        let network = NetworkOptions { retries: 0, ..NetworkOptions::default() };
        S3::new(name.parse::<Bucket>().unwrap(), Some(&endpoint), network, Box::new(outside)).unwrap()
    }
}

/// The SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Runs a test on every kind of storage: a folder, the small S3 of our own, and with `ASSAY_TEST_S3` a real one, whose address it is; its
/// keys are `test` and `test-secret`, and it has a bucket `assay`.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the test of real tools names the real one so, and counts"
)]
fn on_each(test: impl Fn(Arc<dyn ObjectStorage>)) {
    let folder = tempfile::tempdir().unwrap();
    let world = World::start();
    test(Arc::new(Folder::new(folder.path().to_owned())));
    test(Arc::new(world.bucket("s3://bucket/a/b", false)));
    if let Ok(endpoint) = std::env::var("ASSAY_TEST_S3") {
        println!("on {endpoint}");
        let key = Arc::new(Mutex::new("test".to_owned()));
        let outside = Outside { key, is_temporary: false, clock: Arc::new(AtomicI64::new(-1)) };
        let bucket = format!("s3://assay/{}", std::process::id()).parse::<Bucket>().unwrap();
        let network = NetworkOptions::default();
        test(Arc::new(S3::new(bucket, Some(&endpoint), network, Box::new(outside)).unwrap()));
    }
}

#[test]
fn objects_are_put_read_and_removed() {
    on_each(|storage| {
        assert_eq!(storage.get(HELLO).unwrap(), None, "{}", storage.place());
        storage.put(HELLO, b"hello").unwrap();
        storage.put(HELLO, b"hello").unwrap();
        assert_eq!(storage.get(HELLO).unwrap().as_deref(), Some(b"hello".as_slice()));
        storage.delete(HELLO).unwrap();
        storage.delete(HELLO).unwrap();
        assert_eq!(storage.get(HELLO).unwrap(), None);
        // An image of 100,000 packages has a packed report of some 10 MB.
        let large: Vec<u8> =
            (0..12_000_000_u32).map(|number| (number.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let name = sha256(&large);
        storage.put(&name, &large).unwrap();
        assert!(storage.get(&name).unwrap().as_deref() == Some(&large[..]));
        storage.delete(&name).unwrap();
    });
}

#[test]
fn several_may_put_read_and_remove_the_same() {
    on_each(|storage| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        storage.put(HELLO, b"hello").unwrap();
                        let read = storage.get(HELLO).unwrap();
                        assert!(read.is_none_or(|bytes| bytes == b"hello"));
                        storage.delete(HELLO).unwrap();
                    }
                });
            }
        });
    });
}

fn sha256(bytes: &[u8]) -> String {
    assay_model::Digest::Sha256(sha2::Sha256::digest(bytes).into()).hex()
}

#[test]
fn objects_are_below_the_prefix() {
    let world = World::start();
    let bucket = world.bucket("s3://bucket/a/b", false);
    assert_eq!(bucket.place(), "s3://bucket/a/b/");
    bucket.put(HELLO, b"hello").unwrap();
    let names: Vec<String> = world.fake.objects.lock().unwrap().keys().cloned().collect();
    assert_eq!(names, [format!("/bucket/a/b/{HELLO}")]);
}

#[test]
fn a_bucket_that_is_not_there_is_no_object_that_is_not_there() {
    let world = World::start();
    let bucket = world.bucket("s3://elsewhere", false);
    for error in [bucket.get(HELLO).unwrap_err(), bucket.put(HELLO, b"hello").unwrap_err()] {
        let cause = error.source.to_string();
        assert!(cause.contains("answered 404 (NoSuchBucket)"), "{cause}");
        assert!(error.to_string().contains("s3://elsewhere/"), "{error}");
    }
}

#[test]
fn a_bucket_that_is_busy_is_asked_again_but_not_for_ever() {
    let world = World::start();
    let bucket = world.bucket("s3://bucket", false);
    world.fake.busy.store(2, Ordering::Relaxed);
    bucket.put(HELLO, b"hello").unwrap();
    world.fake.busy.store(99, Ordering::Relaxed);
    let asked = world.server.requests().len();
    let error = bucket.get(HELLO).unwrap_err();
    assert!(error.source.to_string().contains("503 (SlowDown)"), "{}", error.source);
    assert_eq!(world.server.requests().len() - asked, 4);
}

#[test]
fn credentials_that_were_changed_are_looked_for_again() {
    let world = World::start();
    let bucket = world.bucket("s3://bucket", false);
    bucket.put(HELLO, b"hello").unwrap();
    for place in [&world.fake.key, &*world.key] {
        *place.lock().unwrap() = "SECOND".to_owned();
    }
    assert!(bucket.get(HELLO).unwrap().is_some());
    // Whoever is refused with fresh ones is refused.
    *world.fake.key.lock().unwrap() = "THIRD".to_owned();
    let asked = world.server.requests().len();
    let error = bucket.get(HELLO).unwrap_err();
    assert!(error.source.to_string().contains("403 (InvalidAccessKeyId)"), "{}", error.source);
    assert_eq!(world.server.requests().len() - asked, 2);
    assert!(!format!("{bucket:?} {error:?}").contains("secret"));
}

#[test]
fn temporary_credentials_are_renewed_before_they_run_out() {
    let world = World::start();
    let bucket = world.bucket("s3://bucket", true);
    bucket.put(HELLO, b"hello").unwrap();
    for place in [&world.fake.key, &*world.key] {
        *place.lock().unwrap() = "SECOND".to_owned();
    }
    world.clock.store(300, Ordering::Relaxed);
    let asked = world.server.requests().len();
    assert!(bucket.get(HELLO).unwrap().is_some());
    assert_eq!(world.server.requests().len() - asked, 1, "it was refused first");
}

#[test]
fn what_is_stored_is_sent_to_nobody_without_tls() {
    let world = World::start();
    let outside = Outside { key: world.key.clone(), is_temporary: false, clock: world.clock.clone() };
    let bucket = "s3://bucket".parse::<Bucket>().unwrap();
    let refused =
        S3::new(bucket, Some("http://s3.example"), NetworkOptions::default(), Box::new(outside)).unwrap_err();
    assert!(refused.source.to_string().contains("s3.example"), "{}", refused.source);
}

#[test]
fn reports_are_kept_in_every_storage() {
    on_each(|storage| {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let address = Address::File(folder.path().join("assay.db"));
            let store = Store::open(&address).await.unwrap();
            let store = store.with_objects(Objects::new(storage.clone()).above(0)).await.unwrap();
            let digest = assay_model::Digest::Sha256([1; 32]);
            let place = assay_store::Place {
                registry: "registry.example".to_owned(),
                repository: "app".to_owned(),
                tag: None,
            };
            let now = crate::fixture::now();
            let report = Report {
                source: SourceKind::Registry,
                image: Image::default(),
                scanners: Vec::new(),
                findings: Vec::new(),
                inventory: Inventory::default(),
                database: DatabaseStatus::default(),
                context: Context::default(),
                coverage: Vec::new(),
                removable: Vec::new(),
            };
            let scan = Scan {
                digest: &digest,
                depth: Depth::Fast,
                report: &report,
                json: b"{\"a\": 1}",
                index: &[],
            };
            let documents = store.scan_documents(&scan).await.unwrap();
            let mut work = store.begin().await.unwrap();
            work.see(&digest, &place, now).await.unwrap();
            work.save_scan_with(&scan, &documents, now).await.unwrap();
            work.commit().await.unwrap();
            assert_eq!(store.report(&digest, None).await.unwrap().unwrap().json, b"{\"a\": 1}");
            assert!(store.inventory(&digest).await.unwrap().is_some());
            let mut work = store.begin().await.unwrap();
            let later = now.plus(std::time::Duration::from_secs(2 * 86_400));
            assert_eq!(work.prune(later, 9).await.unwrap().len(), 1);
            work.commit().await.unwrap();
            let first = assay_server::forget(&store, None, later).await.unwrap();
            let later = later.plus(std::time::Duration::from_secs(2 * 3600));
            let second = assay_server::forget(&store, None, later).await.unwrap();
            assert_eq!((first.objects, second.objects), (0, 2));
            // Nothing is left to be named, so the storage may be another one from now on.
            store.check_objects(None).await.unwrap();
        });
    });
}
