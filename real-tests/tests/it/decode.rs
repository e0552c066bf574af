//! The readers of `assay-decode` against the tools that write the formats.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here fails the test")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use assay_decode::bdb::Bdb;
use assay_decode::elf::Elf;
use assay_decode::macho::MachO;
use assay_decode::pe::Pe;
use assay_decode::sqlite::{Sqlite, Value};
use assay_decode::tar::{EntryKind, TarLimits, TarReader};
use assay_decode::zip::Zip;
use assay_decode::{Compression, FileSpool, decompress};

/// Runs a program and returns what it prints.
fn run(command: &mut Command) -> Vec<u8> {
    let done = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(done.status.success(), "{command:?} failed");
    done.stdout
}

fn read_tar(archive: &[u8]) -> BTreeMap<String, (EntryKind, String, Vec<u8>)> {
    let (_, plain) = decompress(archive).unwrap();
    let mut tar = TarReader::new(plain, TarLimits::default());
    let mut found = BTreeMap::new();
    while let Some(mut entry) = tar.next_entry().unwrap() {
        let mut content = Vec::new();
        entry.reader().read_to_end(&mut content).unwrap();
        assert_eq!(content.len() as u64, entry.size());
        let target = entry.link_target().to_owned();
        assert!(found.insert(entry.path().to_owned(), (entry.kind(), target, content)).is_none());
    }
    found
}

#[test]
fn gnu_tar_in_every_format() {
    let Some(tar) = real_tests::tool("tar") else { return };
    for (format, longest) in [("v7", 90), ("ustar", 200), ("oldgnu", 3000), ("gnu", 3000), ("posix", 3000)] {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let deep = format!("{}end", "directory-of-some-length/".repeat((longest - 3) / 25));
        std::fs::create_dir_all(root.join(&deep)).unwrap();
        let file = format!("{deep}/ä");
        std::fs::write(root.join(&file), b"content").unwrap();
        std::fs::write(root.join("first"), b"1").unwrap();
        // The prefix of ustar is for the name only.
        let (linked, named) = if format == "ustar" { ("first", "first") } else { (&*file, &*deep) };
        std::fs::hard_link(root.join(linked), root.join("z-hard")).unwrap();
        std::os::unix::fs::symlink(named, root.join("soft")).unwrap();
        std::fs::write(root.join("large"), vec![b'x'; 1_000_001]).unwrap();
        let archive = run(Command::new(&tar)
            .args(["--sort=name", "-cf", "-", &format!("--format={format}"), "."])
            .current_dir(root));
        let found = read_tar(&archive);
        let (kind, target, content) = &found[&file];
        assert_eq!(
            (*kind, target.as_str(), content.as_slice()),
            (EntryKind::File, "", b"content".as_slice())
        );
        assert_eq!(
            (found["z-hard"].0, found["z-hard"].1.as_str()),
            (EntryKind::HardLink, linked),
            "{format}"
        );
        assert_eq!((found["soft"].0, found["soft"].1.as_str()), (EntryKind::Symlink, named), "{format}");
        assert_eq!(found["large"].2.len(), 1_000_001);
        assert_eq!(found[""].0, EntryKind::Directory, "{format}");
        assert_eq!(found.len(), 6 + deep.split('/').count(), "{format}");
    }
}

#[test]
fn gnu_tar_sparse_in_every_version() {
    let Some(tar) = real_tests::tool("tar") else { return };
    let folder = tempfile::tempdir().unwrap();
    // Few pieces, more than fit in an old GNU header, only a hole, data at the end.
    let mut contents = BTreeMap::new();
    for (name, pieces, size) in [("few", 2_u64, 500_000), ("many", 60, 8_000_000), ("hole", 0, 300_000)] {
        let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
        let mut content = vec![0; size];
        for piece in 0..pieces {
            let at = piece * 131_072 + 5000;
            std::os::unix::fs::FileExt::write_all_at(&file, b"some data", at).unwrap();
            let at = usize::try_from(at).unwrap();
            content[at..at + 9].copy_from_slice(b"some data");
        }
        file.set_len(size as u64).unwrap();
        file.flush().unwrap();
        contents.insert(name, content);
    }
    for options in [
        ["--format=gnu", "--sparse"],
        ["--format=oldgnu", "--sparse"],
        ["--format=posix", "--sparse-version=0.0"],
        ["--format=posix", "--sparse-version=0.1"],
        ["--format=posix", "--sparse-version=1.0"],
    ] {
        let archive = run(Command::new(&tar)
            .args(["-S", "-cf", "-"])
            .args(options)
            .args(["few", "many", "hole"])
            .current_dir(folder.path()));
        assert!(archive.len() < 1_000_000, "{options:?} is not sparse: {}", archive.len());
        let found = read_tar(&archive);
        assert_eq!(found.len(), 3, "{options:?}");
        for (name, content) in &contents {
            assert!(found[*name].2 == *content, "{options:?}: {name} differs");
        }
    }
}

#[test]
fn compressors_of_layers() {
    let input: Vec<u8> = (0..3_000_000_u32).flat_map(|at| (at / 1000 * (at % 251)).to_le_bytes()).collect();
    for (name, args, expected) in [
        ("gzip", &["-c"][..], Compression::Gzip),
        ("zstd", &["-q", "-c", "-19"], Compression::Zstd),
        ("zstd", &["-q", "-c", "-T2"], Compression::Zstd),
    ] {
        let Some(tool) = real_tests::tool(name) else { continue };
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&input).unwrap();
        let once = run(Command::new(tool).args(args).stdin(file.reopen().unwrap()));
        let twice = once.repeat(2);
        let (found, mut reader) = decompress(twice.as_slice()).unwrap();
        let mut plain = Vec::new();
        reader.read_to_end(&mut plain).unwrap();
        assert_eq!(found, expected);
        assert!(plain == input.repeat(2), "{name} {args:?}");
    }
}

#[test]
fn python_zipfile_and_jar() {
    let Some(python) = real_tests::tool("python3") else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = r##"
import zipfile
with zipfile.ZipFile("plain.zip", "w", zipfile.ZIP_DEFLATED) as z:
    z.comment = b"with a comment"
    for i in range(70000): z.writestr(f"d/{i}", f"content {i}" if i % 1000 == 0 else "")
with zipfile.ZipFile("stream.zip", "w", zipfile.ZIP_DEFLATED) as z:
    with z.open("forced", "w", force_zip64=True) as f: f.write(b"content of a zip64 entry")
open("script.jar", "wb").write(b"#!/bin/sh\nexec\n" + open("plain.zip", "rb").read())
"##;
    run(Command::new(python).args(["-c", script]).current_dir(folder.path()));
    // More than 65,535 entries need zip64.
    for name in ["plain.zip", "script.jar"] {
        let source = FileSpool::new(std::fs::File::open(folder.path().join(name)).unwrap()).unwrap();
        let zip = Zip::open(&source).unwrap();
        let mut all = 0;
        let entries = zip
            .entries(|raw| {
                all += 1;
                raw.ends_with(b"000")
            })
            .unwrap();
        assert_eq!((all, entries.len()), (70_000, 69), "{name}");
        for entry in entries {
            let number = entry.name.trim_start_matches("d/");
            assert_eq!(zip.read(&entry, 100).unwrap(), format!("content {number}").as_bytes(), "{name}");
        }
        assert!(!zip.overlaps().unwrap());
    }
    let stream = std::fs::read(folder.path().join("stream.zip")).unwrap();
    let zip = Zip::open(&stream).unwrap();
    let entry = zip.entries(|_| true).unwrap().remove(0);
    assert_eq!(zip.read(&entry, 100).unwrap(), b"content of a zip64 entry");

    let Some(jar) = real_tests::tool("jar") else { return };
    std::fs::write(folder.path().join("A.class"), vec![7; 5000]).unwrap();
    run(Command::new(jar).args(["cf", "a.jar", "A.class"]).current_dir(folder.path()));
    let bytes = std::fs::read(folder.path().join("a.jar")).unwrap();
    let zip = Zip::open(&bytes).unwrap();
    let entries = zip.entries(|name| !name.ends_with(b"/")).unwrap();
    let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["META-INF/MANIFEST.MF", "A.class"]);
    assert!(zip.read(&entries[0], 1000).unwrap().starts_with(b"Manifest-Version: 1.0"));
    assert_eq!(zip.read(&entries[1], 5000).unwrap(), vec![7; 5000]);
}

#[test]
fn python_sqlite_tables() {
    let Some(python) = real_tests::tool("python3") else { return };
    let script = r#"
import random, sqlite3, sys
page, seed = int(sys.argv[2]), int(sys.argv[3])
r = random.Random(seed)
db = sqlite3.connect(sys.argv[1])
db.execute(f"pragma page_size={page}")
db.execute("create table t(a, b)")
for i in range(2000):
    v = r.choice([None, r.getrandbits(r.randrange(63)) - 5, r.random(), "é" * r.randrange(40), r.randbytes(r.randrange(9) ** 5)])
    db.execute("insert into t(rowid, a, b) values(?, ?, ?)", (i * 8 + r.randrange(8) - 4000, v, i))
db.execute("delete from t where b % 7 = 3")
db.commit()
def show(v):
    if v is None: return "null"
    if isinstance(v, int): return f"i{v}"
    if isinstance(v, float): return f"r{v!r}"
    return ("t" + v.encode().hex()) if isinstance(v, str) else ("b" + v.hex())
for row in db.execute("select rowid, a, b from t order by rowid"): print(row[0], show(row[1]), show(row[2]))
"#;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (page, seed) in [("512", "1"), ("1024", "2"), ("4096", "3"), ("65536", "4")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let expected = run(Command::new(&python).args(["-c", script]).arg(&path).args([page, seed]));
        let source = FileSpool::new(std::fs::File::open(&path).unwrap()).unwrap();
        let table = Sqlite::open(&source).unwrap().table("t").unwrap().unwrap();
        let expected = String::from_utf8(expected).unwrap();
        let mut lines = expected.lines();
        for row in table.rows() {
            let row = row.unwrap();
            let show = |value: &Value| match value {
                Value::Null => "null".to_owned(),
                Value::Integer(value) => format!("i{value}"),
                // Python and Rust both write the shortest digits; compare as numbers all the same.
                Value::Real(value) => format!("r{value:?}"),
                Value::Text(value) => format!("t{}", hex(value)),
                Value::Blob(value) => format!("b{}", hex(value)),
            };
            let mut words = lines.next().unwrap().split(' ');
            assert_eq!(words.next().unwrap(), row.rowid.to_string());
            for (word, value) in words.zip(&row.columns) {
                match (word.strip_prefix('r'), value) {
                    (Some(text), Value::Real(value)) => {
                        assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
                    }
                    _ => assert!(word == show(value), "row {}", row.rowid),
                }
            }
        }
        assert_eq!(lines.next(), None, "page size {page}");
    }
}

#[test]
fn rpm_sqlite_database() {
    let (Some(rpm), Some(rpmbuild)) = (real_tests::tool("rpm"), real_tests::tool("rpmbuild")) else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let spec = "Name: tiny\nVersion: 1\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n%description\nd\n%files\n";
    std::fs::write(root.join("tiny.spec"), spec).unwrap();
    let topdir = format!("_topdir {}", root.join("build").display());
    run(Command::new(rpmbuild).args(["--quiet", "-bb", "--define", &topdir]).arg(root.join("tiny.spec")));
    let package = root.join("build/RPMS/noarch/tiny-1-1.noarch.rpm");
    let database = format!("_dbpath {}", root.join("db").display());
    let options = ["--define", "_db_backend sqlite", "--define", &database];
    run(Command::new(&rpm).args(options).args(["-i", "--justdb", "--nodeps", "--force-debian"]).arg(package));
    let source = FileSpool::new(std::fs::File::open(root.join("db/rpmdb.sqlite")).unwrap()).unwrap();
    let table = Sqlite::open(&source).unwrap().table("Packages").unwrap().unwrap();
    let rows: Vec<_> = table.rows().map(Result::unwrap).collect();
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    let blob = row.columns[1].bytes().unwrap();
    assert!(blob.windows(7).any(|window| window == b"\0tiny\x001"), "no name and version in the header");
}

#[test]
fn berkeley_db_of_both_kinds() {
    let Some(load) = real_tests::tool("db5.3_load") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut dump = String::new();
    for number in 0..3000_u32 {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let value = number.to_be_bytes().repeat(usize::try_from(number % 97 * (number % 13)).unwrap());
        dump.push_str(&format!(" {}\n {}\n", hex(&number.to_le_bytes()), hex(&value)));
    }
    for (kind, order, page) in [
        ("hash", "1234", "4096"),
        ("hash", "4321", "512"),
        ("btree", "1234", "4096"),
        ("btree", "4321", "1024"),
    ] {
        let text = format!(
            "VERSION=3\nformat=bytevalue\ntype={kind}\ndb_pagesize={page}\nHEADER=END\n{dump}DATA=END\n"
        );
        let input = folder.path().join("dump");
        std::fs::write(&input, text).unwrap();
        let path = folder.path().join(format!("{kind}{order}"));
        let input = std::fs::File::open(input).unwrap();
        run(Command::new(&load).args(["-c", &format!("db_lorder={order}")]).arg(&path).stdin(input));
        let source = FileSpool::new(std::fs::File::open(&path).unwrap()).unwrap();
        let records: BTreeMap<_, _> = Bdb::open(&source)
            .unwrap()
            .records()
            .map(Result::unwrap)
            .map(|record| (u32::from_le_bytes(record.key.try_into().unwrap()), record.value))
            .collect();
        assert_eq!(records.len(), 3000, "{kind} {order}");
        for (number, value) in records {
            let times = usize::try_from(number % 97 * (number % 13)).unwrap();
            assert!(value == number.to_be_bytes().repeat(times), "{kind} {order}: {number}");
        }
    }
}

#[test]
fn elf_as_readelf_says() {
    let (Some(readelf), Some(bash)) = (real_tests::tool("readelf"), real_tests::tool("bash")) else { return };
    let text = String::from_utf8(run(Command::new(readelf).args(["-dnW"]).arg(&bash))).unwrap();
    let needed: Vec<_> = text.lines().filter_map(|line| line.split("Shared library: [").nth(1)).collect();
    let needed: Vec<_> = needed.iter().map(|name| name.trim_end_matches(']')).collect();
    let source = FileSpool::new(std::fs::File::open(&bash).unwrap()).unwrap();
    let elf = Elf::parse(&source).unwrap();
    assert!(!needed.is_empty());
    assert_eq!(elf.dynamic().needed, needed);
    assert!(elf.interpreter().is_some_and(|path| Path::new(&path).exists()));
    let id: String = elf.build_id().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(text.contains(&format!("Build ID: {id}")));
}

#[test]
fn go_build_information_on_every_system() {
    let Some(go) = real_tests::tool("go") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("go.mod"), "module example.org/tiny\n").unwrap();
    std::fs::write(folder.path().join("main.go"), "package main\n\nfunc main() {}\n").unwrap();
    for (system, arch) in [("linux", "amd64"), ("linux", "386"), ("windows", "amd64"), ("darwin", "arm64")] {
        run(Command::new(&go)
            .args(["build", "-o", "out", "-ldflags=-s -w", "."])
            .envs([("GOOS", system), ("GOARCH", arch), ("CGO_ENABLED", "0"), ("GOFLAGS", "-mod=mod")])
            .current_dir(folder.path()));
        let source = FileSpool::new(std::fs::File::open(folder.path().join("out")).unwrap()).unwrap();
        const MAX: usize = 16 * 1024 * 1024;
        let data = match system {
            "linux" => Elf::parse(&source).unwrap().section_data(".go.buildinfo", MAX).unwrap(),
            // On Windows it is somewhere in the data section.
            "windows" => Pe::parse(&source).unwrap().section_data(".data", MAX).unwrap(),
            _ => MachO::parse(&source).unwrap().section_data("__go_buildinfo", MAX).unwrap(),
        };
        let data = data.unwrap();
        let found = data.windows(14).any(|window| window == b"\xff Go buildinf:");
        assert!(found, "{system} {arch}");
        assert!(data.windows(16).any(|window| window == b"example.org/tiny"), "{system} {arch}");
    }
}
