//! Tests of the reader of Go programs: build information in ELF, PE and Mach-O files, real and damaged.

#![expect(clippy::cast_possible_truncation, reason = "the files made here are small")]

use super::*;
use assay_analyze::{Fact, LayerFacts};
use proptest::prelude::*;

fn scan(bytes: &[u8]) -> (Vec<(String, String)>, Vec<String>) {
    let mut facts = LayerFacts::default();
    let file = File::new("app", 0o755, &bytes);
    GoBinary.analyze(&file, &mut Sink::new("app", &mut facts));
    let paths = facts.paths.into_values();
    let (mut packages, mut warnings) = (Vec::new(), Vec::new());
    for path in paths {
        warnings.extend(path.warnings.into_iter().map(|warning| warning.code.into_owned()));
        for fact in path.facts {
            let Fact::Package(package) = fact else { panic!("{fact:?}") };
            packages.push((package.name, package.version));
        }
    }
    (packages, warnings)
}

#[track_caller]
fn check(bytes: &[u8], expected: &[(&str, &str)]) {
    let (packages, warnings) = scan(bytes);
    let packages: Vec<_> = packages.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
    assert_eq!(packages, expected);
    assert_eq!(warnings, [""; 0]);
}

const MODULES: &str = "path\texample.com/hello\nmod\texample.com/hello\t(devel)\t\n\
    dep\tgolang.org/x/net\tv0.16.0\th1:7eBu7KsSvFDtSXUIDbh3aqlK4DPsZ1rByC8PFfBThos=\n\
    dep\tgithub.com/old/name\tv1.0.0\n=>\tgithub.com/new/name\tv1.0.1\th1:x=\n\
    dep\tgithub.com/acme/fork\tv2.0.0\n=>\t../fork\t(devel)\t\nbuild\t-compiler=gc\n";
const FOUND: &[(&str, &str)] = &[
    ("stdlib", "1.21.2"),
    ("example.com/hello", ""),
    ("golang.org/x/net", "v0.16.0"),
    ("github.com/new/name", "v1.0.1"),
    ("github.com/acme/fork", ""),
];

fn framed(modules: &str) -> Vec<u8> {
    [&[1; 16], modules.as_bytes(), &[2; 16]].concat()
}

#[test]
fn a_release_gives_itself_a_version() {
    let modules = "path\texample.com/app/cmd\nmod\texample.com/app\t(devel)\t\ndep\texample.com/lib\tv1.0.0\n\
        build\t-ldflags=\"-s -X example.com/app/internal.Version=v1.4.0\"\n";
    let found: Vec<_> =
        packages("go1.21.2", modules).into_iter().map(|one| (one.name, one.version)).collect();
    let want = [("stdlib", "1.21.2"), ("example.com/app", "v1.4.0"), ("example.com/lib", "v1.0.0")];
    assert_eq!(found, want.map(|(name, version)| (name.to_owned(), version.to_owned())));
}

/// Where the data of the files that [`elf`] makes is loaded.
const BASE: u64 = 0x40_0000;

/// Makes an ELF file of one writable segment, `data` at file offset 0x1000, with or without a section for it.
fn elf(data: &[u8], section: bool) -> Vec<u8> {
    let mut file = vec![0; 0x1000];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    file[16] = 2;
    file[18] = 62;
    file[32] = 64; // program headers
    file[54] = 56;
    file[56] = 1;
    file[64] = 1;
    file[68] = 6;
    for (at, value) in [(72, 0x1000), (80, BASE), (96, data.len() as u64), (104, data.len() as u64)] {
        file[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
    }
    if section {
        let names = b"\0.go.buildinfo\0.shstrtab\0";
        file[0x400..0x400 + names.len()].copy_from_slice(names);
        for (at, value) in
            [(40, 0x200), (0x258, 0x1000), (0x260, data.len() as u64), (0x298, 0x400), (0x2a0, 25)]
        {
            file[at..at + 8].copy_from_slice(&u64::to_le_bytes(value));
        }
        (file[58], file[60], file[62]) = (64, 3, 2);
        (file[0x240], file[0x244], file[0x280], file[0x284]) = (1, 1, 15, 3);
    }
    file.extend_from_slice(data);
    file
}

fn inline_blob(version: &str, modules: &str) -> Vec<u8> {
    let modules = framed(modules);
    let mut data =
        [MAGIC, &[0, 2], &[0; 16], &[u8::try_from(version.len()).unwrap()], version.as_bytes()].concat();
    let len = modules.len();
    data.extend([(len & 0x7f) as u8 | 0x80, (len >> 7) as u8]);
    data.extend(modules);
    data
}

fn pointer_blob(version: &str, modules: &str) -> Vec<u8> {
    let modules = framed(modules);
    let word = |offset: usize| (BASE + offset as u64).to_be_bytes();
    let size = |len: usize| (len as u64).to_be_bytes();
    let mut data = [MAGIC, &[8, 1], &word(32), &word(48)].concat();
    data.extend([word(64), size(version.len()), word(64 + version.len()), size(modules.len())].concat());
    data.extend_from_slice(version.as_bytes());
    data.extend(modules);
    data
}

#[test]
fn both_formats_are_read_with_and_without_sections() {
    for blob in [inline_blob("go1.21.2", MODULES), pointer_blob("go1.21.2", MODULES)] {
        check(&elf(&blob, true), FOUND);
        check(&elf(&blob, false), FOUND);
    }
    // The header may be anywhere in the data, aligned.
    check(&elf(&[&[7; 16 * 5][..], &inline_blob("go1.21.2", MODULES)].concat(), false), FOUND);
}

#[test]
fn programs_without_modules_still_have_the_standard_library() {
    check(&elf(&inline_blob("go1.22.1-fips", ""), true), &[("stdlib", "1.22.1")]);
}

#[test]
fn toolchains_are_named_by_their_release() {
    for (name, version) in [
        ("go1.21.2", "1.21.2"),
        ("go1.22rc1", "1.22rc1"),
        ("go1.19.4 X:boringcrypto", "1.19.4"),
        ("go1.21.13 (Red Hat 1.21.13-2.el9_4)", "1.21.13"),
        ("devel go1.23-abcdef Mon Jan 1", ""),
    ] {
        assert_eq!(toolchain(name), version);
    }
}

#[test]
fn other_programs_are_passed_over() {
    check(&elf(b"no build information here", false), &[]);
    check(b"\x7fELF", &[]);
}

#[test]
fn damaged_build_information_is_a_warning() {
    let mut data = inline_blob("go1.21.2", MODULES);
    data.truncate(60);
    assert_eq!(scan(&elf(&data, true)), (vec![], vec!["damaged-go-build-info".to_owned()]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400), section: bool) {
        scan(&bytes);
        scan(&elf(&bytes, section));
    }

    #[test]
    fn any_damage_is_survived(at in 0_usize..0x1200, byte: u8, inline: bool) {
        let blob = if inline { inline_blob("go1.21.2", MODULES) } else { pointer_blob("go1.21.2", MODULES) };
        let mut file = elf(&blob, true);
        if let Some(target) = file.get_mut(at) {
            *target = byte;
        }
        scan(&file);
    }
}
