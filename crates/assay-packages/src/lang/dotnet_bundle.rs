//! .NET programs published as a single file: the `deps.json` inside
//! ([format](https://github.com/dotnet/designs/blob/main/accepted/2020/single-file/bundler.md)).
//!
//! The host program's writable data holds a marker of 32 bytes; the eight bytes before it say where the bundle's header lies in
//! the file, and are zero in a host that carries none. Since .NET 5 (version 2) the header itself says where the `deps.json` is;
//! before, the list of embedded files does. It is stored as it is, also where assemblies are compressed.

use super::dotnet_deps;
use super::executable::{Executable, Name, SELECT};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_decode::ReadAt;

/// Programs with their assemblies in them.
pub(super) struct DotnetBundle;

/// The marker: the SHA-256 of `.net core bundle` and a line feed.
const MARKER: [u8; 32] = [
    0x8b, 0x12, 0x02, 0xb9, 0x6a, 0x61, 0x20, 0x38, 0x72, 0x7b, 0x93, 0x02, 0x14, 0xd7, 0xa0, 0x32, 0x13,
    0xf5, 0xb9, 0xe6, 0xef, 0xae, 0x33, 0x18, 0xee, 0x3b, 0x2d, 0xce, 0x24, 0xb3, 0x6a, 0xae,
];
const DATA: Name = Name { elf: ".data", pe: ".data", macho: "__data" };
/// Bytes of writable data that are searched; the self-contained host of .NET 8, with the runtime in it, has some 200 KB.
const DATA_LIMIT: usize = 4 << 20;
/// Bytes of a `deps.json`; large applications have some hundred KB.
const DEPS_LIMIT: usize = 32 << 20;
/// Embedded files of a bundle of version 1 that are looked through; a self-contained application has some hundred.
const FILES_LIMIT: u32 = 20_000;
/// The type of a `deps.json` among the embedded files.
const DEPS_JSON: u8 = 3;

impl Analyzer for DotnetBundle {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "dotnet-bundle", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(header) = header_offset(file.content) else { return };
        match deps_json(file.content, header) {
            Some((_, 0)) => {}
            Some((offset, len)) => match file.content.read_range(offset, len, DEPS_LIMIT) {
                Ok(bytes) => dotnet_deps::report(&String::from_utf8_lossy(&bytes), out),
                Err(error) => out.warn("damaged-bundle", format!("its `deps.json` cannot be read: {error}")),
            },
            None => out.warn(
                "damaged-bundle",
                "its list of embedded files cannot be read, its packages are unknown",
            ),
        }
    }
}

/// Returns where the bundle's header lies; `None` for programs that are no bundle.
fn header_offset(content: &dyn ReadAt) -> Option<u64> {
    let executable = Executable::open(content)?;
    let data = executable.section(&DATA, DATA_LIMIT).or_else(|| executable.nameless_data())?;
    let marker = memchr::memmem::find(&data, &MARKER)?;
    let before = data.get(marker.checked_sub(8)?..marker)?;
    Some(u64::from_le_bytes(before.try_into().ok()?)).filter(|offset| *offset != 0)
}

/// Reads numbers and texts one after the other.
struct Cursor<'a> {
    content: &'a dyn ReadAt,
    position: u64,
}

impl Cursor<'_> {
    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.content.read_exact_at(self.position, &mut bytes).ok()?;
        self.position = self.position.checked_add(u64::try_from(N).ok()?)?;
        Some(bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.bytes().map(u32::from_le_bytes)
    }

    /// A signed number that is never negative.
    fn length(&mut self) -> Option<u64> {
        u64::try_from(i64::from_le_bytes(self.bytes()?)).ok()
    }

    /// Passes over a text, whose length comes first, seven bits a byte.
    fn skip_text(&mut self) -> Option<()> {
        let mut len = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.bytes()?;
            len |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                self.position = self.position.checked_add(len)?;
                return Some(());
            }
        }
        None
    }
}

/// Returns offset and length of the `deps.json`, the length being 0 when there is none; `None` when the header is damaged.
fn deps_json(content: &dyn ReadAt, header: u64) -> Option<(u64, u64)> {
    let mut cursor = Cursor { content, position: header };
    let (major, _minor, files) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    cursor.skip_text()?;
    match major {
        0 => None,
        1 => {
            for _ in 0..files.min(FILES_LIMIT) {
                let (offset, len, [kind]) = (cursor.length()?, cursor.length()?, cursor.bytes()?);
                cursor.skip_text()?;
                if kind == DEPS_JSON {
                    return Some((offset, len));
                }
            }
            Some((0, 0))
        }
        _ => Some((cursor.length()?, cursor.length()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Fact, LayerFacts};
    use proptest::prelude::*;

    const DEPS: &str =
        r#"{"libraries":{"app/1.0.0":{"type":"project"},"Newtonsoft.Json/12.0.1":{"type":"package"}}}"#;

    /// A Windows program of one section, `.data`, with the marker in it and a bundle behind it: there is no .NET SDK here to
    /// publish a real one.
    fn program(major: u32) -> Vec<u8> {
        let mut pe = vec![0; 0x400];
        let mut put = |at: usize, bytes: &[u8]| pe[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"MZ");
        put(0x3c, &0x80_u32.to_le_bytes());
        put(0x80, b"PE\0\0\x64\x86\x01\0");
        put(0x94, &0xf0_u16.to_le_bytes());
        put(0x98, &0x20b_u16.to_le_bytes());
        let section = 0x98 + 0xf0;
        put(section, b".data\0\0\0");
        for (at, value) in [(8, 0x200_u32), (12, 0x1000), (16, 0x200), (20, 0x200), (36, 0xc000_0040)] {
            put(section + at, &value.to_le_bytes());
        }
        let (deps, header) = (0x400_u64, 0x400 + DEPS.len() as u64);
        put(0x250, &header.to_le_bytes());
        put(0x258, &MARKER);
        pe.extend(DEPS.as_bytes());
        pe.extend([major, 0, 2].into_iter().flat_map(u32::to_le_bytes));
        pe.extend(b"\x05ident");
        let place = [deps, DEPS.len() as u64];
        if major > 1 {
            pe.extend(place.into_iter().chain([0, 0, 0]).flat_map(u64::to_le_bytes));
        }
        for (place, kind, name) in [([0, 9], 1_u8, "app.dll"), (place, 3, "app.deps.json")] {
            pe.extend(place.into_iter().flat_map(u64::to_le_bytes));
            pe.push(kind);
            pe.push(u8::try_from(name.len()).unwrap());
            pe.extend(name.as_bytes());
        }
        pe
    }

    fn scan(bytes: &[u8]) -> (Vec<String>, usize) {
        let mut facts = LayerFacts::default();
        let file = File::new("app.exe", 0o755, &bytes);
        DotnetBundle.analyze(&file, &mut Sink::new("app.exe", &mut facts));
        let facts = facts.paths.into_values().next().unwrap_or_default();
        let packages = facts.facts.iter().filter_map(|fact| match fact {
            Fact::Package(package) => Some(format!("{} {}", package.name, package.version)),
            _ => None,
        });
        (packages.collect(), facts.warnings.len())
    }

    #[test]
    fn packages_are_found_in_every_version_of_the_format() {
        for major in [1, 2, 6] {
            assert_eq!(
                scan(&program(major)),
                (vec!["Newtonsoft.Json 12.0.1".to_owned()], 0),
                "version {major}"
            );
        }
    }

    #[test]
    fn a_host_without_a_bundle_is_no_bundle() {
        let mut host = program(6);
        host[0x250..0x258].fill(0);
        assert_eq!(scan(&host), (vec![], 0));
    }

    #[test]
    fn damage_is_said() {
        let whole = program(2);
        for len in [0x401, 0x400 + DEPS.len() + 4] {
            assert_eq!(scan(&whole[..len]), (vec![], 1), "{len}");
        }
        assert_eq!(scan(&whole[..0x100]).1, 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_change_is_survived(at in 0_usize..0x500, byte: u8, major in 1_u32..3) {
            let mut bytes = program(major);
            if let Some(old) = bytes.get_mut(at) {
                *old = byte;
            }
            scan(&bytes);
        }
    }
}
