//! What is kept of layers, and what is never believed.

use assay_analyze::{Analyzer, AnalyzerId, File, Limits, Matcher, Select, Sink};
use assay_engine::{LayerCache, Progress, ScanImageError, Settings, image_inventory};
use assay_model::report::SourceKind;
use assay_model::{DiffId, Digest, Image, Layer, Package, PackageKind, Timestamp};
use assay_oci::{Assurance, OpenImage, ReadLayerError, Witness};
use assay_test::image::{Tree, digest, gzip};
use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An image in memory that counts how often its layers are read.
pub(crate) struct Fake {
    pub(crate) image: Image,
    pub(crate) blobs: Vec<Vec<u8>>,
    assurance: Assurance,
    reads: AtomicUsize,
}

impl OpenImage for Fake {
    fn kind(&self) -> SourceKind {
        SourceKind::Oci
    }
    fn image(&self) -> &Image {
        &self.image
    }
    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(std::io::Cursor::new(self.blobs[layer].clone())))
    }
    fn assurance(&self, _: usize) -> Assurance {
        self.assurance.clone()
    }
    fn set_reference(&mut self, _: String) {}
}

/// An image of these layers, each compressed.
pub(crate) fn image(trees: impl IntoIterator<Item = Tree>) -> Fake {
    let mut fake = Fake {
        image: Image::default(),
        blobs: Vec::new(),
        assurance: Assurance::ByDigest,
        reads: AtomicUsize::new(0),
    };
    for tree in trees {
        let tar = tree.tar();
        let blob = gzip(&tar);
        fake.image.layers.push(Layer {
            diff_id: Some(digest(&tar).parse::<DiffId>().unwrap()),
            digest: Some(digest(&blob).parse::<Digest>().unwrap()),
            size: Some(blob.len() as u64),
            media_type: String::new(),
            annotations: std::collections::BTreeMap::new(),
            created_by: None,
        });
        fake.blobs.push(blob);
    }
    fake
}

fn orders(version: &str) -> Tree {
    Tree::new().file("opt/orders/VERSION", version)
}

/// Names one package per `VERSION` file; counts how often it looks.
pub(crate) struct Version {
    name: &'static str,
    revision: u32,
    looked: AtomicUsize,
}

impl Version {
    pub(crate) fn new(name: &'static str, revision: u32) -> Self {
        Self { name, revision, looked: AtomicUsize::new(0) }
    }
    fn looked(&self) -> usize {
        self.looked.load(Ordering::Relaxed)
    }
}

impl Analyzer for Version {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: self.name, revision: self.revision }
    }
    fn select(&self) -> &'static [Select] {
        &[Select::Name("VERSION")]
    }
    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        self.looked.fetch_add(1, Ordering::Relaxed);
        let Some(text) = file.text(out) else { return };
        out.package(Package::new(
            PackageKind::Generic,
            self.name,
            format!("{}.{}", text.trim(), self.revision),
        ));
        if text.starts_with('!') {
            out.warn("odd-version", "it starts with an exclamation mark");
        }
    }
}

fn cache(folder: &Path) -> LayerCache {
    // The files' own time: to a cache that lives in the future, what another thread is writing was left behind long ago.
    let written = tempfile::tempfile().unwrap().metadata().unwrap().modified().unwrap();
    let seconds = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    LayerCache::new(folder.to_owned(), 1 << 30, Timestamp(seconds.try_into().unwrap()))
}

pub(crate) fn settings<'a>(analyzers: &[&'a dyn Analyzer], cache: Option<LayerCache>) -> Settings<'a> {
    Settings {
        matcher: Matcher::new(analyzers.iter().copied()),
        limits: Limits::new(std::env::temp_dir()),
        workers: NonZeroUsize::new(2).unwrap(),
        cache,
        lazy: false,
    }
}

fn scan(fake: &Fake, settings: &Settings<'_>) -> Result<Vec<String>, ScanImageError> {
    let inventory = image_inventory(fake, &mut fake.image.clone(), settings, &Progress::default())?;
    let mut lines: Vec<String> = inventory
        .packages
        .iter()
        .map(|package| format!("{} {} {:?}", package.name, package.version, package.locations))
        .collect();
    lines.extend(inventory.warnings.iter().map(|warning| format!("{warning:?}")));
    Ok(lines)
}

#[test]
fn a_known_image_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let image = image([
        orders("!1").symlink("bin", "usr/bin").file("gone/VERSION", "7"),
        Tree::new().whiteout("gone").file("etc/VERSION", "2"),
    ]);
    let without = scan(&image, &settings(&[&version], None)).unwrap();
    let settings = settings(&[&version], Some(cache(folder.path())));
    let cold = scan(&image, &settings).unwrap();
    assert_eq!(image.reads.load(Ordering::Relaxed), 4);
    let warm = scan(&image, &settings).unwrap();
    assert_eq!(image.reads.load(Ordering::Relaxed), 4, "nothing was read");
    assert_eq!((&cold, &warm), (&without, &without));
    assert_eq!(cold.len(), 3, "{cold:?}");
    let status = cache(folder.path()).status().unwrap();
    assert_eq!((status.layers, status.pairs), (2, 2));
}

#[test]
fn an_inventory_is_kept_for_one_program_and_one_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let mut image = image([orders("!1"), Tree::new().file("etc/VERSION", "2")]);
    image.image.image_id = Some(digest(b"configuration").parse().unwrap());
    let of = |program: &str| settings(&[&version], Some(cache(folder.path()).of_program(program.to_owned())));
    let cold = scan(&image, &of("a")).unwrap();
    // With the layers' analyses gone, only the inventory can answer.
    fs::remove_dir_all(folder.path().join("layers")).unwrap();
    let read = || image.reads.load(Ordering::Relaxed);
    assert_eq!(scan(&image, &of("a")).unwrap(), cold);
    assert_eq!(read(), 2, "nothing was read");
    assert_eq!(scan(&image, &of("b")).unwrap(), cold);
    assert_eq!(read(), 4, "another build of the program");
    fs::remove_dir_all(folder.path().join("layers")).unwrap();
    image.image.image_id = Some(digest(b"another").parse().unwrap());
    assert_eq!(scan(&image, &of("a")).unwrap(), cold);
    assert_eq!(image.reads.load(Ordering::Relaxed), 6, "another configuration");
    fs::remove_dir_all(folder.path().join("layers")).unwrap();
    image.assurance = Assurance::Nothing;
    assert_eq!(scan(&image, &of("a")).unwrap(), cold);
    assert_eq!(image.reads.load(Ordering::Relaxed), 8, "bytes that nothing vouches for");
}

#[test]
fn only_the_analyzer_that_changed_looks_again() {
    let folder = tempfile::tempdir().unwrap();
    let image = image([orders("1")]);
    let (a, b, c) = (Version::new("a", 1), Version::new("b", 1), Version::new("c", 1));
    let first = scan(&image, &settings(&[&a, &b], Some(cache(folder.path())))).unwrap();
    assert_eq!((a.looked(), b.looked(), first.len()), (1, 1, 2));
    // One is new, one has changed, one has gone and come back.
    let b2 = Version::new("b", 2);
    let second = scan(&image, &settings(&[&a, &b2, &c], Some(cache(folder.path())))).unwrap();
    assert_eq!((a.looked(), b.looked(), b2.looked(), c.looked()), (1, 1, 1, 1));
    assert!(second.iter().any(|line| line.starts_with("b 1.2")), "{second:?}");
    assert_eq!(second.len(), 3);
    let third = scan(&image, &settings(&[&c, &b2, &a], Some(cache(folder.path())))).unwrap();
    assert_eq!((a.looked(), b2.looked(), c.looked()), (1, 1, 1));
    assert_eq!(third, second);
    assert_eq!(scan(&image, &settings(&[&a], Some(cache(folder.path())))).unwrap(), first[..1]);
}

#[test]
fn a_claimed_diff_id_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let settings = settings(&[&version], Some(cache(folder.path())));
    let good = image([orders("2")]);
    scan(&good, &settings).unwrap();
    // Another blob that claims to hold the layer whose analysis is kept.
    let mut liar = image([orders("1")]);
    liar.image.layers[0].diff_id = good.image.layers[0].diff_id;
    let error = scan(&liar, &settings).unwrap_err();
    assert!(matches!(error, ScanImageError::Analyze { .. }), "{error:?}");
    // And once more, lest the first lie taught the cache something.
    scan(&liar, &settings).unwrap_err();
    // The known blob under another layer's name is read, too.
    let mut swapped = image([orders("2")]);
    swapped.image.layers[0].diff_id =
        liar.image.layers[0].diff_id.map(|_| digest(b"another").parse().unwrap());
    scan(&swapped, &settings).unwrap_err();
}

#[test]
fn a_local_blob_is_hashed_again_when_its_file_changed() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let settings = settings(&[&version], Some(cache(&folder.path().join("cache"))));
    let path = folder.path().join("blob");
    let witness = || Assurance::File(Witness::new(&path.metadata().unwrap(), ""));
    fs::write(&path, "one").unwrap();
    let mut image = image([orders("1")]);
    image.assurance = witness();
    scan(&image, &settings).unwrap();
    scan(&image, &settings).unwrap();
    assert_eq!((image.reads.load(Ordering::Relaxed), version.looked()), (1, 1), "the same file");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "a copy").unwrap();
    image.assurance = witness();
    scan(&image, &settings).unwrap();
    assert_eq!((image.reads.load(Ordering::Relaxed), version.looked()), (2, 1), "hashed, not analysed");
    scan(&image, &settings).unwrap();
    assert_eq!(
        (image.reads.load(Ordering::Relaxed), version.looked()),
        (2, 1),
        "now that file is known, too"
    );
    // The file changed, and so did what is in it.
    fs::write(&path, "something else").unwrap();
    image.assurance = witness();
    image.blobs[0] = gzip(&orders("9").tar());
    scan(&image, &settings).unwrap_err();
    image.assurance = Assurance::Nothing;
    scan(&image, &settings).unwrap_err();
}

#[test]
fn layers_without_a_blob_of_their_own_are_known_by_their_content() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let settings = settings(&[&version], Some(cache(folder.path())));
    let mut image = image([orders("1")]);
    image.image.layers[0].digest = None;
    image.blobs[0] = orders("1").tar();
    image.assurance = Assurance::Nothing;
    let first = scan(&image, &settings).unwrap();
    assert_eq!(scan(&image, &settings).unwrap(), first);
    assert_eq!((image.reads.load(Ordering::Relaxed), version.looked()), (2, 1), "hashed, not analysed");
}

#[test]
fn what_is_damaged_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let settings = settings(&[&version], Some(cache(folder.path())));
    let mut image = image([orders("1")]);
    let blob = &mut image.blobs[0];
    blob.truncate(blob.len() - 12);
    let first = scan(&image, &settings).unwrap();
    assert!(first.iter().any(|line| line.contains("damaged-layer")), "{first:?}");
    assert_eq!(scan(&image, &settings).unwrap(), first);
    assert_eq!(image.reads.load(Ordering::Relaxed), 2);
    assert_eq!(cache(folder.path()).status().unwrap().layers, 0);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_damaged_cache_is_an_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let settings = settings(&[&version], Some(cache(folder.path())));
    let image = image([orders("1")]);
    let first = scan(&image, &settings).unwrap();
    let layer = files(&folder.path().join("layers")).remove(0);
    let good = fs::read(&layer).unwrap();
    let damaged = (0..good.len())
        .map(|at| {
            let mut bytes = good.clone();
            bytes[at] ^= 0x10;
            bytes
        })
        .chain((0..good.len()).step_by(7).map(|len| good[..len].to_vec()));
    for (number, bytes) in damaged.enumerate() {
        fs::write(&layer, bytes).unwrap();
        assert_eq!(scan(&image, &settings).unwrap(), first);
        assert_eq!(version.looked(), number + 2, "damage {number} went unnoticed");
    }
    // Pairs, too: whatever stands there, no other layer is believed.
    for pair in files(&folder.path().join("pairs")) {
        fs::write(pair, b"\xff\n\n").unwrap();
    }
    assert_eq!(scan(&image, &settings).unwrap(), first);
}

#[test]
fn what_was_not_used_for_the_longest_time_goes_first() {
    let folder = tempfile::tempdir().unwrap();
    let version = Version::new("orders", 1);
    let images: Vec<Fake> = (0..8).map(|n| image([orders(&format!("{n}{}", "x".repeat(2000)))])).collect();
    let large = settings(&[&version], Some(cache(folder.path())));
    for (age, image) in (0..7).rev().zip(&images) {
        scan(image, &large).unwrap();
        for path in files(folder.path()) {
            let file = fs::File::options().append(true).open(&path).unwrap();
            let before = file.metadata().unwrap().modified().unwrap();
            if before.elapsed().unwrap().as_secs() < 60 {
                let days = std::time::Duration::from_secs(86_400 * (age + 1));
                file.set_modified(before - days).unwrap();
            }
        }
    }
    let all = cache(folder.path()).status().unwrap();
    assert_eq!((all.layers, all.pairs), (7, 7));
    let small = LayerCache::new(folder.path().to_owned(), all.bytes / 2, Timestamp(1_800_000_000));
    let later = LayerCache::new(folder.path().to_owned(), 1 << 30, Timestamp(1_800_000_000));
    scan(&images[0], &settings(&[&version], Some(later))).unwrap();
    scan(&images[7], &settings(&[&version], Some(small.clone()))).unwrap();
    let left = small.status().unwrap();
    assert!(left.bytes <= all.bytes / 2 && left.layers >= 2, "{left:?}");
    let reads = |image: &Fake| image.reads.load(Ordering::Relaxed);
    scan(&images[0], &large).unwrap();
    assert_eq!(reads(&images[0]), 1, "the oldest, but used just now");
    scan(&images[1], &large).unwrap();
    assert_eq!(reads(&images[1]), 2, "the one that was not used for the longest time");
    assert_eq!(small.clear().unwrap().layers, small.clone().status().unwrap().layers + left.layers + 1);
    assert_eq!(small.status().unwrap(), assay_engine::CacheStatus::default());
}

#[test]
fn many_may_use_it_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let images: Vec<Fake> =
        (0..4).map(|n| image([orders(&n.to_string()), Tree::new().file("x/VERSION", "0")])).collect();
    let plain = Version::new("orders", 1);
    let want: Vec<Vec<String>> =
        images.iter().map(|image| scan(image, &settings(&[&plain], None)).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (images, want, folder) = (&images, &want, folder.path());
            scope.spawn(move || {
                let version = Version::new("orders", 1);
                let cache =
                    LayerCache::new(folder.to_owned(), if thread == 0 { 600 } else { 1 << 30 }, Timestamp(0));
                let settings = settings(&[&version], Some(cache.clone()));
                for round in 0..12 {
                    for (image, want) in images.iter().zip(want) {
                        assert_eq!(&scan(image, &settings).unwrap(), want);
                    }
                    if thread == 1 && round % 4 == 0 {
                        // Others may be writing into what is removed; that is theirs to survive.
                        let _ = cache.clear();
                    }
                }
            });
        }
    });
}

#[test]
fn a_folder_that_cannot_be_written_costs_only_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let version = Version::new("orders", 1);
    let image = image([orders("1")]);
    let lines = scan(&image, &settings(&[&version], Some(cache(&file)))).unwrap();
    assert_eq!(lines.len(), 1);
}
