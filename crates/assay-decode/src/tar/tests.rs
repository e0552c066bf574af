//! Tests of the tar reader against archives built here, byte by byte.

use super::*;
use std::io::{BufRead, Read};

fn block(name: &[u8], flag: u8, size: u64) -> [u8; 512] {
    let mut raw = [0; 512];
    raw[..name.len()].copy_from_slice(name);
    raw[100..107].copy_from_slice(b"0000644");
    raw[108..115].copy_from_slice(b"0001750");
    raw[116..123].copy_from_slice(b"0001751");
    raw[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    raw[136..147].copy_from_slice(b"14717604000");
    raw[156] = flag;
    raw[257..265].copy_from_slice(b"ustar\x0000");
    raw
}

/// Puts the checksum in.
fn sealed(mut raw: [u8; 512]) -> Vec<u8> {
    raw[148..156].fill(b' ');
    let sum: u32 = raw.iter().map(|&byte| u32::from(byte)).sum();
    raw[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    raw.to_vec()
}

fn padded(data: &[u8]) -> Vec<u8> {
    let mut out = data.to_vec();
    out.resize(data.len().next_multiple_of(512), 0);
    out
}

fn entry(name: &[u8], flag: u8, data: &[u8]) -> Vec<u8> {
    [sealed(block(name, flag, data.len() as u64)), padded(data)].concat()
}

fn link(name: &[u8], flag: u8, target: &[u8]) -> Vec<u8> {
    let mut raw = block(name, flag, 0);
    raw[157..157 + target.len()].copy_from_slice(target);
    sealed(raw)
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let mut len = rest.len() + 1;
        while len.to_string().len() + rest.len() != len {
            len += 1;
        }
        data.extend(format!("{len}{rest}").as_bytes());
    }
    entry(b"PaxHeaders/x", b'x', &data)
}

fn end() -> Vec<u8> {
    vec![0; 1024]
}

/// Writes each entry as `kind mode path>target: content`, and each error; at most 40 content bytes.
fn list(archive: &[u8]) -> Vec<String> {
    let limits = TarLimits { max_extension: 4096, max_segments: 100, ..TarLimits::default() };
    let mut reader = TarReader::new(archive, limits);
    let mut out = Vec::new();
    loop {
        match reader.next_entry() {
            Ok(None) => break,
            Ok(Some(mut entry)) => {
                let mut content = Vec::new();
                let path = entry.path();
                let read = entry.reader().take(40).read_to_end(&mut content);
                let target = entry.link_target();
                let arrow = if target.is_empty() { "" } else { ">" };
                let text = String::from_utf8_lossy(&content).replace('\0', ".");
                let failed = if read.is_err() { "!" } else { "" };
                out.push(format!("{:?} {path}{arrow}{target}: {text}{failed}", entry.kind()));
            }
            Err(error) => out.push(format!("error: {error}")),
        }
        assert!(out.len() < 100, "does not end");
    }
    assert!(matches!(reader.next_entry(), Ok(None)));
    out
}

#[track_caller]
fn check(parts: &[Vec<u8>], expected: &[&str]) {
    assert_eq!(list(&parts.concat()), expected);
}

#[test]
fn kinds_and_names() {
    check(
        &[
            entry(b"./", b'5', b""),
            entry(b"./etc/passwd", b'0', b"root:x"),
            entry(b"old", 0, b"v7"),
            entry(b"old-dir/", 0, b""),
            entry(b"contiguous", b'7', b"c"),
            link(b"hard", b'1', b"/etc/./passwd"),
            link(b"soft", b'2', b"../etc/./passwd"),
            entry(b"tty", b'3', b""),
            entry(b"disk", b'4', b""),
            entry(b"pipe", b'6', b""),
            entry(b"dump", b'D', b"list"),
            entry(b"caf\xe9", b'0', b""),
            end(),
        ],
        &[
            "Directory : ",
            "File etc/passwd: root:x",
            "File old: v7",
            "Directory old-dir: ",
            "File contiguous: c",
            "HardLink hard>etc/passwd: ",
            "Symlink soft>../etc/./passwd: ",
            "CharDevice tty: ",
            "BlockDevice disk: ",
            "Fifo pipe: ",
            "Other(68) dump: list",
            "File caf\u{fffd}: ",
        ],
    );
}

#[test]
fn numbers_of_the_header_and_of_pax() {
    let archive = [
        entry(b"a", b'0', b""),
        pax(&[("uid", "4294967295"), ("gid", "7"), ("mtime", "-1.5"), ("SCHILY.xattr.user.a", "b\n=c")]),
        entry(b"b", b'0', b""),
        entry(b"c", b'0', b""),
    ];
    let archive = archive.concat();
    let mut reader = TarReader::new(archive.as_slice(), TarLimits::default());
    let mut found = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        found.push((entry.mode(), entry.uid(), entry.gid(), entry.mtime()));
    }
    let plain = (0o644, 1000, 1001, 0o14_717_604_000);
    assert_eq!(found, [plain, (0o644, 4_294_967_295, 7, -2), plain]);
}

#[test]
fn long_names_of_every_kind() {
    let long = "d/".repeat(80) + "file";
    let mut prefixed = block(b"file", b'0', 0);
    prefixed[345..345 + 5].copy_from_slice(b"a/b/c");
    let mut gnu = prefixed;
    gnu[257..265].copy_from_slice(b"ustar  \0");
    let zero_ended = [long.as_bytes(), b"\0"].concat();
    check(
        &[
            sealed(prefixed),
            // In GNU's format other fields stand where ustar has the prefix.
            sealed(gnu),
            entry(b"././@LongLink", b'L', &zero_ended),
            entry(b"short", b'0', b"1"),
            entry(b"././@LongLink", b'K', &zero_ended),
            link(b"link", b'2', b"short"),
            pax(&[("path", &long), ("linkpath", "pax/target")]),
            link(b"short", b'1', b"short"),
            // The name in the header is the one PAX repeats: no prefix may be added to it.
            pax(&[("path", "file")]),
            sealed(prefixed),
        ],
        &[
            "File a/b/c/file: ",
            "File file: ",
            &format!("File {long}: 1"),
            &format!("Symlink link>{long}: "),
            &format!("HardLink {long}>pax/target: "),
            "File file: ",
        ],
    );
}

#[test]
fn global_headers_change_nothing() {
    let mut global = pax(&[("path", "evil"), ("size", "0")]);
    global[156] = b'g';
    let global = [sealed(global[..512].try_into().unwrap()), global[512..].to_vec()].concat();
    check(
        &[global, entry(b"good", b'0', b"abc"), entry(b"next", b'0', b"")],
        &["File good: abc", "File next: "],
    );
}

#[test]
fn sizes_in_pax_and_base_256() {
    let mut raw = block(b"big", b'0', 0);
    raw[124..136].copy_from_slice(b"\x80\0\0\0\0\0\0\0\0\0\0\x03");
    check(
        &[
            pax(&[("size", "2")]),
            sealed(block(b"pax", b'0', 0)),
            padded(b"xy"),
            sealed(raw),
            padded(b"abc"),
            end(),
        ],
        &["File pax: xy", "File big: abc"],
    );
    let mut negative = block(b"minus", b'0', 0);
    negative[124..136].fill(0xff);
    check(&[sealed(negative), end()], &["error: invalid size in the tar header at byte `0`"]);
}

#[test]
fn links_and_directories_have_no_content() {
    let mut raw = block(b"dir", b'5', 4096);
    check(&[sealed(raw), entry(b"next", b'0', b"n")], &["Directory dir: ", "File next: n"]);
    raw[156] = b'2';
    check(&[sealed(raw), entry(b"next", b'0', b"n")], &["Symlink dir: ", "File next: n"]);
}

fn old_gnu(pieces: &[(u64, u64)], real_size: u64, data: &[u8]) -> Vec<u8> {
    let mut raw = block(b"holes", b'S', data.len() as u64);
    raw[257..265].copy_from_slice(b"ustar  \0");
    raw[483..494].copy_from_slice(format!("{real_size:011o}").as_bytes());
    let write = |field: &mut [u8], piece: &(u64, u64)| {
        field[..11].copy_from_slice(format!("{:011o}", piece.0).as_bytes());
        field[12..23].copy_from_slice(format!("{:011o}", piece.1).as_bytes());
    };
    for (index, piece) in pieces.iter().take(4).enumerate() {
        write(&mut raw[386 + index * 24..][..24], piece);
    }
    raw[482] = u8::from(pieces.len() > 4);
    let mut out = sealed(raw);
    let more: Vec<_> = pieces.iter().skip(4).collect();
    let chunks = more.chunks(21).len();
    for (number, chunk) in more.chunks(21).enumerate() {
        let mut block = [0; 512];
        for (index, piece) in chunk.iter().enumerate() {
            write(&mut block[index * 24..][..24], piece);
        }
        block[504] = u8::from(number + 1 < chunks);
        out.extend(block);
    }
    out.extend(padded(data));
    out
}

#[test]
fn sparse_files_are_expanded() {
    let next = || entry(b"next", b'0', b"n");
    check(&[old_gnu(&[(2, 2), (5, 1)], 8, b"abc"), next()], &["File holes: ..ab.c..", "File next: n"]);
    let many: Vec<_> = (0..30).map(|index| (index, 1)).collect();
    check(
        &[old_gnu(&many, 31, b"abcdefghijklmnopqrstuvwxyz0123"), next()],
        &["File holes: abcdefghijklmnopqrstuvwxyz0123.", "File next: n"],
    );
    let v00 = [
        ("GNU.sparse.size", "6"),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "0"),
        ("GNU.sparse.numbytes", "1"),
        ("GNU.sparse.offset", "4"),
        ("GNU.sparse.numbytes", "1"),
    ];
    let v01 = [("GNU.sparse.size", "6"), ("GNU.sparse.map", "0,1,4,1"), ("GNU.sparse.name", "real/name")];
    let v10 = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.realsize", "6"),
        ("GNU.sparse.name", "real/name"),
    ];
    let data = [padded(b"2\n0\n1\n4\n1\n"), b"xy".to_vec()].concat();
    check(
        &[
            pax(&v00),
            entry(b"v00", b'0', b"xy"),
            pax(&v01),
            entry(b"GNUSparseFile/v01", b'0', b"xy"),
            pax(&v10),
            entry(b"GNUSparseFile/v10", b'0', &data),
            next(),
        ],
        &["File v00: x...y.", "File real/name: x...y.", "File real/name: x...y.", "File next: n"],
    );
}

#[test]
fn bad_sparse_maps_lose_one_entry() {
    let next = || entry(b"next", b'0', b"n");
    let bad = ["error: unusable sparse map of `holes`", "File next: n"];
    // Overlapping; beyond the size; more than is stored; backwards; too many pieces.
    check(&[old_gnu(&[(2, 2), (3, 1)], 8, b"abc"), next()], &bad);
    check(&[old_gnu(&[(2, 7)], 8, b"abcdefg"), next()], &bad);
    check(&[old_gnu(&[(0, 8)], 8, b"abc"), next()], &bad);
    check(&[old_gnu(&[(5, 1), (2, 1)], 8, b"ab"), next()], &bad);
    let many: Vec<_> = (0..101).map(|index| (index, 0)).collect();
    check(&[old_gnu(&many, 200, b""), next()], &bad);
    let version = [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "6")];
    for map in ["x\n", "101\n", "1\n0", "99999999999999999999\n", ""] {
        check(&[pax(&version), entry(b"holes", b'0', map.as_bytes()), next()], &bad);
    }
}

#[test]
fn bad_entries_are_skipped() {
    let next = || entry(b"next", b'0', b"n");
    check(
        &[entry(b"../etc/shadow", b'0', b"x"), next()],
        &["error: path `../etc/shadow` leads out of the root", "File next: n"],
    );
    check(
        &[link(b"a", b'1', b"x/../../y"), next()],
        &["error: path `x/../../y` leads out of the root", "File next: n"],
    );
    check(
        &[entry(b"", b'0', b"x"), next()],
        &["error: unusable path in the tar header at byte `0`", "File next: n"],
    );
    check(
        &[pax(&[("path", "a\0b")]), entry(b"a", b'0', b"x"), next()],
        &["error: unusable path in the tar header at byte `1024`", "File next: n"],
    );
    let bad = ["error: unusable extended header before byte `1024`", "File next: n"];
    for records in
        ["5 a=b", "99 a=b\n", "x", "6 abc\n", "0 \n", "11 size=-1\n", "99999999999999999999999 a=b\n"]
    {
        check(&[entry(b"p", b'x', records.as_bytes()), entry(b"a", b'0', b"x"), next()], &bad);
    }
    let huge = entry(b"p", b'x', &[b'a'; 5000]);
    check(
        &[huge, entry(b"a", b'0', b"x"), next()],
        &["error: unusable extended header before byte `5632`", "File next: n"],
    );
}

#[test]
fn ends_of_archives() {
    let a = || entry(b"a", b'0', b"x");
    check(&[], &[]);
    check(&[a()], &["File a: x"]);
    check(&[a(), vec![0; 512]], &["File a: x"]);
    check(&[a(), vec![0; 100]], &["File a: x"]);
    check(&[a(), end(), a()], &["File a: x"]);
    check(&[a(), end(), vec![7; 700]], &["File a: x"]);
    check(&[a(), vec![0; 512], vec![7; 700]], &["File a: x"]);
    check(&[a(), vec![0; 512], a()], &["File a: x", "File a: x"]);
    check(&[a(), vec![7; 700]], &["File a: x", "error: no valid tar header at byte `1024`"]);
    check(&[a(), vec![7; 100]], &["File a: x", "error: archive is truncated at byte `1124`"]);
    // The padding of the last entry may be missing, its content may not.
    check(&[a()[..513].to_vec()], &["File a: x"]);
    let long = entry(b"long", b'0', &[b'x'; 50]);
    check(
        &[long[..530].to_vec()],
        &["File long: !", "error: archive is truncated at byte `530`"]
            .map(|line| if line.starts_with("File") { "File long: xxxxxxxxxxxxxxxxxx!" } else { line }),
    );
}

#[test]
fn signed_checksums_are_accepted() {
    let mut raw = block(b"caf\xe9", b'0', 0);
    raw[148..156].fill(b' ');
    let sum: i64 = raw.iter().map(|&byte| i64::from(byte.cast_signed())).sum();
    raw[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    check(&[raw.to_vec()], &["File caf\u{fffd}: "]);
}

#[test]
fn headers_are_limited() {
    let archive = entry(b"a", b'0', b"").repeat(5);
    let mut reader = TarReader::new(archive.as_slice(), TarLimits { max_headers: 3, ..TarLimits::default() });
    for _ in 0..3 {
        reader.next_entry().unwrap().unwrap();
    }
    assert!(matches!(reader.next_entry(), Err(TarError::TooManyHeaders { limit: 3 })));
    assert!(reader.next_entry().unwrap().is_none());
    assert_eq!(reader.drain().unwrap(), 512);
}

#[test]
fn content_may_be_read_in_part() {
    let data = vec![b'x'; 300_000];
    let archive = [entry(b"a", b'0', &data), entry(b"b", b'0', b"bb")].concat();
    for taken in [0, 1, 511, 512, 200_000, 300_000] {
        let mut reader = TarReader::new(archive.as_slice(), TarLimits::default());
        let mut a = reader.next_entry().unwrap().unwrap();
        assert_eq!(a.size(), 300_000);
        let mut buf = vec![0; taken];
        a.reader().read_exact(&mut buf).unwrap();
        assert!(buf.iter().all(|&byte| byte == b'x'));
        let mut b = reader.next_entry().unwrap().unwrap();
        assert_eq!((b.path(), b.header_offset()), ("b", 512 + 300_032));
        assert_eq!(b.reader().fill_buf().unwrap(), b"bb");
    }
}
