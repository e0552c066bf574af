//! Layers read by their table of contents: the same answers for fewer bytes, and nothing believed that is not checked.

use assay_analyze::{Analyzer, AnalyzerId, File, Limits, Matcher, Select, Sink};
use assay_engine::{LayerCache, Progress, Settings, image_inventory};
use assay_model::report::SourceKind;
use assay_model::{Image, Inventory, Layer, Package, PackageKind, Timestamp};
use assay_oci::{
    Assurance, Network, NetworkOptions, OpenImage, OpenOptions, ReadLayerError, Source, SpoolOptions,
};
use assay_test::chunked::{self, CHUNK, Chunked};
use assay_test::http::{Reply, Server};
use assay_test::image::{Builder, Stored, Tree, digest, gzip};
use assay_test::registry::Content;
use serde_json::Value;
use std::io::Read;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::time::Duration;

/// An image in memory that notes what is read of it.
struct Fake {
    image: Image,
    blobs: Vec<Vec<u8>>,
    /// Layer, offset and length of each part; length 0 is the whole.
    reads: Mutex<Vec<(usize, u64, u64)>>,
}

impl OpenImage for Fake {
    fn kind(&self) -> SourceKind {
        SourceKind::Oci
    }
    fn image(&self) -> &Image {
        &self.image
    }
    fn read(&self, layer: usize) -> Result<Box<dyn Read + Send>, ReadLayerError> {
        self.reads.lock().unwrap().push((layer, 0, 0));
        Ok(Box::new(std::io::Cursor::new(self.blobs[layer].clone())))
    }
    fn read_part(&self, layer: usize, offset: u64, len: u64) -> Result<Vec<u8>, ReadLayerError> {
        self.reads.lock().unwrap().push((layer, offset, len));
        let (start, len) = (usize::try_from(offset).unwrap(), usize::try_from(len).unwrap());
        Ok(self.blobs[layer].get(start..start + len).unwrap().to_vec())
    }
    fn assurance(&self, _: usize) -> Assurance {
        Assurance::ByDigest
    }
    fn set_reference(&mut self, _: String) {}
}

fn fake(layers: impl IntoIterator<Item = Chunked>) -> Fake {
    let mut fake = Fake { image: Image::default(), blobs: Vec::new(), reads: Mutex::default() };
    for layer in layers {
        assert!(
            chunked::inflate(&layer.blob) == layer.tar,
            "whoever knows of no table reads the same archive"
        );
        let annotations =
            layer.annotations.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        fake.image.layers.push(Layer {
            diff_id: Some(digest(&layer.tar).parse().unwrap()),
            digest: Some(digest(&layer.blob).parse().unwrap()),
            size: Some(layer.blob.len() as u64),
            media_type: String::new(),
            annotations: annotations.collect(),
            created_by: None,
        });
        fake.blobs.push(layer.blob);
    }
    fake
}

/// Names one package for each file called `VERSION`, and each ELF file, that tells all its bytes.
struct Seen;

impl Analyzer for Seen {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "seen", revision: 1 }
    }
    fn select(&self) -> &'static [Select] {
        &[Select::Name("VERSION"), Select::Magic(b"\x7fELF")]
    }
    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(bytes) = file.bytes(1 << 30, out) else { return };
        out.package(Package::new(PackageKind::Generic, format!("m{:o}", file.node.mode), digest(&bytes)));
    }
}

fn scan(image: &dyn OpenImage, lazy: bool, cache: Option<LayerCache>) -> Inventory {
    let settings = Settings {
        matcher: Matcher::new([&Seen as &dyn Analyzer]),
        // Small, so that the spool is used, too.
        limits: Limits { memory_per_file: 100_000, ..Limits::new(std::env::temp_dir()) },
        workers: NonZeroUsize::new(2).unwrap(),
        cache,
        lazy,
    };
    image_inventory(image, &mut image.image().clone(), &settings, &Progress::default()).unwrap()
}

fn packages(inventory: &Inventory) -> Vec<String> {
    let all = inventory.packages.iter();
    all.map(|one| format!("{} {} {:?}", one.name, one.version, one.locations)).collect()
}

fn codes(inventory: &Inventory) -> Vec<&str> {
    inventory.warnings.iter().map(|warning| warning.code.as_ref()).collect()
}

/// Bytes that do not compress.
fn noise(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(len)
    .collect()
}

const FORMATS: [fn(&[u8]) -> Chunked; 2] = [chunked::estargz, chunked::zstd_chunked];
type With = fn(&[u8], &dyn Fn(&mut Value)) -> Chunked;
const LYING: [With; 2] =
    [|tar, lie| chunked::estargz_with(tar, lie), |tar, lie| chunked::zstd_chunked_with(tar, lie)];

fn base() -> Vec<u8> {
    Tree::new()
        .folder("opt/")
        .file("opt/VERSION", "1")
        .file("opt/gone/VERSION", "2")
        .file("hidden/VERSION", "3")
        .file("replaced/VERSION", "4")
        .file("twice/VERSION", "5")
        .program("twice/VERSION", "6")
        .file("large/VERSION", noise(3 * CHUNK + 17, 1))
        .file("empty/VERSION", "")
        .file("other/text", "7")
        .hard_link("link/VERSION", "other/text")
        .hard_link("link/link/VERSION", "link/VERSION")
        .hard_link("link/text", "opt/VERSION")
        .hard_link("nowhere/VERSION", "nowhere/text")
        .symlink("bin", "usr/bin")
        .tar()
}

fn top() -> Vec<u8> {
    Tree::new()
        .whiteout("opt/gone")
        .opaque("hidden")
        .symlink("replaced", "opt")
        .file("new/VERSION", noise(CHUNK, 2))
        .tar()
}

#[test]
fn files_known_by_name_are_found_as_in_the_whole_layer() {
    for format in FORMATS {
        let image = fake([format(&base()), format(&top())]);
        let (whole, lazy) = (scan(&image, false, None), scan(&image, true, None));
        assert_eq!(packages(&lazy), packages(&whole));
        assert_eq!(whole.packages.len(), 6, "{:?}", packages(&whole));
        assert_eq!(codes(&whole), ["unresolved-link"]);
        let mut said = codes(&lazy);
        said.sort_unstable();
        assert_eq!(said, ["lazy-scan", "lazy-scan", "unresolved-link"]);
        assert!(lazy.warnings.iter().all(|warning| warning.incomplete));
        let reads = image.reads.lock().unwrap();
        assert_eq!(
            reads.iter().filter(|(_, _, len)| *len == 0).count(),
            3,
            "two layers, one of them twice, for the link"
        );
    }
}

#[test]
fn the_older_names_of_the_annotations_are_known() {
    let mut layer = chunked::zstd_chunked(&base());
    let old = |(name, value): (String, Value)| (name.replace("io.github.containers", "io.containers"), value);
    layer.annotations = layer.annotations.into_iter().map(old).collect();
    assert!(codes(&scan(&fake([layer]), true, None)).contains(&"lazy-scan"));
}

#[test]
fn what_is_known_by_content_is_not_read_and_that_is_said() {
    let tar = Tree::new().program("bin/app", "\x7fELF program").file("opt/VERSION", "\x7fELF, too").tar();
    for format in FORMATS {
        let image = fake([format(&tar)]);
        assert_eq!(scan(&image, false, None).packages.len(), 2);
        let lazy = scan(&image, true, None);
        assert_eq!(lazy.packages.len(), 1);
        let message = &lazy.warnings[0].message;
        assert!(message.contains("1 of 2 files") && message.contains("known by their content"), "{message}");
    }
}

fn network() -> Network {
    let delay = Duration::from_millis(1);
    Network::new(NetworkOptions { first_delay: delay, retries: 1, ..NetworkOptions::default() })
}

fn open(server: &Server) -> Box<dyn OpenImage> {
    let source = Source::Registry(format!("{}/app:1", server.host()).parse().unwrap());
    let options = OpenOptions { platform: None, spool: SpoolOptions::in_folder(std::env::temp_dir()) };
    source.open(&options, &network()).unwrap()
}

#[test]
fn only_what_is_wanted_is_asked_of_a_registry() {
    for stored in [Stored::Estargz, Stored::ZstdChunked] {
        let mut tree = Tree::new();
        for number in 0..40 {
            tree = tree.file(&format!("data/{number}"), noise(200_000, number));
        }
        tree = tree.file("opt/VERSION", "1.0");
        for number in 40..80 {
            tree = tree.file(&format!("data/{number}"), noise(200_000, number));
        }
        let image = Builder::new().stored(stored).layer(tree, "COPY . /").build();
        let size = image.layers[0].blob.len() as u64;
        let content = Content::new().image("1", &image);
        let server = Server::start(move |request| content.answer(request));
        let opened = open(&server);
        let before = server.requests().len();
        let found = scan(&*opened, true, None);
        assert_eq!(found.packages.len(), 1);
        assert_eq!(codes(&found), ["lazy-scan"]);
        let requests = server.requests().split_off(before);
        let ranges = requests.iter().map(|request| {
            let range =
                request.header("range").expect("no request for the whole").strip_prefix("bytes=").unwrap();
            let (start, end) = range.split_once('-').unwrap();
            end.parse::<u64>().unwrap() - start.parse::<u64>().unwrap() + 1
        });
        let fetched: u64 = ranges.sum();
        assert!(size > 15_000_000 && fetched < size / 100, "{fetched} of {size}");
        assert!(requests.len() <= 3, "{}", requests.len());
        assert!(found.warnings[0].message.contains(" of 81 files"), "{:?}", found.warnings);
    }
}

#[test]
fn a_registry_without_ranges_gives_the_whole_layer() {
    let tree = Tree::new().file("opt/VERSION", "1.0").program("bin/app", "\x7fELF");
    let image = Builder::new().stored(Stored::ZstdChunked).layer(tree, "COPY . /").build();
    let content = Content::new().image("1", &image);
    let server = Server::start(move |request| {
        let mut request = request.clone();
        request.headers.retain(|(name, _)| name != "range");
        content.answer(&request)
    });
    let found = scan(&*open(&server), true, None);
    assert_eq!((found.packages.len(), codes(&found)), (2, vec!["unusable-table"]));
    assert!(!found.warnings[0].incomplete && found.warnings[0].message.contains("not the range asked for"));
    let refusing = Content::new().image("1", &image);
    let server = Server::start(move |request| match request.header("range") {
        Some(_) => Reply::new(416, ""),
        None => refusing.answer(request),
    });
    assert_eq!(codes(&scan(&*open(&server), true, None)), ["unusable-table"]);
}

#[test]
fn a_file_that_is_not_what_the_table_says_is_not_looked_at() {
    for format in FORMATS {
        let layer =
            format(&Tree::new().file("a/VERSION", noise(50, 3)).file("b/VERSION", noise(50, 4)).tar());
        let mut image = fake([layer]);
        let blob = &mut image.blobs[0];
        // Zstandard stores noise as it is.
        let stored = [noise(50, 4), gzip(&noise(50, 4))];
        let at = stored.iter().find_map(|bytes| blob.windows(bytes.len()).position(|window| window == bytes));
        blob[at.unwrap() + 20] ^= 1;
        let found = scan(&image, true, None);
        assert_eq!(codes(&found), ["lazy-scan", "unverified-file"]);
        assert_eq!(found.warnings[1].path.as_deref(), Some("b/VERSION"));
        assert_eq!(found.packages.len(), 1);
        assert_eq!(found.packages[0].locations[0].path, "a/VERSION");
    }
}

#[test]
fn a_table_that_nobody_vouches_for_is_not_used() {
    for format in FORMATS {
        for wrong in [digest(b"another"), "sha512:00".to_owned(), String::new()] {
            let mut image = fake([format(&base())]);
            for value in image.image.layers[0].annotations.values_mut() {
                if value.starts_with("sha256:") {
                    value.clone_from(&wrong);
                }
            }
            let found = scan(&image, true, None);
            assert_eq!(packages(&found), packages(&scan(&image, false, None)));
            assert_eq!(codes(&found), ["unresolved-link", "unusable-table"]);
            assert_eq!(found.warnings.iter().filter(|warning| warning.incomplete).count(), 1);
        }
    }
    // Where the table lies is not vouched for by anything but the manifest itself.
    for wrong in ["1:2:3:1", "99999999999:2:3:1", "", "18446744073709551615:18446744073709551615:1:1"] {
        let mut image = fake([chunked::zstd_chunked(&base())]);
        let layer = &mut image.image.layers[0];
        layer.annotations.insert("io.github.containers.zstd-chunked.manifest-position".into(), wrong.into());
        assert!(codes(&scan(&image, true, None)).contains(&"unusable-table"), "{wrong}");
    }
}

/// Changes the table of a layer with two files, the first of two chunks, and returns what is said.
fn lie(change: impl Fn(&mut Value)) -> Vec<Vec<String>> {
    let tar = Tree::new().file("a/VERSION", noise(CHUNK + 9, 5)).file("b/VERSION", "short").tar();
    let said = LYING.map(|format| {
        let image = fake([format(&tar, &change)]);
        let found = scan(&image, true, None);
        let mut said: Vec<String> = codes(&found).into_iter().map(str::to_owned).collect();
        said.sort();
        said.push(found.packages.len().to_string());
        said
    });
    said.to_vec()
}

#[test]
fn lies_in_a_table_that_is_vouched_for_cost_no_more_than_the_lie() {
    let check = |change: &dyn Fn(&mut Value), want: &[&str]| {
        for said in lie(change) {
            assert_eq!(said, want);
        }
    };
    check(&|_| {}, &["lazy-scan", "2"]);
    let unusable: &[&str] = &["unusable-table", "2"];
    check(&|table| table["entries"][1]["chunkOffset"] = 5.into(), unusable);
    check(&|table| table["entries"][0]["chunkSize"] = 5.into(), unusable);
    check(&|table| table["entries"][2]["offset"] = (1_u64 << 40).into(), unusable);
    check(&|table| table["version"] = 7.into(), unusable);
    let unverified: &[&str] = &["lazy-scan", "unverified-file", "1"];
    check(&|table| table["entries"][2]["size"] = 4.into(), unverified);
    check(&|table| table["entries"][2]["size"] = 3000.into(), unverified);
    check(&|table| table["entries"][2]["innerOffset"] = 1.into(), unverified);
    check(&|table| table["entries"][1]["chunkDigest"] = digest(b"other").into(), unverified);
    let other = |table: &mut Value| table["entries"][2]["offset"] = table["entries"][1]["offset"].clone();
    check(&other, unverified);
    check(
        &|table| table["entries"][2]["name"] = "../../etc/VERSION".into(),
        &["lazy-scan", "skipped-entry", "1"],
    );
    // More than is ever looked at, or inflated for it.
    let huge = |table: &mut Value| table["entries"][2]["size"] = (5_u64 << 30).into();
    check(&huge, &["file-too-large", "lazy-scan", "1"]);
    check(&|table| table["entries"][0]["size"] = (1_u64 << 40).into(), &["file-too-large", "lazy-scan", "1"]);
    let skip = |table: &mut Value| table["entries"][2]["innerOffset"] = (1_u64 << 50).into();
    check(&skip, &["file-too-large", "lazy-scan", "1"]);
}

#[test]
fn a_table_that_jumps_to_and_fro_is_given_up() {
    for format in LYING {
        let mut tree = Tree::new();
        for number in 0..20 {
            tree = tree
                .file(&format!("{number}/VERSION"), noise(20_000, number))
                .file(&format!("{number}/x"), noise(300_000, number));
        }
        let image = fake([format(&tree.tar(), &|table: &mut Value| {
            let entries = table["entries"].as_array_mut().unwrap();
            let files: Vec<Value> = entries
                .iter()
                .filter(|one| one["name"].as_str().unwrap().ends_with("VERSION"))
                .cloned()
                .collect();
            // Each is in a piece of its own.
            entries.extend(files.iter().cycle().take(30 * files.len()).cloned());
        })]);
        let found = scan(&image, true, None);
        assert_eq!(codes(&found), ["unusable-table"]);
        assert!(found.warnings[0].message.contains("more bytes than the whole"), "{:?}", found.warnings);
        assert_eq!(found.packages.len(), 20);
    }
}

#[test]
fn a_kept_analysis_is_better_and_a_lazy_one_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = || Some(LayerCache::new(folder.path().to_owned(), 1 << 30, Timestamp(1_800_000_000)));
    let image = fake([chunked::zstd_chunked(&top())]);
    let reads = || std::mem::take(&mut *image.reads.lock().unwrap());
    assert_eq!(codes(&scan(&image, true, cache())), ["lazy-scan"]);
    assert_eq!(cache().unwrap().status().unwrap().layers, 0);
    assert!(reads().iter().all(|(_, _, len)| *len > 0));
    scan(&image, false, cache());
    assert_eq!(reads(), [(0, 0, 0)]);
    assert!(codes(&scan(&image, true, cache())).is_empty());
    assert!(reads().is_empty());
}
