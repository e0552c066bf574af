//! Two builds compared: every difference is told, also one that stands beside another.

use assay_analyze::Limits;
use assay_engine::reproduce::{Build, Cause, Comparison, compare_builds};
use assay_oci::source::{OpenOptions, Source, recognise};
use assay_oci::{Network, NetworkOptions, OpenImage, SpoolOptions};
use assay_test::image::{Builder, BuiltImage};

/// A header of ustar, with the content that follows it.
struct Member([u8; 512], Vec<u8>);

impl Member {
    fn new(name: &str, flag: u8, content: &[u8]) -> Self {
        let mut member = Self([0; 512], content.to_vec());
        for (at, text) in [(0, name), (100, "0000644"), (108, "0000000"), (116, "0000000")] {
            member.put(at, text);
        }
        member.put(124, &format!("{:011o}", content.len()));
        // Noon of 2024-01-01, as the tests below have it.
        member.put(136, &format!("{:011o}", 1_704_110_400));
        member.put(257, "ustar\x0000");
        member.0[156] = flag;
        member
    }

    fn file(name: &str, content: &str) -> Self {
        Self::new(name, b'0', content.as_bytes())
    }

    fn put(&mut self, at: usize, text: &str) {
        self.0[at..at + text.len()].copy_from_slice(text.as_bytes());
    }

    fn with(mut self, at: usize, text: &str) -> Self {
        self.put(at, text);
        self
    }

    /// A record of PAX for the next member.
    fn said(key: &str, value: &str) -> Self {
        let rest = key.len() + value.len() + 3;
        let digits = if rest + 1 < 10 { 1 } else { 2 };
        Self::new("x", b'x', format!("{} {key}={value}\n", rest + digits).as_bytes())
    }
}

fn tar(members: Vec<Member>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for mut member in members {
        member.put(148, "        ");
        let sum: u32 = member.0.iter().map(|byte| u32::from(*byte)).sum();
        member.put(148, &format!("{sum:06o}\0"));
        bytes.extend(member.0);
        bytes.extend(member.1);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1024, 0);
    bytes
}

fn build(tar: Vec<u8>) -> BuiltImage {
    Builder::new().layer_tar(tar, "COPY . /").build()
}

fn open(folder: &tempfile::TempDir, text: &str) -> Box<dyn OpenImage> {
    let options = OpenOptions { platform: None, spool: SpoolOptions::in_folder(folder.path()) };
    let network = Network::new(NetworkOptions { offline: true, ..NetworkOptions::default() });
    Source::parse(text, &recognise).unwrap().open(&options, &network).unwrap()
}

fn compare(old: &BuiltImage, new: &BuiltImage) -> Comparison {
    let folder = tempfile::tempdir().unwrap();
    let opened = [("old", old), ("new", new)].map(|(name, image)| {
        let at = folder.path().join(name);
        image.write_layout(&at, "v1");
        open(&folder, &format!("oci:{}", at.display()))
    });
    let [old, new] = [(&opened[0], old), (&opened[1], new)].map(|(opened, built)| Build {
        image: &**opened,
        manifest: Some(built.manifest.clone()),
        config: Some(built.config.clone()),
    });
    compare_builds(&old, &new, &Limits::new(folder.path().to_owned()))
}

/// Checks the causes, each as often as it is told.
#[track_caller]
fn check(old: Vec<Member>, new: Vec<Member>, expected: &[Cause]) {
    let comparison = compare(&build(tar(old)), &build(tar(new)));
    assert_eq!(comparison.incomplete, Vec::<String>::new());
    let mut causes: Vec<Cause> = comparison.differences.iter().map(|one| one.cause).collect();
    causes.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(causes, expected, "{:#?}", comparison.differences);
}

#[test]
fn everything_that_differs_is_told() {
    let later = |member: Member| member.with(136, &format!("{:011o}", 1_704_110_401));
    // A time, and beside it names of owners, in the same file and in another one.
    check(
        vec![Member::file("a", "1")],
        vec![later(Member::file("a", "1")).with(265, "user")],
        &[Cause::Timestamp, Cause::ArchiveFormat],
    );
    check(
        vec![Member::file("a", "1"), Member::file("b", "1")],
        vec![later(Member::file("a", "1")), Member::file("b", "2").with(265, "user")],
        &[Cause::Timestamp, Cause::ArchiveFormat, Cause::Content],
    );
    // What is said of a file whose kind differs.
    check(
        vec![Member::file("a", "1")],
        vec![later(Member::new("a", b'5', b"")).with(100, "0000755").with(108, "0001000")],
        &[Cause::Kind, Cause::Mode, Cause::Owner, Cause::Timestamp],
    );
    // Attributes, capabilities as written, fractions of a time, numbers of devices.
    let said = |key, value| vec![Member::said(key, value), Member::file("a", "1")];
    check(said("SCHILY.xattr.user.a", "1"), said("SCHILY.xattr.user.a", "2"), &[Cause::Mode]);
    check(
        said("SCHILY.xattr.security.capability", "1"),
        said("SCHILY.xattr.security.capability", "2"),
        &[Cause::Mode],
    );
    check(said("mtime", "1.5"), said("mtime", "1.6"), &[Cause::Timestamp]);
    check(said("comment", "1"), said("comment", "2"), &[Cause::ArchiveFormat]);
    let device = |minor| vec![Member::new("null", b'3', b"").with(329, "0000001").with(337, minor)];
    check(device("0000003"), device("0000005"), &[Cause::Kind]);
    // An entry that a later one replaces, but for those that linked to it.
    let replaced = |text| {
        let link = Member::new("b", b'1', b"").with(157, "a");
        vec![Member::file("a", text), link, Member::file("a", "last")]
    };
    check(replaced("one"), replaced("two"), &[Cause::Content]);
}

#[test]
fn what_is_behind_the_end_of_an_archive_is_told_beside_the_rest() {
    let plain = vec![Member::file("a", "1")];
    let mut longer = tar(vec![Member::file("a", "2")]);
    longer.extend(b"behind");
    let comparison = compare(&build(tar(plain)), &build(longer));
    let causes: Vec<_> = comparison.causes.keys().copied().collect();
    assert_eq!(causes, [Cause::ArchiveFormat, Cause::Content]);
}

#[test]
fn a_date_in_a_file_is_that_of_the_build_or_content() {
    let at = |text: &str, time: u64| vec![Member::file("a", text).with(136, &format!("{time:011o}"))];
    let (first, second) = (1_704_110_400, 1_738_584_000);
    check(
        at("built 2024-01-01\n", first),
        at("built 2025-02-03\n", second),
        &[Cause::Timestamp, Cause::Timestamp],
    );
    check(
        at("expires 2030-01-01\n", first),
        at("expires 2035-01-01\n", second),
        &[Cause::Timestamp, Cause::Content],
    );
}

#[test]
fn the_same_members_written_otherwise_are_not_identical() {
    let image = build(tar(vec![Member::file("a", "1")]));
    let mut other = build(tar(vec![Member::file("a", "1")]));
    other.manifest.push(b' ');
    let comparison = compare(&image, &other);
    assert!(!comparison.is_equal_but_for(&[Cause::ArchiveFormat, Cause::Timestamp]));
    assert_eq!(comparison.count(), 1);
}

#[test]
fn archives_of_the_same_layer_without_a_digest_are_identical() {
    let folder = tempfile::tempdir().unwrap();
    let opened = ["old.tar", "new.tar"].map(|name| {
        let path = folder.path().join(name);
        std::fs::write(&path, build(tar(vec![Member::file("a", "1")])).docker_archive("app:1")).unwrap();
        open(&folder, &format!("docker-archive:{}", path.display()))
    });
    let [old, new] = [0, 1].map(|at| Build { image: &*opened[at], manifest: None, config: None });
    let comparison = compare_builds(&old, &new, &Limits::new(folder.path().to_owned()));
    assert_eq!(comparison.count(), 0, "{:?}", comparison.differences);
}
