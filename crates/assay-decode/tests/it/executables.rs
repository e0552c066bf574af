//! ELF, PE and Mach-O.

use assay_decode::elf::{Elf, Endian};
use assay_decode::macho::{MachO, is_macho};
use assay_decode::pe::Pe;

use crate::testdata;

#[test]
fn elf_says_what_it_needs_and_is() {
    let bytes = testdata("elf/shared.so");
    let elf = Elf::parse(&bytes).unwrap();
    assert_eq!((elf.is_64(), elf.endian(), elf.machine(), elf.kind()), (true, Endian::Little, 62, 3));
    let dynamic = elf.dynamic();
    assert_eq!(dynamic.needed, ["liby.so"]);
    assert_eq!(dynamic.soname.as_deref(), Some("libx.so.1"));
    assert_eq!((dynamic.rpath, dynamic.runpath.as_deref()), (None, Some("/opt/lib")));
    assert_eq!(elf.interpreter(), None);
    assert_eq!(elf.build_id().unwrap(), [0xde, 0xad, 0xbe, 0xef]);
    assert_eq!(elf.package_note().unwrap(), r#"{"type":"deb","name":"x","version":"1"}"#);
    assert!(!elf.is_stripped());
    let text = elf.section(".text").unwrap();
    let code = elf.section_data(".text", 100).unwrap().unwrap();
    // mov $42,%eax
    assert!(code.starts_with(&[0xb8, 42, 0, 0, 0]));
    assert_eq!(elf.read_address(text.address, 5, 5).unwrap(), &code[..5]);
    assert!(elf.section_data(".text", 1).is_err());
    assert!(elf.section_data(".none", 1).unwrap().is_none());
}

#[test]
fn elf_without_sections_still_says_it() {
    let mut bytes = testdata("elf/shared.so");
    bytes[40..48].fill(0);
    bytes[58..64].fill(0);
    let elf = Elf::parse(&bytes).unwrap();
    assert!(elf.sections().is_empty() && elf.is_stripped());
    assert_eq!(elf.dynamic().needed, ["liby.so"]);
    assert_eq!(elf.build_id().unwrap(), [0xde, 0xad, 0xbe, 0xef]);
    assert!(elf.package_note().is_some());
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Makes a block of a version resource: length, value length, type, key, value, children.
fn version_block(key: &str, value: &[u8], value_len: u16, kind: u16, children: &[Vec<u8>]) -> Vec<u8> {
    let pad = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(4), 0);
    let mut block = [&[0, 0][..], &value_len.to_le_bytes(), &kind.to_le_bytes(), &utf16(key)].concat();
    pad(&mut block);
    block.extend(value);
    for child in children {
        pad(&mut block);
        block.extend(child);
    }
    let len = u16::try_from(block.len()).unwrap();
    block[..2].copy_from_slice(&len.to_le_bytes());
    block
}

/// Makes a 64-bit PE file with one section, of resources.
pub(crate) fn pe(strings: &[(&str, &str)]) -> Vec<u8> {
    let strings: Vec<_> = strings
        .iter()
        .map(|(key, value)| {
            let units = u16::try_from(utf16(value).len() / 2).unwrap();
            version_block(key, &utf16(value), units, 1, &[])
        })
        .collect();
    let table = version_block("040904b0", &[], 0, 1, &strings);
    let tables = version_block("StringFileInfo", &[], 0, 1, &[table]);
    let vars = version_block("VarFileInfo", &[], 0, 1, &[version_block("Translation", &[9; 4], 4, 0, &[])]);
    let version = version_block("VS_VERSION_INFO", &[1; 52], 52, 0, &[vars, tables]);

    const ADDRESS: u32 = 0x2000;
    let directory =
        |id: u32, child: u32| [&[0; 14][..], &[1, 0], &id.to_le_bytes(), &child.to_le_bytes()].concat();
    let mut section = directory(16, 0x8000_0018);
    section.extend(directory(1, 0x8000_0030));
    section.extend(directory(1033, 0x48));
    section.extend((ADDRESS + 0x58).to_le_bytes());
    section.extend(u32::try_from(version.len()).unwrap().to_le_bytes());
    section.extend([0; 8]);
    section.extend(version);
    let size = u32::try_from(section.len()).unwrap().to_le_bytes();

    let mut file = vec![0; 0x200];
    file[..2].copy_from_slice(b"MZ");
    file[60] = 64;
    file[64..68].copy_from_slice(b"PE\0\0");
    file[68..72].copy_from_slice(&[0x64, 0x86, 1, 0]);
    file[84] = 240;
    file[88..90].copy_from_slice(&[0x0b, 0x02]);
    file[88 + 24..][..8].copy_from_slice(&0x1_4000_0000_u64.to_le_bytes());
    file[88 + 108] = 16;
    file[88 + 112 + 16..][..4].copy_from_slice(&ADDRESS.to_le_bytes());
    file[88 + 112 + 20..][..4].copy_from_slice(&size);
    let header = &mut file[88 + 240..][..40];
    header[..5].copy_from_slice(b".rsrc");
    header[8..12].copy_from_slice(&size);
    header[12..16].copy_from_slice(&ADDRESS.to_le_bytes());
    header[16..20].copy_from_slice(&size);
    header[20..24].copy_from_slice(&0x200_u32.to_le_bytes());
    [file, section].concat()
}

#[test]
fn pe_version_strings() {
    let bytes = pe(&[("FileVersion", "6.0.36"), ("ProductName", "Microsoft® .NET"), ("Odd", "")]);
    let pe = Pe::parse(&bytes).unwrap();
    assert_eq!((pe.machine(), pe.is_64(), pe.is_dotnet()), (0x8664, true, false));
    let found = pe.version_strings();
    let found: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(found, [("FileVersion", "6.0.36"), ("ProductName", "Microsoft® .NET"), ("Odd", "")]);
    assert_eq!(pe.sections()[0].name, ".rsrc");
    let start = pe.section_data(".rsrc", 4096).unwrap().unwrap();
    assert_eq!(pe.read_address(0x1_4000_2000, 16, 16).unwrap(), &start[..16]);
}

/// Makes a 64-bit Mach-O file with one section `__go_buildinfo` that holds `data`.
pub(crate) fn macho(data: &[u8]) -> Vec<u8> {
    let name = |text: &str| {
        let mut raw = text.as_bytes().to_vec();
        raw.resize(16, 0);
        raw
    };
    let size = u64::try_from(data.len()).unwrap().to_le_bytes();
    let mut file = 0xfeed_facf_u32.to_le_bytes().to_vec();
    for word in [0x0100_000c_u32, 0, 2, 1, 152, 0, 0, 0x19, 152] {
        file.extend(word.to_le_bytes());
    }
    let address = 0x1_0000_0000_u64.to_le_bytes();
    file.extend([&name("__DATA")[..], &address, &size, &184_u64.to_le_bytes(), &size].concat());
    file.extend([0; 8]);
    file.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    file.extend([&name("__go_buildinfo")[..], &name("__DATA"), &address, &size].concat());
    file.extend(184_u32.to_le_bytes());
    file.extend([0; 28]);
    assert_eq!(file.len(), 184);
    [&file, data].concat()
}

#[test]
fn macho_sections_also_in_universal_files() {
    let thin = macho(b"build info");
    let mut universal = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1];
    for word in [0x0100_000c_u32, 0, 64, 0, 0] {
        universal.extend(word.to_be_bytes());
    }
    universal.resize(64, 0);
    universal.extend(&thin);
    for bytes in [thin, universal] {
        assert!(is_macho(&bytes));
        let file = MachO::parse(&bytes).unwrap();
        assert_eq!(file.cpu(), 0x0100_000c);
        assert_eq!(&*file.section_data("__go_buildinfo", 100).unwrap().unwrap(), b"build info");
        assert_eq!(&*file.read_address(0x1_0000_0006, 4, 4).unwrap(), b"info");
    }
    // A Java class of version 52.
    assert!(!is_macho(&[0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 52]));
}
