//! Writes tiny ELF files ([ELF]): just enough of headers, dynamic table, symbols and constants that readers find what they look for.
//!
//! They have no instructions and cannot be run.
//!
//! [ELF]: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html

/// An ELF file for 64-bit little-endian machines.
#[derive(Debug, Clone, Default)]
pub struct Elf {
    machine: u16,
    interpreter: Option<String>,
    dynamic: Vec<(u64, String)>,
    imports: Vec<String>,
    constants: Vec<String>,
}

/// The start of what follows the headers; the linker's names and so on come after it.
const HEADERS: usize = 64 + 4 * 56;

impl Elf {
    /// Starts a program for x86-64 that is linked by glibc's dynamic linker.
    pub fn program() -> Self {
        Self { interpreter: Some("/lib64/ld-linux-x86-64.so.2".to_owned()), ..Self::file() }
    }

    /// Starts a library with this `DT_SONAME`.
    pub fn library(name: &str) -> Self {
        Self::file().with(14, name)
    }

    /// Starts a file that is neither: a plug-in.
    pub fn file() -> Self {
        Self { machine: 62, ..Self::default() }
    }

    fn with(mut self, tag: u64, text: &str) -> Self {
        self.dynamic.push((tag, text.to_owned()));
        self
    }

    /// Needs a library (`DT_NEEDED`).
    #[must_use]
    pub fn needs(self, name: &str) -> Self {
        self.with(1, name)
    }

    /// Seeks its and its libraries' libraries in these folders first (`DT_RPATH`).
    #[must_use]
    pub fn rpath(self, folders: &str) -> Self {
        self.with(15, folders)
    }

    /// Seeks its own libraries in these folders (`DT_RUNPATH`).
    #[must_use]
    pub fn runpath(self, folders: &str) -> Self {
        self.with(29, folders)
    }

    /// Imports a function.
    #[must_use]
    pub fn imports(mut self, name: &str) -> Self {
        self.imports.push(name.to_owned());
        self
    }

    /// Has a constant text.
    #[must_use]
    pub fn constant(mut self, text: &str) -> Self {
        self.constants.push(text.to_owned());
        self
    }

    /// Is for another machine: 183 is AArch64.
    #[must_use]
    pub fn machine(mut self, machine: u16) -> Self {
        self.machine = machine;
        self
    }

    /// Returns the file.
    pub fn build(&self) -> Vec<u8> {
        let mut out = vec![0; HEADERS];
        let interpreter = out.len();
        out.extend(self.interpreter.iter().flat_map(|path| path.bytes().chain([0])));
        let interpreter_size = out.len() - interpreter;
        let strings = out.len();
        out.push(0);
        let text = |out: &mut Vec<u8>, text: &str| {
            let at = out.len() - strings;
            out.extend(text.bytes().chain([0]));
            at as u64
        };
        let mut table: Vec<(u64, u64)> =
            self.dynamic.iter().map(|(tag, name)| (*tag, text(&mut out, name))).collect();
        let imports: Vec<u64> = self.imports.iter().map(|name| text(&mut out, name)).collect();
        let strings_size = out.len() - strings;
        out.resize(out.len().next_multiple_of(8), 0);
        let symbols = out.len();
        out.extend([0; 24]);
        for name in &imports {
            out.extend(u32::try_from(*name).unwrap().to_le_bytes());
            // A function of global binding that is in no section.
            out.extend([0x12, 0, 0, 0]);
            out.extend([0; 16]);
        }
        let hash = out.len();
        for word in [1, u32::try_from(imports.len()).unwrap() + 1, 0] {
            out.extend(word.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(8), 0);
        let dynamic = out.len();
        let at = |at: usize| at as u64;
        table.extend([
            (5, at(strings)),
            (10, at(strings_size)),
            (6, at(symbols)),
            (11, 24),
            (4, at(hash)),
            (0, 0),
        ]);
        for (tag, value) in table {
            out.extend(tag.to_le_bytes().into_iter().chain(value.to_le_bytes()));
        }
        let dynamic_size = out.len() - dynamic;
        let constants = out.len();
        out.push(0);
        out.extend(self.constants.iter().flat_map(|text| text.bytes().chain([0])));
        let constants_size = out.len() - constants;
        let names = out.len();
        out.extend(b"\0.rodata\0.shstrtab\0");
        out.resize(out.len().next_multiple_of(8), 0);
        let sections = out.len();
        out.extend([0; 64]);
        out.extend(section(1, 1, constants, constants_size));
        out.extend(section(9, 3, names, 19));

        let all = out.len();
        let mut segments = vec![segment(1, 0, all)];
        if self.interpreter.is_some() {
            segments.push(segment(3, interpreter, interpreter_size));
        }
        segments.push(segment(2, dynamic, dynamic_size));
        let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend(3_u16.to_le_bytes());
        header.extend(self.machine.to_le_bytes());
        header.extend(1_u32.to_le_bytes());
        for word in [0, 64, at(sections)] {
            header.extend(u64::to_le_bytes(word));
        }
        header.extend([0; 4]);
        for half in [64, 56, u16::try_from(segments.len()).unwrap(), 64, 3, 2] {
            header.extend(u16::to_le_bytes(half));
        }
        header.extend(segments.concat());
        out[..header.len()].copy_from_slice(&header);
        out
    }
}

fn segment(kind: u32, offset: usize, size: usize) -> Vec<u8> {
    let (offset, size) = (offset as u64, size as u64);
    let mut out = kind.to_le_bytes().to_vec();
    out.extend(4_u32.to_le_bytes());
    for word in [offset, offset, offset, size, size, 8] {
        out.extend(word.to_le_bytes());
    }
    out
}

fn section(name: u32, kind: u32, offset: usize, size: usize) -> Vec<u8> {
    let mut out = name.to_le_bytes().to_vec();
    out.extend(kind.to_le_bytes());
    for word in [2, offset as u64, offset as u64, size as u64] {
        out.extend(word.to_le_bytes());
    }
    out.extend([0; 24]);
    out
}
