//! What is composed comes back from every format, whatever the packages are called.

use assay_model::contents::{Content, FileEntry, Sums};
use assay_model::image::ImageConfig;
use assay_model::report::SourceKind;
use assay_model::{
    Base, BaseEvidence, Image, Inventory, Layer, Location, Origin as PackageOrigin, Os, Package, PackageKind,
    SourcePackage, Timestamp, Usage, UsageStep, Warning, distro,
};
use assay_sbom::{Document, Format, Origin, compose, read, recognise, write};
use proptest::prelude::*;

/// Every format in every version.
pub(crate) fn formats() -> Vec<Format> {
    let mut formats = Vec::new();
    for version in ["1.4", "1.5", "1.6", "1.7"] {
        for name in ["cyclonedx", "cyclonedx-xml"] {
            formats.push(Format::named(name, Some(version)).unwrap());
        }
    }
    for name in ["spdx", "spdx-tv", "spdx3"] {
        formats.push(Format::named(name, None).unwrap());
    }
    formats
}

pub(crate) fn bytes(document: &Document, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(document, None, format, &mut bytes).unwrap();
    bytes
}

fn layer(digit: char) -> Layer {
    let digest = |digit: char| format!("sha256:{}", digit.to_string().repeat(64));
    Layer {
        diff_id: digest(digit).parse().ok(),
        digest: digest('f').parse().ok(),
        size: Some(7),
        media_type: String::new(),
        annotations: Default::default(),
        created_by: None,
    }
}

/// An image with a bit of everything.
pub(crate) fn sample() -> (Image, Inventory) {
    let digest = |digit: char| format!("sha256:{}", digit.to_string().repeat(64)).parse().ok();
    let image = Image {
        reference: "registry.example/team/app:1.0".to_owned(),
        manifest_digest: digest('a'),
        image_id: digest('b'),
        platform: "linux/amd64".parse().ok(),
        created: Some(Timestamp(1_700_000_000)),
        labels: [("org.opencontainers.image.title".to_owned(), "a <b> & c".to_owned())].into(),
        config: ImageConfig {
            user: "app".to_owned(),
            exposed_ports: vec!["80/tcp".to_owned(), "443/tcp".to_owned()],
            ..ImageConfig::default()
        },
        layers: vec![layer('1'), layer('2'), layer('2')],
        base: Some(Base {
            reference: Some("registry.example/debian:12".to_owned()),
            manifest_digest: digest('c'),
            image_id: None,
            created: None,
            layers: Some(1),
            evidence: BaseEvidence::Annotation,
            detail: "named".to_owned(),
            findings: 0,
            of_findings: 0,
            named: false,
            newest: None,
            newer: None,
        }),
        ..Image::default()
    };
    let mut openssl = Package::new(PackageKind::Deb, "libssl3", "1:3.0.11-1+b1");
    openssl.architecture = Some("amd64".to_owned());
    openssl.source = Some(SourcePackage { name: "openssl".to_owned(), version: "1:3.0.11-1".to_owned() });
    openssl.vendor = Some("Debian OpenSSL Team <openssl@example.org>".to_owned());
    openssl.licenses = vec!["Apache-2.0".to_owned(), "a private licence (2)".to_owned()];
    openssl.locations = vec![Location { path: "var/lib/dpkg/status".to_owned(), layer: Some(0) }];
    openssl.installed_size = Some(6_000_000);
    openssl.essential = true;
    openssl.usage = Usage::Used;
    openssl.usage_evidence =
        vec![UsageStep { path: "usr/bin/app".to_owned(), how: "the entry point".to_owned() }];
    openssl.contains = vec!["pkg:pypi/x@1".to_owned()];
    let mut babel = Package::new(PackageKind::Npm, "@babel/core", "7.0.0");
    babel.licenses = vec!["MIT OR Apache-2.0".to_owned()];
    babel.origin = PackageOrigin::Declared;
    babel.locations = vec![
        Location { path: "app/a/package.json".to_owned(), layer: Some(1) },
        Location { path: "app/b/package.json".to_owned(), layer: Some(2) },
    ];
    babel.depends_on = vec![2];
    let mut log4j = Package::new(PackageKind::Maven, "log4j-core", "2.14.1");
    log4j.namespace = Some("org.apache.logging.log4j".to_owned());
    log4j.usage = Usage::Unused;
    log4j.locations =
        vec![Location { path: "app/app.jar!/BOOT-INF/lib/log4j.jar".to_owned(), layer: Some(2) }];
    let os = Os {
        distro: distro::by_id("debian"),
        id: "debian".to_owned(),
        version: "12".to_owned(),
        codename: "bookworm".to_owned(),
        name: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        end_of_life: None,
    };
    let inventory = Inventory {
        os: Some(os),
        packages: vec![openssl, babel, log4j],
        leftovers: Vec::new(),
        warnings: vec![
            Warning::unscanned("file-too-large", Some("app/x.jar"), "it has\nmany bytes"),
            Warning::unscanned("layer-not-distributed", None, "layer 4"),
        ],
        ..Inventory::default()
    };
    (image, inventory)
}

pub(crate) fn sample_document() -> Document {
    let (image, inventory) = sample();
    compose(&image, &inventory, &origin())
}

fn origin() -> Origin<'static> {
    Origin { source: SourceKind::Registry, version: "1.0.0", created: None, files: true }
}

#[test]
fn an_image_comes_back_from_every_format() {
    let (image, inventory) = sample();
    for format in formats() {
        let bytes = bytes(&sample_document(), format);
        assert!(recognise(&bytes).is_some(), "{format:?}");
        let (mut image_read, inventory_read) = read(&bytes).unwrap().inventory();
        assert_eq!(inventory_read, inventory, "{format:?}");
        // What the document says of its base is marked as its claim.
        if let Some(base) = &mut image_read.base {
            base.detail = base.detail.replace(" (as the bill of materials says)", "");
        }
        let mut image = image.clone();
        image.layers.iter_mut().for_each(|layer| layer.created_by = None);
        assert_eq!(image_read, image, "{format:?}");
    }
}

#[test]
fn a_document_comes_back_from_every_format_unchanged() {
    for format in formats() {
        let document = sample_document();
        let read = read(&bytes(&document, format)).unwrap();
        let once = bytes(&read, format);
        assert_eq!(self::read_again(&once), read, "{format:?}");
        assert_eq!(read.identity, document.identity, "{format:?}");
        assert_eq!((read.created, &read.tools), (document.created, &document.tools), "{format:?}");
    }
}

fn entry(path: &str, sum: u8, owners: &[u32]) -> FileEntry {
    let sums = Sums { md5: [sum; 16], sha1: [sum; 20], sha256: [sum; 32] };
    let content = Content { size: 1, mode: 0o644, uid: 0, gid: 0, sums };
    FileEntry { path: path.to_owned(), layer: None, content, owners: owners.to_vec() }
}

#[test]
fn files_come_back_from_every_format_with_their_packages() {
    let (image, mut inventory) = sample();
    inventory.files = vec![
        entry("app/a: <b>.jar", 1, &[2]),
        entry("etc/nobody's", 2, &[]),
        entry("usr/lib/libssl.so.3", 3, &[0, 1]),
    ];
    let document = compose(&image, &inventory, &origin());
    assert_eq!(document.files.len(), 2, "what belongs to no package is not listed");
    for format in formats() {
        let read = read(&bytes(&document, format)).unwrap();
        assert_eq!(read.files, document.files, "{format:?}");
        assert_eq!(read.components.len(), document.components.len(), "{format:?}");
    }
    assert!(compose(&image, &inventory, &Origin { files: false, ..origin() }).files.is_empty());
}

fn read_again(bytes: &[u8]) -> Document {
    read(bytes).unwrap()
}

#[test]
fn one_image_gives_the_same_bytes_and_another_time_only_where_it_is_asked_for() {
    for format in formats() {
        assert_eq!(bytes(&sample_document(), format), bytes(&sample_document(), format));
    }
    let (image, inventory) = sample();
    let other = compose(&image, &inventory, &Origin { created: Some(Timestamp(5)), ..origin() });
    assert_eq!(other.created, Some(Timestamp(5)));
    assert_eq!(other.identity, sample_document().identity);
    let (mut image, inventory) = sample();
    image.manifest_digest = image.image_id;
    assert_ne!(compose(&image, &inventory, &origin()).identity, other.identity);
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        // Tag-value cannot keep spaces around a value.
        "[a-zA-Z0-9._@/+~: -]{0,10}[a-zA-Z0-9]".prop_map(|text| text.trim().to_owned()),
        Just("MIT".to_owned()),
        Just("</text>".to_owned()),
        Just("\"&'<x>é`".to_owned()),
    ]
}

prop_compose! {
    fn package()(
        kind in proptest::sample::select(PackageKind::ALL.to_vec()),
        name in text(),
        version in text(),
        namespace in proptest::option::of(text()),
        architecture in proptest::option::of(text()),
        source in proptest::option::of((text(), text())),
        vendor in proptest::option::of(text()),
        licenses in proptest::collection::vec(text(), 0..3),
        paths in proptest::collection::vec(text(), 0..3),
    ) -> Package {
        let mut package = Package::new(kind, name, version);
        (package.namespace, package.architecture) = (namespace, architecture);
        package.source = source.map(|(name, version)| SourcePackage { name, version });
        package.vendor = vendor.map(|vendor| vendor.trim().to_owned()).filter(|vendor| !vendor.is_empty());
        package.licenses = licenses.into_iter().filter(|it| !it.trim().is_empty()).collect();
        package.locations = paths.into_iter().map(|path| Location { path, layer: None }).collect();
        package
    }
}

/// A purl has no empty segments, so the namespace in it is not the one in the name.
#[test]
fn a_namespace_with_empty_segments_comes_back_from_every_format() {
    for namespace in ["/a", "a/", "a//b", "/"] {
        let mut package = Package::new(PackageKind::Cargo, "name", "1");
        package.namespace = Some(namespace.to_owned());
        check_comes_back(package).unwrap();
    }
}

fn check_comes_back(package: Package) -> Result<(), TestCaseError> {
    let inventory = Inventory { packages: vec![package], ..Inventory::default() };
    let document = compose(&Image::default(), &inventory, &Origin { source: SourceKind::Dir, ..origin() });
    for format in formats() {
        let (_, read) = read(&bytes(&document, format)).unwrap().inventory();
        prop_assert_eq!(&read.packages, &inventory.packages, "{:?}", format);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn any_package_comes_back_from_every_format(package in package()) {
        check_comes_back(package)?;
    }

    #[test]
    fn damaged_documents_are_survived(format in 0..11usize, at in 0..4000usize, byte: u8) {
        let mut bytes = bytes(&sample_document(), formats()[format]);
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read(&bytes).map(|document| document.inventory());
        let _ = read(&bytes[..at]).map(|document| document.inventory());
    }
}
