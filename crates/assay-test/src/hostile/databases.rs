//! Package databases whose pages, records and lines lie.

use super::raw::image;
use super::{BELOW, BOTH, Case, Subject, heavy, light};
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    light("rpm-sqlite-cyclic", sqlite_cyclic, BOTH, &["damaged-package-database"]),
    light("rpm-sqlite-huge-varints", sqlite_varints, BOTH, &["damaged-package-database"]),
    light("rpm-bdb-cyclic", bdb_cyclic, BOTH, &["damaged-package-database"]),
    light("rpm-ndb-lies", ndb_lies, BOTH, &["damaged-package-database"]),
    light("apk-without-newlines", apk_line, &["beside"], &[]),
    light("dpkg-odd-records", dpkg_odd, BOTH, &["damaged-package-database"]),
    heavy("dpkg-line-of-a-gigabyte", dpkg_gigabyte, BOTH, &["file-too-large"]),
    heavy("dpkg-line-of-30-megabytes", dpkg_line, BOTH, &[]),
    heavy("dpkg-million-packages", dpkg_million, BELOW, &["too-many-facts"]),
    heavy("dpkg-million-owned-files", dpkg_owned, BOTH, &[]),
    heavy("dpkg-million-provides", dpkg_provides, BOTH, &[]),
    heavy("rpm-bdb-overflow-chains", bdb_chains, BOTH, &["damaged-package-database"]),
    heavy("rpm-ndb-million-slots", ndb_slots, BOTH, &["damaged-package-database"]),
    heavy("apk-million-files", apk_files, &["beside"], &[]),
];

fn with(folder: &Path, path: &str, content: &[u8]) -> Subject {
    image(folder, |layer| {
        layer.beside().file(path, content).end();
    })
}

/// A SQLite file of 4,096-byte pages whose page `n` is what `page` says.
fn sqlite(pages: u32, page: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 1..=pages {
        let mut bytes = page(number);
        let mut whole = if number == 1 {
            let mut header = b"SQLite format 3\0\x10\x00\x01\x01\x00\x40\x20\x20".to_vec();
            header.extend(1_u32.to_be_bytes());
            header.extend(pages.to_be_bytes());
            header.resize(100, 0);
            header[47] = 4;
            header[59] = 1;
            header
        } else {
            Vec::new()
        };
        whole.append(&mut bytes);
        whole.resize(4096, 0);
        out.append(&mut whole);
    }
    out
}

/// An interior table page whose children are all `child`.
fn interior(child: u32, base: usize) -> Vec<u8> {
    let cells = 400_u16;
    let mut page = vec![5, 0, 0];
    page.extend(cells.to_be_bytes());
    page.extend([0, 0, 0]);
    page.extend(child.to_be_bytes());
    let start = 1000 + base;
    for _ in 0..cells {
        page.extend((start as u16).to_be_bytes());
    }
    page.resize(1000, 0);
    page.extend(child.to_be_bytes());
    page.push(1);
    page
}

fn sqlite_cyclic(folder: &Path) -> Subject {
    let file = sqlite(3, |number| match number {
        1 => interior(2, 100),
        2 => interior(3, 0),
        _ => interior(2, 0),
    });
    with(folder, "var/lib/rpm/rpmdb.sqlite", &file)
}

fn sqlite_varints(folder: &Path) -> Subject {
    let file = sqlite(2, |number| {
        let base = if number == 1 { 100 } else { 0 };
        let mut page = vec![13, 0, 0, 0, 200, 0, 0, 0];
        for _ in 0..200 {
            page.extend((500 + base as u16).to_be_bytes());
        }
        page.resize(500, 0);
        page.extend([0xff; 40]);
        page
    });
    with(folder, "var/lib/rpm/rpmdb.sqlite", &file)
}

/// A Berkeley DB hash file of `pages` pages that are all chained overflow pages, each pointing back.
fn bdb(pages: u32, page: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    let mut meta = vec![0; 4096];
    meta[12..16].copy_from_slice(&0x0006_1561_u32.to_le_bytes());
    meta[16..20].copy_from_slice(&9_u32.to_le_bytes());
    meta[20..24].copy_from_slice(&4096_u32.to_le_bytes());
    meta[25] = 8;
    meta[32..36].copy_from_slice(&(pages - 1).to_le_bytes());
    meta[72..76].copy_from_slice(&(pages - 1).to_le_bytes());
    meta[88..92].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut out = meta;
    for number in 1..pages {
        let mut bytes = page(number);
        bytes.resize(4096, 0);
        out.append(&mut bytes);
    }
    out
}

/// A hash page with one key and a value that continues on overflow page `next`.
fn hash_page(number: u32, entries: u16, next: u32, len: u32) -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[8..12].copy_from_slice(&number.to_le_bytes());
    page[20..22].copy_from_slice(&(entries * 2).to_le_bytes());
    page[25] = 13;
    let mut at = 4096;
    for entry in 0..usize::from(entries) {
        at -= 5;
        page[at..at + 5].copy_from_slice(&[1, 1, 0, 0, 0]);
        page[26 + entry * 4..28 + entry * 4].copy_from_slice(&(at as u16).to_le_bytes());
        at -= 12;
        page[at] = 3;
        page[at + 4..at + 8].copy_from_slice(&next.to_le_bytes());
        page[at + 8..at + 12].copy_from_slice(&len.to_le_bytes());
        page[28 + entry * 4..30 + entry * 4].copy_from_slice(&(at as u16).to_le_bytes());
    }
    page
}

fn overflow(number: u32, next: u32) -> Vec<u8> {
    let mut page = vec![0xff; 4096];
    page[..26].fill(0);
    page[8..12].copy_from_slice(&number.to_le_bytes());
    page[16..20].copy_from_slice(&next.to_le_bytes());
    page[22..24].copy_from_slice(&4070_u16.to_le_bytes());
    page[25] = 7;
    page
}

fn bdb_cyclic(folder: &Path) -> Subject {
    let file = bdb(4, |number| match number {
        1 => hash_page(1, 100, 2, u32::MAX),
        2 => overflow(2, 3),
        _ => overflow(3, 2),
    });
    with(folder, "var/lib/rpm/Packages", &file)
}

fn bdb_chains(folder: &Path) -> Subject {
    // Every value of every hash page runs through the same chain of overflow pages.
    let (hashes, pages) = (2000, 12_000);
    let file = bdb(pages, |number| {
        if number <= hashes {
            hash_page(number, 150, hashes + 1, 40 << 20)
        } else {
            overflow(number, if number + 1 < pages { number + 1 } else { 0 })
        }
    });
    with(folder, "var/lib/rpm/Packages", &file)
}

/// An ndb file whose slots are what `slot` gives: package, offset and blocks.
fn ndb(slot_pages: u32, size: usize, slot: impl Fn(u32) -> [u32; 3]) -> Vec<u8> {
    let mut out = b"RpmP".to_vec();
    for number in [0, 1, slot_pages, 1, 0, 0, 0] {
        out.extend(u32::to_le_bytes(number));
    }
    let mut number = 0;
    while out.len() < slot_pages as usize * 4096 {
        let [package, offset, blocks] = slot(number);
        out.extend(b"Slot");
        for field in [package, offset, blocks] {
            out.extend(field.to_le_bytes());
        }
        number += 1;
    }
    out.resize(size, 0xff);
    out
}

fn ndb_lies(folder: &Path) -> Subject {
    let file = ndb(1, 8192, |number| match number % 4 {
        0 => [number + 1, u32::MAX, u32::MAX],
        1 => [number + 1, 0, 1],
        2 => [number + 1, 256, u32::MAX],
        _ => [number + 1, 300, 2],
    });
    with(folder, "usr/lib/sysimage/rpm/Packages.db", &file)
}

fn ndb_slots(folder: &Path) -> Subject {
    // Every slot means the same blob, which is as large as there is room for.
    let slot_pages = 2048;
    let at = slot_pages * 4096 / 16;
    let size = 32 << 20;
    let blocks = (size as u32 - slot_pages * 4096) / 16;
    let mut file = ndb(slot_pages, size, |number| [number + 1, at, blocks]);
    let start = slot_pages as usize * 4096;
    file[start..start + 4].copy_from_slice(b"BlbS");
    file[start + 4..start + 8].copy_from_slice(&1_u32.to_le_bytes());
    file[start + 12..start + 16].copy_from_slice(&(blocks * 16 - 32).to_le_bytes());
    with(folder, "usr/lib/sysimage/rpm/Packages.db", &file)
}

fn apk_line(folder: &Path) -> Subject {
    let mut content = b"P:a\nV:1\nD:".to_vec();
    content.extend("so:libc ".repeat(200_000).into_bytes());
    with(folder, "lib/apk/db/installed", &content)
}

fn apk_files(folder: &Path) -> Subject {
    image(folder, |layer| {
        let mut content = String::from("P:a\nV:1\n");
        for number in 0..400 {
            content.push_str(&format!("F:usr/share/{}\n", "d".repeat(200 + number % 7)));
            for file in 0..2500 {
                content.push_str(&format!("R:{file}\n"));
            }
        }
        layer.beside().file("lib/apk/db/installed", content).end();
    })
}

fn dpkg_odd(folder: &Path) -> Subject {
    let content = "Package\n: x\n\n\n\n :\nPackage: \u{1b}[2J\nVersion: 1\nStatus: install ok installed\n\n\
        Package: a\nPackage: b\nVersion: 1\nVersion: 2\nStatus: install ok installed\nSource: (((((\n\n\
        Status: install ok installed\nVersion: 3\n";
    with(folder, "var/lib/dpkg/status", content.as_bytes())
}

fn dpkg_gigabyte(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.beside().repeated("var/lib/dpkg/status", 1 << 30, &[b'P'; 1 << 20]).end();
    })
}

fn dpkg_line(folder: &Path) -> Subject {
    let head = "Package: a\nVersion: 1\nStatus: install ok installed\nDepends: ";
    with(folder, "var/lib/dpkg/status", [head, &"b | c (>= 1), ".repeat(30 << 16)].concat().as_bytes())
}

fn dpkg_million(folder: &Path) -> Subject {
    let records = (0..450_000)
        .map(|number| format!("Package: p{number}\nStatus: install ok installed\nVersion: 1\n\n"));
    with(folder, "var/lib/dpkg/status", records.collect::<String>().as_bytes())
}

fn dpkg_owned(folder: &Path) -> Subject {
    image(folder, |layer| {
        layer.beside();
        layer.file("var/lib/dpkg/status", "Package: a\nStatus: install ok installed\nVersion: 1\n\n");
        let list: String = (0..1_200_000).map(|number| format!("/usr/share/a/{number}\n")).collect();
        layer.file("var/lib/dpkg/info/a.list", list).end();
    })
}

fn dpkg_provides(folder: &Path) -> Subject {
    let head = "Status: install ok installed\nVersion: 1\n";
    let names =
        |prefix: &str| (0..2000).map(|number| format!("{prefix}{number}")).collect::<Vec<_>>().join(", ");
    let (provides, depends) = (names("v"), names("v"));
    let records = (0..500)
        .map(|number| format!("Package: p{number}\n{head}Provides: {provides}\nDepends: {depends}\n\n"));
    with(folder, "var/lib/dpkg/status", records.collect::<String>().as_bytes())
}
