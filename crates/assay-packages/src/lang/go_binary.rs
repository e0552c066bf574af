//! Go programs: the modules the linker wrote into them, as `go version -m` prints them
//! ([`debug/buildinfo`](https://pkg.go.dev/debug/buildinfo), [`runtime/debug`](https://pkg.go.dev/runtime/debug#BuildInfo)).
//!
//! The build information survives `-s -w`, `-trimpath` and `strip`. What is surprising:
//! - Since Go 1.18 both texts follow the header inline; before, the header points to two Go strings in memory.
//! - The main module's version is `(devel)` unless it was built from a module proxy or, since Go 1.24, from a version
//!   control checkout. That is no version, and stays empty: a tag guessed from `-ldflags` or a commit would be matched as if
//!   it were known.
//! - A replaced module is reported as what replaced it. If that is a folder, nobody knows the version: it stays empty.
//! - The standard library is the package `stdlib`, with the toolchain's version without `go`: vendors' suffixes
//!   (`1.22.1-fips`, `1.21.13 (Red Hat …)`) are cut off; an unreleased toolchain (`devel …`) has an empty version.

use super::executable::{Executable, SELECT, Span};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Programs compiled by Go.
pub(super) struct GoBinary;

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The header: magic, pointer size, flags, and two pointers or nothing.
const HEADER: usize = 32;
/// The linker aligns the header to this.
const ALIGN: usize = 16;
/// Bytes searched for the header where there is no section of its own; the linker puts it near the start of the data.
const SEARCH_LIMIT: u64 = 1 << 20;
/// Bytes of the version and of the module list; Kubernetes, with some 200 modules, has 20 KB.
const TEXT_LIMIT: u64 = 8 << 20;
/// Bytes around the module list that mark it in the memory of a running program.
const FRAME: usize = 16;

impl Analyzer for GoBinary {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "go-binary", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(executable) = Executable::open(file.content) else { return };
        let own = executable.section(".go.buildinfo");
        let Some(span) = own.or_else(|| executable.data_without_sections()) else { return };
        match read(&executable, span) {
            Some((version, modules)) => {
                packages(&version, &modules).into_iter().for_each(|package| out.package(package))
            }
            // Without the section, it was only a guess that this could be a Go program.
            None if own.is_some() => {
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
fn read(executable: &Executable<'_>, span: Span) -> Option<(String, String)> {
    let bytes = executable.read(span, SEARCH_LIMIT)?;
    let at = bytes.chunks(ALIGN).position(|chunk| chunk.starts_with(MAGIC))?.checked_mul(ALIGN)?;
    let header: &[u8; HEADER] = bytes.get(at..)?.first_chunk()?;
    let [.., flags] = *header.first_chunk::<16>()?;
    let (version, modules) = if flags & 2 != 0 {
        let mut at = skip(span, at.checked_add(HEADER)?)?;
        let version = inline(executable, &mut at)?;
        (version, inline(executable, &mut at)?)
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

fn skip(span: Span, count: usize) -> Option<Span> {
    let count = u64::try_from(count).ok()?;
    Some(Span { offset: span.offset.checked_add(count)?, len: span.len.checked_sub(count)? })
}

/// Reads a text after its length, a little-endian base-128 number, and moves behind it.
fn inline(executable: &Executable<'_>, at: &mut Span) -> Option<Vec<u8>> {
    let start = executable.read(*at, 10)?;
    let (mut len, mut used) = (0_u64, 0_usize);
    loop {
        let byte = *start.get(used)?;
        let shift = u32::try_from(used).ok()?.checked_mul(7).filter(|shift| *shift < 63)?;
        len |= u64::from(byte & 0x7f) << shift;
        used = used.checked_add(1)?;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let body = skip(*at, used)?;
    if len > TEXT_LIMIT || len > body.len {
        return None;
    }
    let bytes = executable.read(Span { len, ..body }, TEXT_LIMIT)?.into_owned();
    *at = skip(body, usize::try_from(len).ok()?)?;
    Some(bytes)
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
        let header = self.executable.at_address(self.number(pointer)?)?;
        let header = self.executable.read(header, 16)?;
        let (address, len) = header.split_at_checked(self.size)?;
        let (address, len) = (self.number(address)?, self.number(len)?);
        if len == 0 {
            return Some(Vec::new());
        }
        let body = self.executable.at_address(address)?;
        if len > TEXT_LIMIT || len > body.len {
            return None;
        }
        Some(self.executable.read(Span { len, ..body }, TEXT_LIMIT)?.into_owned())
    }
}

/// Returns the packages that a toolchain's version and a module list name.
fn packages(version: &str, modules: &str) -> Vec<Package> {
    let mut found = vec![Package::new(PackageKind::Go, "stdlib", toolchain(version))];
    for line in modules.lines() {
        let mut fields = line.split('\t');
        let (key, path) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let version = fields.next().filter(|version| *version != "(devel)").unwrap_or_default();
        match key {
            "mod" | "dep" if !path.is_empty() => found.push(Package::new(PackageKind::Go, path, version)),
            // What replaces the module of the line before.
            "=>" => {
                if let Some(replaced) = found.last_mut().filter(|package| package.name != "stdlib") {
                    if !is_folder(path) {
                        path.clone_into(&mut replaced.name);
                    }
                    version.clone_into(&mut replaced.version);
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
