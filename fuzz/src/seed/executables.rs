//! Programs in every format, with what analyzers look for in them: build information, resources, lists of crates.

use std::io::Write;

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Makes a 64-bit ELF file with one section of that name, writable and loaded at 0x400000.
fn elf_with(name: &str, data: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 0x400];
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    for (at, byte) in
        [(16, 2), (18, 62), (32, 64), (54, 56), (56, 1), (58, 64), (60, 3), (62, 2), (64, 1), (68, 6)]
    {
        file[at] = byte;
    }
    let names = format!("\0{name}\0.shstrtab\0");
    put(&mut file, 0x300, names.as_bytes());
    let len = data.len() as u64;
    let headers = [(40, 0x200), (72, 0x400), (80, 0x40_0000), (96, len), (104, len), (0x250, 0x40_0000)];
    let sections = [(0x258, 0x400), (0x260, len), (0x298, 0x300), (0x2a0, names.len() as u64)];
    for (at, value) in headers.into_iter().chain(sections) {
        put(&mut file, at, &u64::to_le_bytes(value));
    }
    (file[0x240], file[0x244], file[0x284]) = (1, 1, 3);
    put(&mut file, 0x280, &u32::try_from(name.len() + 2).expect("names are short").to_le_bytes());
    file.extend_from_slice(data);
    file
}

/// Makes a 64-bit ELF file of one section.
pub(crate) fn elf() -> Vec<u8> {
    elf_with(".data", b"1.2.3 some data")
}

/// Makes the header of a 32-bit, big-endian ELF file with one segment that names the interpreter.
pub(crate) fn elf_32() -> Vec<u8> {
    let mut file = vec![0; 52 + 32];
    put(&mut file, 0, b"\x7fELF\x01\x02\x01");
    for (at, byte) in [(17, 3), (19, 40), (31, 52), (43, 32), (45, 1), (55, 3), (59, 84), (71, 9), (75, 9)] {
        file[at] = byte;
    }
    file.extend(b"/lib/ld\0\0");
    file
}

/// Makes a Go program's build information, in the form that Go 1.18 and later write, in an ELF file.
pub(crate) fn go_program() -> Vec<u8> {
    let modules = "path\ta.b/c\nmod\ta.b/c\t(devel)\t\ndep\tgolang.org/x/net\tv0.16.0\th1:x=\n=>\tgithub.com/n/m\tv1.0.1\th1:y=\nbuild\t-compiler=gc\n";
    let framed = [&[1; 16], modules.as_bytes(), &[2; 16]].concat();
    let mut info = b"\xff Go buildinf:\x08\x02".to_vec();
    info.resize(32, 0);
    for text in [b"go1.21.2".as_slice(), &framed] {
        let mut len = text.len();
        while len > 127 {
            info.push(u8::try_from(len & 127).expect("seven bits") | 128);
            len >>= 7;
        }
        info.push(u8::try_from(len).expect("seven bits"));
        info.extend(text);
    }
    elf_with(".go.buildinfo", &info)
}

/// Makes a program built with cargo-auditable.
pub(crate) fn rust_program() -> Vec<u8> {
    let list = br#"{"packages":[{"name":"a","version":"1.0.0","source":"local","root":true,"dependencies":[1]},{"name":"b","version":"2.0.0","source":"crates.io","kind":"build"}]}"#;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(list).expect("memory takes everything");
    elf_with(".dep-v0", &encoder.finish().expect("memory takes everything"))
}

/// Makes a .NET program published as a single file: a Windows program with the bundle's marker and the bundle behind it.
pub(crate) fn dotnet_bundle() -> Vec<u8> {
    const DEPS: &[u8] = br#"{"libraries":{"Newtonsoft.Json/12.0.1":{"type":"package"}}}"#;
    // SHA-256 of `.net core bundle`, as the host's `bundle_marker.cpp` has it.
    const MARKER: [u8; 32] = [
        0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32, 0x13,
        0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
    ];
    let mut file = vec![0; 0x400];
    put(&mut file, 0, b"MZ");
    put(&mut file, 0x3c, &0x80_u32.to_le_bytes());
    put(&mut file, 0x80, b"PE\0\0\x64\x86\x01\0");
    put(&mut file, 0x94, &0xf0_u16.to_le_bytes());
    put(&mut file, 0x98, &0x20b_u16.to_le_bytes());
    let section = 0x98 + 0xf0;
    put(&mut file, section, b".data\0\0\0");
    for (at, value) in [(8, 0x200_u32), (12, 0x1000), (16, 0x200), (20, 0x200), (36, 0xc000_0040)] {
        put(&mut file, section + at, &value.to_le_bytes());
    }
    let place = [0x400, DEPS.len() as u64];
    put(&mut file, 0x250, &(place[0] + place[1]).to_le_bytes());
    put(&mut file, 0x258, &MARKER);
    file.extend(DEPS);
    file.extend([2_u32, 0, 1].into_iter().flat_map(u32::to_le_bytes));
    file.extend(b"\x05ident");
    file.extend(place.into_iter().chain([0, 0, 0]).flat_map(u64::to_le_bytes));
    file.extend(place.into_iter().flat_map(u64::to_le_bytes));
    file.extend(b"\x03\x0dapp.deps.json");
    file
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
    let len = u16::try_from(block.len()).expect("the blocks made here are small");
    put(&mut block, 0, &len.to_le_bytes());
    block
}

/// Makes a 64-bit PE file with one section, of version resources.
pub(crate) fn pe(strings: &[(&str, &str)]) -> Vec<u8> {
    const ADDRESS: u32 = 0x2000;
    let string = |(key, value): &(&str, &str)| {
        let units = u16::try_from(value.len() + 1).expect("the texts used here are short");
        version_block(key, &utf16(value), units, 1, &[])
    };
    let strings: Vec<_> = strings.iter().map(string).collect();
    let table = version_block("040904b0", &[], 0, 1, &strings);
    let tables = version_block("StringFileInfo", &[], 0, 1, &[table]);
    let version = version_block("VS_VERSION_INFO", &[1; 52], 52, 0, &[tables]);
    let directory =
        |id: u32, child: u32| [&[0; 14][..], &[1, 0], &id.to_le_bytes(), &child.to_le_bytes()].concat();
    let mut section = directory(16, 0x8000_0018);
    section.extend(directory(1, 0x8000_0030));
    section.extend(directory(1033, 0x48));
    section.extend((ADDRESS + 0x58).to_le_bytes());
    section.extend(u32::try_from(version.len()).expect("it is small").to_le_bytes());
    section.extend([0; 8]);
    section.extend(version);
    let size = u32::try_from(section.len()).expect("it is small").to_le_bytes();
    let mut file = vec![0; 0x200];
    put(&mut file, 0, b"MZ");
    file[60] = 64;
    put(&mut file, 64, b"PE\0\0\x64\x86\x01\0");
    file[84] = 240;
    put(&mut file, 88, &[0x0b, 0x02]);
    put(&mut file, 88 + 24, &0x1_4000_0000_u64.to_le_bytes());
    file[88 + 108] = 16;
    put(&mut file, 88 + 128, &ADDRESS.to_le_bytes());
    put(&mut file, 88 + 132, &size);
    let header = 88 + 240;
    put(&mut file, header, b".rsrc");
    for (at, value) in [(8, size), (12, ADDRESS.to_le_bytes()), (16, size), (20, 0x200_u32.to_le_bytes())] {
        put(&mut file, header + at, &value);
    }
    [file, section].concat()
}

/// Makes a 64-bit Mach-O file with one section `__go_buildinfo` that holds `data`.
pub(crate) fn macho(data: &[u8]) -> Vec<u8> {
    let name = |text: &str| {
        let mut raw = text.as_bytes().to_vec();
        raw.resize(16, 0);
        raw
    };
    let size = (data.len() as u64).to_le_bytes();
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
    [&file, data].concat()
}

/// Puts a Mach-O file into a universal one.
pub(crate) fn universal(thin: &[u8]) -> Vec<u8> {
    let mut file = vec![0xca, 0xfe, 0xba, 0xbe, 0, 0, 0, 1];
    let size = u32::try_from(thin.len()).expect("it is small");
    for word in [0x0100_000c_u32, 0, 64, size, 6] {
        file.extend(word.to_be_bytes());
    }
    file.resize(64, 0);
    file.extend(thin);
    file
}
