//! Small valid inputs, made by code: archives and compressed streams here, the rest by kind in the files below.

mod databases;
mod executables;
mod feeds;
mod packages;
mod rarer;

pub(crate) use databases::ndb;
pub(crate) use executables::{dotnet_bundle, elf, elf_32, go_program, macho, pe, rust_program, universal};
pub(crate) use feeds::FEED_FILES;
pub(crate) use packages::package_files;

use std::fs;
use std::io::Write;
use std::path::Path;

/// Members of a zip archive that is a jar, too.
pub(crate) const ZIP_MEMBERS: &[(&str, &[u8])] = &[
    (
        "META-INF/MANIFEST.MF",
        b"Manifest-Version: 1.0\nImplementation-Title: x\nImplementation-Version: 1.2\n",
    ),
    ("META-INF/maven/org.a/b/pom.properties", b"version=2.14.1\ngroupId=org.a\nartifactId=b\n"),
    (
        "META-INF/maven/org.a/b/pom.xml",
        b"<project><groupId>org.a</groupId><artifactId>b</artifactId><version>2.14.1</version></project>",
    ),
    ("org/a/B.class", b"\xca\xfe\xba\xbe\0\0\0\x34"),
];

/// Reads a fixture of another crate: what only real tools can make.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(path);
    fs::read(&file).unwrap_or_else(|error| unreadable(&file, &error))
}

fn unreadable(file: &Path, error: &std::io::Error) -> Vec<u8> {
    assert!(file.as_os_str().is_empty(), "{}: {error}", file.display());
    Vec::new()
}

/// Texts of the general formats that most lockfiles are written in, for what has no sample of its own.
pub(crate) fn any_text() -> &'static [&'static str] {
    &[
        "{\"name\":\"a\",\"version\":\"1.0\",\"packages\":[{\"name\":\"b\",\"version\":\"2\"}],\"dependencies\":{\"c\":\"^1\"}}",
        "[[package]]\nname = \"a\"\nversion = \"1.0\"\n\n[package.dependencies]\nb = { version = \"^2\" }\n",
        "---\npackages:\n  a:\n    version: 1.0\n    <<: &x [1, *x]\n  - b: 'c'\n",
        "<?xml version='1.0'?><r><package id='a' version='1.0'><b>c &amp; d</b></package></r>",
        "Name: a\nVersion: 1.0\n continued\n\nName: b\n",
        "a (1.0)\n  b (>= 2)\n%{:c, \"1.0\", [d: 1]}.\n",
    ]
}

/// Compresses with gzip.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Compresses with Zstandard.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory takes everything")
}

/// Makes a tar archive of these files.
pub(crate) fn layer(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    files.iter().fold(assay_test::image::Tree::new(), |tree, (path, content)| tree.file(path, content)).tar()
}

/// Makes archives that use everything the format has: links, whiteouts, long names, extended headers, sparse files.
pub(crate) fn tars() -> Vec<Vec<u8>> {
    let long = format!("{}/file", "long-folder-name/".repeat(12).trim_end_matches('/'));
    let ordinary = assay_test::image::Tree::new()
        .folder("etc")
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .symlink("bin", "usr/bin")
        .hard_link("etc/issue", "etc/os-release")
        .whiteout("var/lib/x")
        .opaque("opt")
        .file(&long, "x")
        .tar();
    let sparse = b"1\n2\n0\n1\n512\n1\n".to_vec();
    let headers = [
        block("x", b'x', b"10 path=b\n"),
        block("c", b'S', b"d"),
        block("g", b'g', b"17 comment=global\n"),
        block("p", b'x', b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n20 GNU.sparse.name=s\n27 GNU.sparse.realsize=513\n"),
        block("GNUSparseFile.0/s", b'0', &sparse),
        block("././@LongLink", b'L', b"a/very/long/name\0"),
        block("short", b'0', b"hello"),
        block("././@LongLink", b'K', b"target\0"),
        block("link", b'2', b""),
        block("device", b'3', b""),
        block("../../etc/passwd", b'0', b"x"),
        vec![0; 1024],
    ];
    vec![ordinary, headers.concat()]
}

/// Makes one entry: header and content, filled up to whole blocks.
fn block(name: &str, flag: u8, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
    header[156] = flag;
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum = checksum(&header);
    header[148..156].copy_from_slice(&sum);
    header.extend(content);
    header.resize(header.len().next_multiple_of(512), 0);
    header
}

fn checksum(header: &[u8]) -> [u8; 8] {
    let sum: u32 = header
        .iter()
        .zip(0..512_u32)
        .map(|(byte, at)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
        .sum();
    let mut text = [b' '; 8];
    text[..7].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    text
}

/// Gives every block of a tar archive that looks like a header the checksum it should have.
pub(crate) fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut fixed = bytes.to_vec();
    for header in fixed.chunks_exact_mut(512) {
        // Only content that imitates a header is changed, too.
        if &header[257..262] == b"ustar" {
            let sum = checksum(header);
            header[148..156].copy_from_slice(&sum);
        }
    }
    fixed
}

/// Gives a database's header the checksum and length it should have, so that damage reaches what is behind it.
pub(crate) fn with_header_checksum(bytes: &[u8]) -> Vec<u8> {
    /// Where the checksum of the header stands: behind its fixed part and its nine sections.
    const AT: usize = 32 + 9 * 48;
    let mut fixed = bytes.to_vec();
    if bytes.starts_with(b"ASSAYDB\n") && bytes.len() > AT + 4 {
        fixed[16..24].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&fixed[..AT]);
        fixed[AT..AT + 4].copy_from_slice(&crc.sum().to_le_bytes());
    }
    fixed
}

/// Makes a zip archive whose members are deflated.
pub(crate) fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    zip_of(members, true)
}

/// Makes a zip archive of a stored member that is a jar itself.
pub(crate) fn stored_zip() -> Vec<u8> {
    zip_of(&[("BOOT-INF/lib/b-2.14.1.jar", &zip(ZIP_MEMBERS)), ("a/", b"")], false)
}

#[expect(clippy::cast_possible_truncation, reason = "the archives made here have a few hundred bytes")]
fn zip_of(members: &[(&str, &[u8])], deflate: bool) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut data = content.to_vec();
        if deflate {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(content).expect("memory takes everything");
            data = encoder.finish().expect("memory takes everything");
        }
        let offset = file.len() as u32;
        let mut common = vec![20, 0, 0, 0, if deflate { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for number in [crc.sum(), data.len() as u32, content.len() as u32, name.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), &data].concat());
        let rest = [&[0; 10][..], &offset.to_le_bytes()].concat();
        directory.extend([b"PK\x01\x02\x14\0", &common[..], &rest, name.as_bytes()].concat());
    }
    let (count, size, at) = (members.len() as u16, directory.len() as u32, file.len() as u32);
    file.extend(directory);
    let counts = [count.to_le_bytes(), count.to_le_bytes()].concat();
    file.extend(
        [b"PK\x05\x06\0\0\0\0", &counts[..], &size.to_le_bytes(), &at.to_le_bytes(), &[0, 0]].concat(),
    );
    file
}
