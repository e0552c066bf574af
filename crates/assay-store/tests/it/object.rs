//! Documents in object storage: no row is ever without its document, whoever dies when, and what nobody refers to goes.

use crate::build::{build, record};
use crate::fixture::{at, digest, on_each, place, report};
use assay_store::{
    Depth, Folder, IndexEntry, Moment, NewSbom, ObjectError, ObjectStorage, Objects, OpenStoreError, Scan,
    ScanDocuments, Store, StoreError,
};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

const HOUR: i64 = 3600;

/// A folder that can be made to fail, or to do something while an object is removed.
struct Watched {
    folder: Folder,
    is_broken: AtomicBool,
    removing: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl ObjectStorage for Watched {
    fn place(&self) -> String {
        self.folder.place()
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        self.folder.put(name, bytes)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        self.folder.get(name)
    }

    fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let removing = self.removing.lock().unwrap().take();
        if let Some(meanwhile) = removing {
            meanwhile();
        }
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(ObjectError { doing: "remove", place: self.place(), source: "it is away".into() });
        }
        self.folder.delete(name)
    }
}

struct World {
    store: Store,
    storage: Arc<Watched>,
    folder: TempDir,
}

impl World {
    async fn new(store: Store) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Arc::new(Watched {
            folder: Folder::new(folder.path().to_owned()),
            is_broken: AtomicBool::new(false),
            removing: Mutex::default(),
        });
        let objects = Objects::new(storage.clone()).above(100);
        Self { store: store.with_objects(objects).await.unwrap(), storage, folder }
    }

    fn objects(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in std::fs::read_dir(self.folder.path()).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
                files.push(file.unwrap().path());
            }
        }
        files
    }

    async fn see(&self, number: u8) {
        let mut work = self.store.begin().await.unwrap();
        work.see(&digest(number), &place(None), at(1)).await.unwrap();
        work.commit().await.unwrap();
    }

    async fn save(&self, number: u8, json: &[u8], documents: Option<&ScanDocuments>, now: Moment) {
        let (digest, report, index) = (digest(number), report(&[("a", "1", &[])]), Vec::<IndexEntry>::new());
        let scan = Scan { digest: &digest, depth: Depth::Fast, report: &report, json, index: &index };
        let made;
        let documents = match documents {
            Some(documents) => documents,
            None => {
                made = self.store.scan_documents(&scan).await.unwrap();
                &made
            }
        };
        let mut work = self.store.begin().await.unwrap();
        work.save_scan_with(&scan, documents, now).await.unwrap();
        work.commit().await.unwrap();
    }

    async fn documents(&self, number: u8, json: &[u8]) -> ScanDocuments {
        let (digest, report) = (digest(number), report(&[("a", "1", &[])]));
        let scan = Scan { digest: &digest, depth: Depth::Fast, report: &report, json, index: &[] };
        self.store.scan_documents(&scan).await.unwrap()
    }

    async fn read(&self, number: u8) -> Vec<u8> {
        assert!(self.store.inventory(&digest(number)).await.unwrap().is_some());
        self.store.report(&digest(number), None).await.unwrap().unwrap().json
    }
}

/// Bytes that cannot be packed.
fn large(seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    (0..5000)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect()
}

#[test]
fn large_documents_are_objects_and_small_ones_stay_in_their_rows() {
    on_each(async |store| {
        let world = World::new(store.clone()).await;
        for number in [1, 2, 3] {
            world.see(number).await;
        }
        world.save(1, b"{}", None, at(2)).await;
        let small = world.objects().len();
        world.save(1, &large(1), None, at(2)).await;
        // The same document of another image is the same object.
        world.save(2, &large(1), None, at(2)).await;
        record(&world.store, &build("c", Some(1), 1), &large(2), 3).await;
        let document = world.store.document("bill of materials", "x", &large(3)).await.unwrap();
        let mut work = world.store.begin().await.unwrap();
        let sbom = NewSbom { format: "spdx", document: &document, score: 1, packages: 1 };
        work.keep_sbom(&digest(1), &sbom, at(3)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(world.objects().len(), small + 3);
        assert_eq!((world.read(1).await, world.read(2).await), (large(1), large(1)));
        assert_eq!(world.store.build_log(1).await.unwrap(), Some(large(2)));
        assert_eq!(world.store.sbom(&digest(1), "spdx").await.unwrap(), Some(large(3)));
        // What was written before there was any storage is read as before.
        let mut work = store.begin().await.unwrap();
        let (digest3, report) = (digest(3), report(&[("a", "1", &[])]));
        let json = large(4);
        let scan = Scan { digest: &digest3, depth: Depth::Fast, report: &report, json: &json, index: &[] };
        work.save_scan(&scan, at(4)).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(world.read(3).await, large(4));
        // Without the storage nobody reads what is in it, and says so.
        let error = store.report(&digest(1), None).await.unwrap_err();
        assert!(matches!(error, StoreError::NoObjects), "{error}");
        let error = store.check_objects(None).await.unwrap_err();
        assert!(matches!(error, OpenStoreError::OtherObjects { .. }), "{error}");
        let error = store.check_objects(Some("s3://elsewhere")).await.unwrap_err();
        assert!(matches!(error, OpenStoreError::OtherObjects { place } if place == "folder"));
        store.check_objects(Some("folder")).await.unwrap();
    });
}

#[test]
fn what_a_row_refers_to_is_never_removed_and_what_none_does_is() {
    on_each(async |store| {
        let world = World::new(store).await;
        for number in [1, 2] {
            world.see(number).await;
        }
        world.save(1, &large(1), None, at(0)).await;
        world.save(2, &large(1), None, at(0)).await;
        // Somebody died between writing the object and the row.
        world.documents(1, &large(2)).await;
        let before = world.objects().len();
        // Not yet: who wrote it may be alive.
        assert_eq!(world.store.sweep(at(0), 9).await.unwrap(), 0);
        assert_eq!(world.store.sweep(at(HOUR), 9).await.unwrap(), 0);
        assert_eq!(world.store.sweep(at(HOUR + 1), 9).await.unwrap(), 1);
        assert_eq!(world.objects().len(), before - 1);
        assert_eq!((world.read(1).await, world.read(2).await), (large(1), large(1)));
        // A new report of one leaves the object to the other; of both, to nobody.
        world.save(1, &large(3), None, at(2 * HOUR)).await;
        assert_eq!(world.store.sweep(at(9 * HOUR), 9).await.unwrap(), 0);
        world.save(2, &large(3), None, at(9 * HOUR)).await;
        // Whoever has read the row has time to read the object.
        assert_eq!(world.store.sweep(at(97 * HOUR), 9).await.unwrap(), 0);
        assert_eq!(world.store.sweep(at(99 * HOUR), 9).await.unwrap(), 1);
        assert_eq!((world.read(1).await, world.read(2).await), (large(3), large(3)));
        // With the images goes all that is theirs.
        let mut work = world.store.begin().await.unwrap();
        assert_eq!(work.prune(at(99 * HOUR), 9).await.unwrap().len(), 2);
        work.commit().await.unwrap();
        assert_eq!(world.store.sweep(at(198 * HOUR), 1).await.unwrap(), 0);
        assert_eq!(world.store.sweep(at(200 * HOUR), 1).await.unwrap(), 1);
        world.store.sweep(at(200 * HOUR), 9).await.unwrap();
        assert_eq!(world.objects(), [""; 0].map(PathBuf::from));
        world.store.check_objects(None).await.unwrap();
    });
}

#[test]
fn who_claimed_too_long_ago_keeps_the_document_in_the_row() {
    on_each(async |store| {
        let world = World::new(store).await;
        world.see(1).await;
        let documents = world.documents(1, &large(1)).await;
        assert_eq!(world.store.sweep(at(0), 9).await.unwrap(), 0);
        assert!(world.store.sweep(at(2 * HOUR), 9).await.unwrap() > 0);
        world.save(1, b"", Some(&documents), at(2 * HOUR)).await;
        assert_eq!((world.read(1).await, world.objects().len()), (large(1), 0));
    });
}

#[test]
fn what_is_written_while_it_is_removed_stays_in_the_row() {
    on_each(async |store| {
        let world = World::new(store).await;
        world.see(1).await;
        world.documents(1, &large(1)).await;
        assert_eq!(world.store.sweep(at(0), 9).await.unwrap(), 0);
        let handle = tokio::runtime::Handle::current();
        let (writer, storage) = (world.store.clone(), world.storage.clone());
        let (sender, receiver) = std::sync::mpsc::channel();
        *storage.removing.lock().unwrap() = Some(Box::new(move || {
            // Everything a scan does, in the moment between the decision and the removal.
            handle.block_on(async {
                let (digest, report, json) = (digest(1), report(&[("a", "1", &[])]), large(1));
                let scan =
                    Scan { digest: &digest, depth: Depth::Fast, report: &report, json: &json, index: &[] };
                let documents = writer.scan_documents(&scan).await.unwrap();
                let mut work = writer.begin().await.unwrap();
                work.save_scan_with(&scan, &documents, at(5 * HOUR)).await.unwrap();
                work.commit().await.unwrap();
            });
            sender.send(()).unwrap();
        }));
        assert!(world.store.sweep(at(5 * HOUR), 9).await.unwrap() > 0);
        receiver.recv().unwrap();
        assert_eq!(world.read(1).await, large(1));
        for hour in [99, 199] {
            world.store.sweep(at(hour * HOUR), 9).await.unwrap();
        }
        assert_eq!(world.read(1).await, large(1));
    });
}

#[test]
fn a_removal_that_failed_is_taken_up_again() {
    on_each(async |store| {
        let world = World::new(store).await;
        world.see(1).await;
        world.documents(1, &large(1)).await;
        assert_eq!(world.store.sweep(at(0), 9).await.unwrap(), 0);
        let before = world.objects().len();
        world.storage.is_broken.store(true, Ordering::Relaxed);
        let error = world.store.sweep(at(2 * HOUR), 1).await.unwrap_err();
        assert!(matches!(error, StoreError::Objects(_)), "{error}");
        world.storage.is_broken.store(false, Ordering::Relaxed);
        // Whoever began it may still be at it; what is written meanwhile does not wait for that.
        world.save(1, &large(1), None, at(2 * HOUR)).await;
        assert_eq!(world.objects().len(), before);
        world.store.sweep(at(4 * HOUR), 9).await.unwrap();
        assert_eq!((world.read(1).await, world.objects().len() < before), (large(1), true));
    });
}

#[test]
fn a_lost_or_damaged_object_is_no_document() {
    on_each(async |store| {
        let world = World::new(store).await;
        world.see(1).await;
        world.save(1, &large(1), None, at(0)).await;
        for object in world.objects() {
            std::fs::write(object, large(9)).unwrap();
        }
        let error = world.store.report(&digest(1), None).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
        for object in world.objects() {
            std::fs::remove_file(object).unwrap();
        }
        let error = world.store.report(&digest(1), None).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    });
}

#[test]
fn a_folder_takes_names_of_objects_only() {
    let outer = tempfile::tempdir().unwrap();
    let folder = Folder::new(outer.path().join("objects"));
    let name = "ab".repeat(32);
    assert_eq!(folder.get(&name).unwrap(), None);
    folder.delete(&name).unwrap();
    for bytes in [b"one".as_slice(), b"one"] {
        folder.put(&name, bytes).unwrap();
    }
    assert_eq!(folder.get(&name).unwrap().as_deref(), Some(b"one".as_slice()));
    folder.delete(&name).unwrap();
    assert_eq!(folder.get(&name).unwrap(), None);
    for name in ["", "..", "../../etc/passwd", "ä", &"/".repeat(64), &"a".repeat(63)] {
        assert!(folder.put(name, b"").is_err() && folder.get(name).is_err() && folder.delete(name).is_err());
    }
}

#[test]
fn a_claim_in_time_keeps_an_object() {
    on_each(async |store| {
        let world = World::new(store).await;
        world.see(1).await;
        let documents = world.documents(1, &large(1)).await;
        assert_eq!(world.store.sweep(at(0), 9).await.unwrap(), 0);
        // Somebody else writes the same, and then the first refers to it: both undo that it was seen to be idle.
        world.documents(1, &large(1)).await;
        assert_eq!(world.store.sweep(at(2 * HOUR), 9).await.unwrap(), 0);
        world.save(1, b"", Some(&documents), at(2 * HOUR)).await;
        for hour in [4, 6, 8] {
            assert_eq!(world.store.sweep(at(hour * HOUR), 9).await.unwrap(), 0);
        }
        assert_eq!((world.read(1).await, world.objects().is_empty()), (large(1), false));
    });
}

#[test]
fn writers_and_removers_at_once_lose_no_document() {
    on_each(async |store| {
        let world = World::new(store).await;
        let clock = Arc::new(std::sync::atomic::AtomicI64::new(0));
        let images = [1_u8, 2];
        let removed = Arc::new(std::sync::atomic::AtomicU64::new(0));
        let is_over = Arc::new(AtomicBool::new(false));
        let begun = std::time::Instant::now();
        for number in &images {
            world.see(*number).await;
        }
        let writers: Vec<_> = images
            .iter()
            .map(|number| {
                let (store, number, clock) = (world.store.clone(), *number, clock.clone());
                let removed = removed.clone();
                tokio::spawn(async move {
                    let (digest, report) = (digest(number), report(&[("a", "1", &[])]));
                    let mut round = number;
                    while removed.load(Ordering::Relaxed) < 20 && begun.elapsed().as_secs() < 60 {
                        // Both write the same few documents, so that each is idle and wanted again all the time.
                        round = (round + 1) % 5;
                        let json = large(round);
                        let scan = Scan {
                            digest: &digest,
                            depth: Depth::Fast,
                            report: &report,
                            json: &json,
                            index: &[],
                        };
                        let documents = store.scan_documents(&scan).await.unwrap();
                        let mut work = store.begin().await.unwrap();
                        let now = at(clock.load(Ordering::Relaxed));
                        work.save_scan_with(&scan, &documents, now).await.unwrap();
                        work.commit().await.unwrap();
                        let read = store.report(&digest, None).await.unwrap().unwrap();
                        assert!(read.json == json, "another document");
                        // So that the remover finds some that nobody wants at the moment.
                        tokio::time::sleep(std::time::Duration::from_millis(u64::from(round))).await;
                    }
                })
            })
            .collect();
        // One, as only time tells that another has given up, and hours fly here, so that nobody's hour is enough.
        let (remover, hours, over) = (world.store.clone(), clock.clone(), is_over.clone());
        let count = removed.clone();
        let remover = tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                let now = hours.fetch_add(2 * HOUR, Ordering::Relaxed);
                count.fetch_add(remover.sweep(at(now), 9).await.unwrap(), Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        });
        for writer in writers {
            writer.await.unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        remover.await.unwrap();
        assert!(removed.load(Ordering::Relaxed) >= 20, "too little was removed: the test tested nothing");
        for number in images {
            world.read(number).await;
        }
    });
}
