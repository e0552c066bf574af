//! Every reader ends, within bounds and without a panic, on any bytes and on damaged files.

use std::io::Read;

use assay_decode::bdb::Bdb;
use assay_decode::elf::Elf;
use assay_decode::macho::MachO;
use assay_decode::ndb::Ndb;
use assay_decode::pe::Pe;
use assay_decode::sqlite::Sqlite;
use assay_decode::tar::{TarLimits, TarReader};
use assay_decode::zip::Zip;
use assay_decode::{Limited, ReadAt, decompress};
use proptest::prelude::*;

use crate::{databases, executables, testdata};

/// Reads `bytes` as everything, as far as it goes; the counts are what must stay bounded by the input.
fn read_as_everything(bytes: &[u8]) {
    let source = &bytes;
    let mut tar = TarReader::new(bytes, TarLimits::default());
    let mut turns = 0;
    loop {
        turns += 1;
        assert!(turns <= bytes.len() / 512 + 2);
        match tar.next_entry() {
            Ok(None) => break,
            Ok(Some(mut entry)) => {
                let _ = entry.reader().take(10_000).read_to_end(&mut Vec::new());
                assert!(!entry.path().starts_with('/') && !entry.path().split('/').any(|part| part == ".."));
            }
            Err(_) => {}
        }
    }
    if let Ok((_, plain)) = decompress(bytes) {
        let _ = Limited::new(plain, 1_000_000).read_to_end(&mut Vec::new());
    }
    if let Ok(zip) = Zip::open(source) {
        let mut entries = Vec::new();
        let _ = zip.select(|_| true, |entry| entries.push(entry));
        assert!(entries.len() <= bytes.len() / 46);
        for entry in entries {
            assert!(zip.read(&entry, 10_000).map_or(0, |data| data.len()) <= 10_000);
        }
        let _ = zip.overlaps();
    }
    if let Ok(elf) = Elf::parse(source) {
        for section in elf.sections().iter().take(100) {
            let _ = elf.section_data(&section.name, 10_000);
        }
        let _ = (elf.dynamic(), elf.interpreter(), elf.build_id(), elf.package_note());
    }
    if let Ok(pe) = Pe::parse(source) {
        let _ = (pe.version_strings(), pe.section_data(".rsrc", 10_000));
    }
    if let Ok(macho) = MachO::parse(source) {
        let _ = (macho.section_data("__go_buildinfo", 10_000), macho.read_address(4096, 10, 10));
    }
    if let Ok(sqlite) = Sqlite::open(source)
        && let Ok(Some(table)) = sqlite.table("Packages")
    {
        assert!(table.rows().count() <= bytes.len());
    }
    if let Ok(bdb) = Bdb::open(source) {
        assert!(bdb.records().count() <= bytes.len());
    }
    if let Ok(ndb) = Ndb::open(source) {
        assert!(ndb.blobs().count() <= bytes.len() / 16 + 1);
    }
}

/// A valid file of every kind.
fn seeds() -> Vec<Vec<u8>> {
    let mut tar = Vec::new();
    for (name, flag, data) in
        [("a", b'0', "hello"), ("x", b'x', "10 path=b\n"), ("c", b'S', "d"), ("d", b'5', "")]
    {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[156] = flag;
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(header);
        tar.extend(data.as_bytes());
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    let zstd = zstd::encode_all(tar.as_slice(), 1).unwrap();
    let mut gzip = Vec::new();
    flate2::read::GzEncoder::new(tar.as_slice(), flate2::Compression::fast()).read_to_end(&mut gzip).unwrap();
    vec![
        tar,
        zstd,
        gzip,
        testdata("elf/shared.so"),
        testdata("sqlite/levels.db"),
        testdata("bdb/hash-1234.db"),
        testdata("bdb/btree-4321.db"),
        databases::ndb(&[(1, b"one"), (2, &[2; 500])]),
        executables::pe(&[("FileVersion", "1.2.3")]),
        executables::macho(b"data"),
        // One stored entry, `a` with nothing in it.
        b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0aPK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\
        \0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0aPK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0"
            .to_vec(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..3000)) {
        read_as_everything(&bytes);
    }

    #[test]
    fn damaged_files(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let seeds = seeds();
        let mut bytes = which.get(&seeds).clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read_as_everything(&bytes);
    }
}

/// Damage tells nothing unless the reader gets past the first bytes of what is whole.
#[test]
fn the_undamaged_files_are_valid() {
    let seeds = seeds();
    let zip = seeds.last().unwrap();
    let zip: &dyn ReadAt = &zip;
    assert_eq!(Zip::open(zip).unwrap().entries(|_| true).unwrap()[0].name, "a");
    for archive in &seeds[..3] {
        let mut tar = TarReader::new(decompress(archive.as_slice()).unwrap().1, TarLimits::default());
        assert_eq!(tar.next_entry().unwrap().unwrap().path(), "a");
        let sparse = tar.next_entry().unwrap().unwrap();
        assert_eq!((sparse.path(), sparse.is_sparse(), sparse.size()), ("b", true, 0));
        assert_eq!(tar.next_entry().unwrap().unwrap().path(), "d");
    }
}

/// The first bytes of a file hold most of what steers a reader: each is set to values on the edge.
#[test]
fn every_byte_of_the_headers() {
    for seed in seeds() {
        for at in 0..seed.len().min(400) {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = seed.clone();
                bytes[at] = value;
                read_as_everything(&bytes);
            }
        }
    }
}
