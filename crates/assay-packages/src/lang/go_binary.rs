//! Go programs: the modules the linker wrote into them, as `go version -m` prints them
//! ([`debug/buildinfo`](https://pkg.go.dev/debug/buildinfo), [`runtime/debug`](https://pkg.go.dev/runtime/debug#BuildInfo)).
//!
//! The build information survives `-s -w`, `-trimpath` and `strip`. What is surprising:
//! - Since Go 1.18 both texts follow the header inline; before, the header points to two Go strings in memory.
//! - The main module's version is `(devel)` unless it was built from a module proxy or, since Go 1.24, from a version
//!   control checkout. That is no version. Where the build settings show that a release gave itself one ([`ldflags`]), it is that;
//!   otherwise it stays empty: a tag guessed from a commit would be matched as if it were known.
//! - A replaced module is reported as what replaced it. If that is a folder, nobody knows the version: it stays empty.
//! - The standard library is the package `stdlib`, with the toolchain's version without `go`: vendors' suffixes
//!   (`1.22.1-fips`, `1.21.13 (Red Hat …)`) are cut off; an unreleased toolchain (`devel …`) has an empty version.

mod ldflags;

use super::executable::{Executable, Name, SELECT};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Programs compiled by Go.
pub(super) struct GoBinary;

/// The section the linker puts the header into; on Windows it is at the start of the data.
const SECTION: Name = Name { elf: ".go.buildinfo", pe: ".go.buildinfo", macho: "__go_buildinfo" };
const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header: magic, pointer size, flags, and two pointers or nothing.
const HEADER: usize = 32;
/// The linker aligns the header to this.
const ALIGN: usize = 16;
/// Bytes of the version and of the module list; Kubernetes, with some 200 modules, has 20 KB.
const TEXT_LIMIT: usize = 8 << 20;
/// Bytes around the module list that mark it in the memory of a running program.
const FRAME: usize = 16;

impl Analyzer for GoBinary {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "go-binary", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(executable) = Executable::open(file.content) else { return };
        let own = executable.has(&SECTION);
        let data = if own { executable.section(&SECTION, TEXT_LIMIT) } else { executable.nameless_data() };
        match data.and_then(|data| read(&executable, &data)) {
            Some((version, modules)) => {
                packages(&version, &modules).into_iter().for_each(|package| out.package(package));
            }
            // Without the section, it was only a guess that this could be a Go program.
            None if own => {
                out.warn(
                    "damaged-go-build-info",
                    "its Go build information cannot be read, its modules are unknown",
                );
            }
            None => {}
        }
    }
}

/// Returns the toolchain's version and the module list.
fn read(executable: &Executable<'_>, data: &[u8]) -> Option<(String, String)> {
    let at = data.chunks(ALIGN).position(|chunk| chunk.starts_with(MAGIC))?.checked_mul(ALIGN)?;
    let (header, mut rest) = data.get(at..)?.split_at_checked(HEADER)?;
    let flags = *header.get(15)?;
    let (version, modules) = if flags & 2 != 0 {
        (inline(&mut rest)?.to_vec(), inline(&mut rest)?.to_vec())
    } else {
        let size = usize::from(*header.get(14)?);
        let (first, second) = header.get(16..)?.split_at_checked(size)?;
        let pointers = Pointers { executable, size, big_endian: flags & 1 != 0 };
        (pointers.string(first)?, pointers.string(second).unwrap_or_default())
    };
    // A toolchain without a name was not Go's linker.
    if version.is_empty() {
        return None;
    }
    Some((text(&version), unframe(&modules).map(text).unwrap_or_default()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Strips the marks around the module list; without them it is something else.
fn unframe(modules: &[u8]) -> Option<&[u8]> {
    let end = modules.len().checked_sub(FRAME)?;
    modules.get(FRAME..end).filter(|inner| inner.last() == Some(&b'\n'))
}

/// Takes a text that follows its length, a little-endian base-128 number.
fn inline<'a>(data: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut len = 0_u64;
    for shift in (0..63).step_by(7) {
        let (&byte, rest) = data.split_first()?;
        *data = rest;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (text, rest) = data.split_at_checked(usize::try_from(len).ok()?)?;
            *data = rest;
            return Some(text);
        }
    }
    None
}

/// Follows pointers in the program's memory, for programs of Go 1.17 and older.
struct Pointers<'a> {
    executable: &'a Executable<'a>,
    size: usize,
    big_endian: bool,
}

impl Pointers<'_> {
    fn number(&self, bytes: &[u8]) -> Option<u64> {
        match (self.size, self.big_endian) {
            (4, false) => Some(u64::from(u32::from_le_bytes(*bytes.first_chunk()?))),
            (4, true) => Some(u64::from(u32::from_be_bytes(*bytes.first_chunk()?))),
            (8, false) => Some(u64::from_le_bytes(*bytes.first_chunk()?)),
            (8, true) => Some(u64::from_be_bytes(*bytes.first_chunk()?)),
            _ => None,
        }
    }

    /// Reads the Go string whose header, an address and a length, `pointer` points to.
    fn string(&self, pointer: &[u8]) -> Option<Vec<u8>> {
        let header = u64::try_from(self.size.checked_mul(2)?).ok()?;
        let header = self.executable.at_address(self.number(pointer)?, header, 16)?;
        let (address, len) = header.split_at_checked(self.size)?;
        let (address, len) = (self.number(address)?, self.number(len)?);
        if len == 0 {
            return Some(Vec::new());
        }
        Some(self.executable.at_address(address, len, TEXT_LIMIT)?.into_owned())
    }
}

/// Returns the packages that a toolchain's version and a module list name.
fn packages(version: &str, modules: &str) -> Vec<Package> {
    let mut found = vec![Package::new(PackageKind::Go, "stdlib", toolchain(version))];
    let mut main = None;
    for line in modules.lines() {
        let mut fields = line.split('\t');
        let (key, path) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let version = fields.next().filter(|version| *version != "(devel)").unwrap_or_default();
        match key {
            "mod" | "dep" if !path.is_empty() => {
                if key == "mod" {
                    main = Some(found.len());
                }
                found.push(Package::new(PackageKind::Go, path, version));
            }
            // What replaces the module of the line before.
            "=>" => {
                if let Some(replaced) = found.last_mut().filter(|package| package.name != "stdlib") {
                    if !is_folder(path) {
                        path.clone_into(&mut replaced.name);
                    }
                    version.clone_into(&mut replaced.version);
                }
            }
            "build" => {
                if let Some(setting) = path.strip_prefix("-ldflags=")
                    && let Some(main) = main.and_then(|main| found.get_mut(main))
                    && main.version.is_empty()
                {
                    main.version = ldflags::version(&main.name, setting).unwrap_or_default();
                }
            }
            _ => {}
        }
    }
    found
}

/// Returns whether a replacement is a folder rather than a module (<https://go.dev/ref/mod#go-mod-file-replace>).
pub(super) fn is_folder(path: &str) -> bool {
    let drive = path.split_once(':').is_some_and(|(drive, _)| drive.len() == 1);
    path.is_empty()
        || path == "."
        || path == ".."
        || drive
        || ["./", "../", "/", ".\\", "..\\"].iter().any(|start| path.starts_with(start))
}

/// Returns the release a toolchain's name stands for, empty if it is none.
fn toolchain(version: &str) -> &str {
    let Some(name) = version.trim().strip_prefix("go") else { return "" };
    name.split([' ', '-', '+']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
