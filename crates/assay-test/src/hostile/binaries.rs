//! Programs whose headers lie: counts, offsets, sections over each other.

use super::raw::image;
use super::{BOTH, Case, Subject, heavy, light};
use std::path::Path;

pub(super) const CASES: &[Case] = &[
    light("elf-headers-that-lie", elf_lies, BOTH, &[]),
    light("macho-and-pe-that-lie", others, BOTH, &[]),
    light("go-build-info-that-lies", go_lies, BOTH, &[]),
    heavy("elf-many-sections-over-each-other", elf_overlapping, BOTH, &[]),
    heavy("elf-thousand-large", elf_thousand, BOTH, &[]),
];

/// A 64-bit ELF file with `sections` section headers that all say the same.
fn elf(sections: u16, section: [u64; 4], body: usize) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    out.extend(0_u64.to_le_bytes());
    out.extend(64_u64.to_le_bytes());
    out.extend((64 + 56_u64).to_le_bytes());
    out.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0]);
    out.extend(sections.to_le_bytes());
    out.extend(0_u16.to_le_bytes());
    let [kind, offset, size, entry] = section;
    // One program header over the same bytes.
    out.extend(2_u32.to_le_bytes());
    out.extend(7_u32.to_le_bytes());
    for number in [offset, offset, offset, size, size, 8] {
        out.extend(number.to_le_bytes());
    }
    for _ in 0..sections {
        out.extend(0_u32.to_le_bytes());
        out.extend((kind as u32).to_le_bytes());
        for number in [3, offset, offset, size, 0, 8, entry] {
            out.extend(number.to_le_bytes());
        }
    }
    out.resize(out.len() + body, b'.');
    out
}

fn elf_lies(folder: &Path) -> Subject {
    image(folder, |layer| {
        let end = u64::MAX - 7;
        let lies = [
            elf(0xffff, [6, 0, u64::MAX, 0], 0),
            elf(4, [6, end, 16, 16], 100),
            elf(4, [7, 64, u64::MAX, 0], 100),
            elf(0, [2, 64, 1 << 62, 24], 100),
            elf(0xff00, [3, 0, 1 << 20, 0], 1 << 20),
            b"\x7fELF".to_vec(),
            b"\x7fELF\x02\x01".to_vec(),
            [&b"\x7fELF\x02\x02\x01"[..], &[0xff; 500]].concat(),
            [&b"\x7fELF\x01\x01\x01"[..], &[0xff; 500]].concat(),
        ];
        for (number, bytes) in lies.iter().enumerate() {
            layer.file(&format!("usr/bin/{number}"), bytes);
            layer.file(&format!("usr/lib/lib{number}.so"), bytes);
        }
        layer.beside().end();
    })
}

fn others(folder: &Path) -> Subject {
    image(folder, |layer| {
        for (number, start) in
            [&b"\xcf\xfa\xed\xfe"[..], b"\xca\xfe\xba\xbe", b"\xbe\xba\xfe\xca", b"MZ", b"\xce\xfa\xed\xfe"]
                .iter()
                .enumerate()
        {
            for fill in [0x00, 0xff, 0x7f, 0x01] {
                let mut bytes = start.to_vec();
                bytes.resize(4096, fill);
                bytes[60..64].copy_from_slice(&64_u32.to_le_bytes());
                if *start == b"MZ" {
                    bytes[64..68].copy_from_slice(b"PE\0\0");
                }
                layer.file(&format!("app/{number}-{fill}.exe"), bytes);
            }
        }
        layer.beside().end();
    })
}

fn go_lies(folder: &Path) -> Subject {
    image(folder, |layer| {
        for (number, flags) in [0_u8, 1, 2, 3, 0xff].into_iter().enumerate() {
            let mut bytes = elf(2, [1, 248, 1 << 16, 0], 1 << 16);
            let mut info = b"\xff Go buildinf:\x08".to_vec();
            info.push(flags);
            info.resize(32, 0xff);
            info.extend([0xff; 20]);
            for at in (256..bytes.len() - 64).step_by(16) {
                bytes[at..at + info.len().min(16)].copy_from_slice(&info[..16]);
            }
            layer.file(&format!("usr/bin/go{number}"), bytes);
        }
        layer.beside().end();
    })
}

fn elf_overlapping(folder: &Path) -> Subject {
    image(folder, |layer| {
        for (number, kind) in [1, 2, 3, 6, 7, 11, 0x6fff_fffe].into_iter().enumerate() {
            let at = 120 + 0xfeff * 64;
            layer.file(&format!("usr/bin/{number}"), elf(0xfeff, [kind, at, 12 << 20, 1], 12 << 20));
        }
        layer.beside().end();
    })
}

fn elf_thousand(folder: &Path) -> Subject {
    image(folder, |layer| {
        let bytes = elf(60, [6, 4000, 4 << 20, 16], 4 << 20);
        for number in 0..300 {
            layer.file(&format!("usr/lib/lib{number}.so"), &bytes);
        }
        layer.beside().end();
    })
}
