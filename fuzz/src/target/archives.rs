//! The decoders: archives, compressed streams, executables and databases.

use super::{choice, chosen};
use crate::{Target, seed};
use assay_decode::bdb::Bdb;
use assay_decode::elf::Elf;
use assay_decode::macho::MachO;
use assay_decode::ndb::Ndb;
use assay_decode::pe::Pe;
use assay_decode::sqlite::Sqlite;
use assay_decode::tar::{TarLimits, TarReader};
use assay_decode::zip::Zip;
use assay_decode::{Limited, ReadAt, decompress};
use std::io::Read;

/// What is read of one entry or section: enough to reach every path, not enough to slow down.
const ENOUGH: usize = 64 << 10;

pub(super) fn targets() -> Vec<Target> {
    vec![
        Target::new("tar", tar_seeds, tar),
        Target::new(
            "compression",
            || vec![seed::gzip(b"hello hello hello"), seed::zstd(b"hello hello hello")],
            compression,
        ),
        Target::new("zip", || vec![seed::zip(seed::ZIP_MEMBERS), seed::stored_zip()], zip),
        Target::new(
            "elf",
            || vec![seed::elf(), seed::elf_32(), seed::fixture("assay-decode/testdata/elf/shared.so")],
            elf,
        ),
        Target::new("pe", || vec![seed::pe(&[("FileVersion", "6.0.36"), ("ProductName", ".NET")])], pe),
        Target::new(
            "macho",
            || vec![seed::macho(b"build info"), seed::universal(&seed::macho(b"build info"))],
            macho,
        ),
        Target::new("sqlite", sqlite_seeds, sqlite),
        Target::new("bdb", bdb_seeds, bdb),
        Target::new("ndb", || vec![seed::ndb(&[(1, b"one"), (2, &[2; 500])])], ndb),
    ]
}

fn tar_seeds() -> Vec<Vec<u8>> {
    seed::tars().iter().flat_map(|tar| [chosen(0, tar), chosen(1, tar)]).collect()
}

fn tar(data: &[u8]) -> Vec<String> {
    let (fix, data) = choice(data);
    // The checksum of a header hides all that stands behind it from a fuzzer that does not know of it.
    let fixed = if fix & 1 == 1 { seed::with_checksums(data) } else { data.to_vec() };
    let mut reader = TarReader::new(fixed.as_slice(), TarLimits::default());
    let mut said = Vec::new();
    let mut turns = 0;
    loop {
        turns += 1;
        assert!(turns <= fixed.len() / 512 + 2, "more entries than blocks");
        match reader.next_entry() {
            Ok(None) => break,
            Ok(Some(mut entry)) => {
                let path = entry.path().to_owned();
                assert!(
                    !path.starts_with('/') && !path.split('/').any(|part| part == ".."),
                    "`{path}` leads out"
                );
                let mut content = Vec::new();
                let read = entry
                    .reader()
                    .take(ENOUGH as u64)
                    .read_to_end(&mut content)
                    .map_err(|error| error.to_string());
                said.push(format!(
                    "{path} {:?} {} {:?} {read:?}",
                    entry.kind(),
                    entry.size(),
                    entry.link_target()
                ));
            }
            Err(error) => {
                said.push(error.to_string());
                if !error.is_recoverable() {
                    break;
                }
            }
        }
    }
    said
}

fn compression(data: &[u8]) -> Option<(usize, Option<String>)> {
    const LIMIT: usize = 4 << 20;
    let (_, plain) = decompress(data).ok()?;
    let mut out = Vec::new();
    let end = Limited::new(plain, LIMIT as u64).read_to_end(&mut out).err();
    assert!(out.len() <= LIMIT);
    Some((out.len(), end.map(|error| error.to_string())))
}

fn zip(data: &[u8]) -> Vec<String> {
    let Ok(zip) = Zip::open(&data) else { return Vec::new() };
    let mut entries = Vec::new();
    let whole = zip.select(|_| true, |entry| entries.push(entry)).is_ok();
    assert!(entries.len() <= data.len() / 46, "more entries than fit into the directory");
    let mut said = vec![format!("{whole} {:?}", zip.overlaps().ok())];
    for entry in entries.iter().take(100) {
        let content = zip.read(entry, ENOUGH);
        assert!(content.as_ref().map_or(0, Vec::len) <= ENOUGH);
        said.push(format!(
            "{entry:?} {:?}",
            content.map(|content| content.len()).map_err(|error| error.to_string())
        ));
    }
    said
}

fn elf(data: &[u8]) -> Vec<String> {
    let Ok(elf) = Elf::parse(&data) else { return Vec::new() };
    let mut said = vec![format!("{:?} {:?} {:?}", elf.machine(), elf.kind(), elf.is_stripped())];
    for section in elf.sections().iter().take(100) {
        let content = elf.section_data(&section.name, ENOUGH).map(|found| found.map(|bytes| bytes.len()));
        said.push(format!("{section:?} {:?}", content.map_err(|error| error.to_string())));
        let _ = elf.read_address(section.address, section.size, ENOUGH);
    }
    for segment in elf.segments().iter().take(100) {
        said.push(format!("{segment:?} {:?}", elf.locate(segment.address)));
    }
    said.push(format!("{:?} {:?} {:?}", elf.interpreter(), elf.dynamic(), elf.notes()));
    said.push(format!("{:?} {:?}", elf.build_id(), elf.package_note()));
    said
}

fn pe(data: &[u8]) -> Vec<String> {
    let Ok(pe) = Pe::parse(&data) else { return Vec::new() };
    let mut said = vec![format!("{:?} {:?} {:?}", pe.machine(), pe.is_dotnet(), pe.version_strings())];
    for section in pe.sections().iter().take(100) {
        let content = pe.section_data(&section.name, ENOUGH).map(|found| found.map(|bytes| bytes.len()));
        said.push(format!("{section:?} {:?}", content.map_err(|error| error.to_string())));
    }
    let _ = pe.read_address(pe.image_base().wrapping_add(0x2000), 16, 16);
    said
}

fn macho(data: &[u8]) -> Vec<String> {
    let Ok(macho) = MachO::parse(&data) else { return Vec::new() };
    let mut said = vec![format!("{:?}", macho.cpu())];
    for section in macho.sections().iter().take(100) {
        said.push(format!("{section:?}"));
    }
    let content = macho.section_data("__go_buildinfo", ENOUGH).map(|found| found.map(|bytes| bytes.len()));
    said.push(format!(
        "{:?} {:?}",
        content.map_err(|error| error.to_string()),
        macho.read_address(4096, 10, 10).is_ok()
    ));
    said
}

fn sqlite_seeds() -> Vec<Vec<u8>> {
    ["assay-decode/testdata/sqlite/levels.db", "assay-packages/testdata/rpm/rpmdb.sqlite"]
        .map(seed::fixture)
        .into()
}

fn sqlite(data: &[u8]) -> Vec<String> {
    let Ok(file) = Sqlite::open(&data) else { return Vec::new() };
    let mut said = Vec::new();
    for name in ["Packages", "other"] {
        match file.table(name) {
            Ok(Some(table)) => {
                said.push(table.sql.clone());
                let mut rows = 0;
                for row in table.rows() {
                    rows += 1;
                    assert!(rows <= data.len(), "more rows than bytes");
                    if rows < 1000 {
                        said.push(row.map_or_else(
                            |error| error.to_string(),
                            |row| format!("{} {}", row.rowid, row.columns.len()),
                        ));
                    }
                }
            }
            Ok(None) => {}
            Err(error) => said.push(error.to_string()),
        }
    }
    said
}

fn bdb_seeds() -> Vec<Vec<u8>> {
    let names = ["hash-1234", "hash-4321", "btree-1234", "btree-4321"];
    names.map(|name| seed::fixture(&format!("assay-decode/testdata/bdb/{name}.db"))).into()
}

fn bdb(data: &[u8]) -> Vec<String> {
    let Ok(file) = Bdb::open(&data) else { return Vec::new() };
    let mut said = Vec::new();
    let mut bytes = 0_usize;
    for record in file.records() {
        match record {
            Ok(record) => {
                bytes += record.key.len() + record.value.len();
                said.push(format!("{} {}", record.key.len(), record.value.len()));
            }
            Err(error) => said.push(error.to_string()),
        }
        assert!(said.len() <= data.len(), "more records than bytes");
    }
    // Pages are not shared between records, so that all of them together are no larger than the file.
    assert!(bytes <= 2 * data.len(), "{bytes} bytes out of {}", data.len());
    said
}

fn ndb(data: &[u8]) -> Vec<String> {
    let source: &dyn ReadAt = &data;
    let Ok(file) = Ndb::open(source) else { return Vec::new() };
    let said: Vec<String> = file
        .blobs()
        .map(|blob| blob.map_or_else(|error| error.to_string(), |blob| format!("{blob:?}")))
        .collect();
    assert!(said.len() <= data.len() / 16 + 1, "more blobs than slots");
    said
}
