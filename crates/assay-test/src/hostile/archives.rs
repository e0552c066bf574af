//! Zip archives that lie: bombs, archives in archives without end, sizes and directories that do not fit.

use super::raw::image;
use super::{BOTH, Case, Subject, heavy, light};
use std::io::Write;
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    light("zip-50-deep", nested, BOTH, &["archive-too-deep"]),
    light("zip-directory-names-twice", names_twice, BOTH, &[]),
    light("zip-64-lies", zip64, BOTH, &["damaged-archive"]),
    light("zip-end-records-in-the-comment", end_records, BOTH, &["damaged-archive"]),
    light("zip-names", names, BOTH, &[]),
    heavy("zip-fans-out", fans_out, BOTH, &["archive-too-deep"]),
    heavy("zip-bomb-overlapping", overlapping, BOTH, &["archive-too-large"]),
    heavy("zip-million-entries", million_entries, BOTH, &[]),
    heavy("zip-many-poms", many_poms, BOTH, &["archive-too-large"]),
    heavy("zip-many-jars-each-a-bomb", many_bombs, BOTH, &["ratio-too-high"]),
];

/// An entry: name, data as stored, whether deflated, size when inflated, checksum.
pub(super) struct Entry {
    name: String,
    data: Vec<u8>,
    deflated: bool,
    size: u32,
    crc: u32,
}

impl Entry {
    fn stored(name: &str, data: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(data);
        Self {
            name: name.into(),
            data: data.to_vec(),
            deflated: false,
            size: data.len() as u32,
            crc: crc.sum(),
        }
    }

    fn deflated(name: &str, plain: &[u8]) -> Self {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        Self { data: encoder.finish().unwrap(), deflated: true, ..Self::stored(name, plain) }
            .sized(plain.len())
    }

    fn sized(self, size: usize) -> Self {
        Self { size: size as u32, ..self }
    }

    fn fields(&self) -> Vec<u8> {
        let mut out = vec![20, 0, 0, 0, if self.deflated { 8 } else { 0 }, 0, 0, 0, 0x21, 0x58];
        out.extend(self.crc.to_le_bytes());
        out.extend((self.data.len() as u32).to_le_bytes());
        out.extend(self.size.to_le_bytes());
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0, 0]);
        out
    }

    fn local(&self) -> Vec<u8> {
        [b"PK\x03\x04", &self.fields()[..], self.name.as_bytes(), &self.data].concat()
    }

    fn central(&self, name: &str, offset: usize) -> Vec<u8> {
        let mut fields = self.fields();
        fields[22..24].copy_from_slice(&(name.len() as u16).to_le_bytes());
        let mut out = [b"PK\x01\x02\x14\x00", &fields[..]].concat();
        out.extend([0; 10]);
        out.extend(0_u32.to_le_bytes());
        out.truncate(42);
        out.extend((offset as u32).to_le_bytes());
        out.extend(name.as_bytes());
        out
    }
}

fn end(entries: usize, size: usize, offset: usize) -> Vec<u8> {
    let count = (entries.min(0xffff) as u16).to_le_bytes();
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend(count);
    out.extend(count);
    out.extend((size as u32).to_le_bytes());
    out.extend((offset as u32).to_le_bytes());
    out.extend([0, 0]);
    out
}

/// Returns an archive whose directory names each entry as often as there are names for it.
fn zip(entries: &[(Entry, Vec<String>)]) -> Vec<u8> {
    let (mut out, mut directory, mut count) = (Vec::new(), Vec::new(), 0);
    for (entry, names) in entries {
        for name in names {
            directory.extend(entry.central(name, out.len()));
            count += 1;
        }
        out.extend(entry.local());
    }
    let offset = out.len();
    out.extend(&directory);
    out.extend(end(count, directory.len(), offset));
    out
}

fn single(entries: impl IntoIterator<Item = Entry>) -> Vec<u8> {
    let named = entries.into_iter().map(|entry| {
        let names = vec![entry.name.clone()];
        (entry, names)
    });
    zip(&named.collect::<Vec<_>>())
}

fn jar(folder: &Path, jar: &[u8]) -> Subject {
    image(folder, |layer| {
        layer.file("app/app.jar", jar).beside().end();
    })
}

fn properties(name: &str) -> Entry {
    let text = format!("groupId=g\nartifactId={name}\nversion=1\n");
    Entry::deflated(&format!("META-INF/maven/g/{name}/pom.properties"), text.as_bytes())
}

fn nested(folder: &Path) -> Subject {
    let mut inner = single([properties("innermost")]);
    for depth in 0..50 {
        let entry =
            if depth % 2 == 0 { Entry::stored("in.jar", &inner) } else { Entry::deflated("in.jar", &inner) };
        inner = single([entry, properties(&format!("d{depth}"))]);
    }
    jar(folder, &inner)
}

fn names_twice(folder: &Path) -> Subject {
    let entry = properties("twice");
    let names = vec![entry.name.clone(); 3000];
    jar(folder, &zip(&[(entry, names)]))
}

fn zip64(folder: &Path) -> Subject {
    let mut out = properties("x").local();
    let at = out.len() as u64;
    out.extend(b"PK\x06\x06");
    out.extend(44_u64.to_le_bytes());
    out.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [u64::MAX, u64::MAX, 1, 0] {
        out.extend(number.to_le_bytes());
    }
    out.extend(b"PK\x06\x07\0\0\0\0");
    out.extend(at.to_le_bytes());
    out.extend(1_u32.to_le_bytes());
    let mut end = end(0xffff, 0xffff_ffff, 0xffff_ffff);
    end[12..20].fill(0xff);
    out.extend(end);
    jar(folder, &out)
}

fn end_records(folder: &Path) -> Subject {
    // Each end record announces the rest as its comment, so that each has to be considered.
    let mut out = b"PK\x03\x04".to_vec();
    for number in (0..2900_u16).rev() {
        let mut record = end(1, 10, 0x7fff_ffff);
        record[20..22].copy_from_slice(&(number * 22).to_le_bytes());
        out.extend(record);
    }
    jar(folder, &out)
}

fn names(folder: &Path) -> Subject {
    let hostile = ["../../../etc/x.jar", "/abs.jar", "a\0b.jar", "\u{1b}[31m.jar", "C:\\x.jar", "!/!/!/.jar"];
    let inner = single([properties("named")]);
    jar(folder, &single(hostile.map(|name| Entry::stored(name, &inner))))
}

fn fans_out(folder: &Path) -> Subject {
    // A hundred names for one archive, eight times over: a hundred to the eighth power of archives.
    let mut inner = single([properties("innermost")]);
    for _ in 0..12 {
        let names = (0..100).map(|number| format!("{number}.jar")).collect();
        inner = zip(&[(Entry::stored("in.jar", &inner), names)]);
    }
    jar(folder, &inner)
}

/// An archive whose many names all mean the same inflated zeros.
fn bomb(names: usize) -> Vec<u8> {
    let entry = Entry::deflated("in.jar", &vec![0; 190 << 20]);
    zip(&[(entry, (0..names).map(|number| format!("{number}.jar")).collect())])
}

fn overlapping(folder: &Path) -> Subject {
    let bomb = bomb(200);
    image(folder, |layer| {
        layer.beside().file("app/a.jar", &bomb).file("app/b.jar", &bomb).end();
    })
}

fn many_bombs(folder: &Path) -> Subject {
    let bomb = bomb(20);
    image(folder, |layer| {
        layer.beside();
        for number in 0..100 {
            layer.file(&format!("app/{number}.jar"), &bomb);
        }
        layer.end();
    })
}

fn million_entries(folder: &Path) -> Subject {
    let entry = Entry::stored("a.class", b"");
    let (local, mut directory) = (entry.local(), Vec::new());
    for number in 0..900_000 {
        directory.extend(entry.central(&format!("{number}.class"), 0));
    }
    let mut out = local;
    let offset = out.len();
    out.extend(&directory);
    out.extend(end(900_000, directory.len(), offset));
    jar(folder, &out)
}

fn many_poms(folder: &Path) -> Subject {
    let entry = properties("p");
    let names = (0..60_000).map(|number| format!("META-INF/maven/g/p{number}/pom.properties")).collect();
    jar(folder, &zip(&[(entry, names)]))
}
