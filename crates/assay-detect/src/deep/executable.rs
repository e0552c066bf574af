//! Programs and libraries: how they were hardened, whether they look packed, and the addresses written in them.
//!
//! What checksec and `readelf` would tell of each, for all of them at once. Content that compresses no further is packed or encrypted:
//! code has about six bits of information in each byte, compressed data nearly eight.

use super::shown;
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_decode::ReadAt;
use assay_decode::elf::{Elf, Relro};
use assay_model::Detail;
use assay_model::observation::{Observation, Topic};

/// Looks at ELF files.
pub(super) struct Executable;

/// Bytes of constants that are searched for addresses.
const MAX_CONSTANTS: usize = 4 << 20;

/// Addresses that are named.
const MAX_ADDRESSES: usize = 20;

/// Characters of an address that are shown.
const MAX_ADDRESS: usize = 120;

/// Bytes of code that are measured.
const MAX_MEASURED: u64 = 1 << 20;

/// Bits of information in each byte from which on code is taken for packed. The densest of 3,000 programs of Debian have 6.9.
const PACKED: f64 = 7.4;

impl Analyzer for Executable {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "deep-executable", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Magic(b"\x7fELF")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Ok(elf) = Elf::parse(file.content) else { return };
        // Object files and core dumps are neither run nor loaded.
        if !matches!(elf.kind(), 2 | 3) {
            return;
        }
        let dynamic = elf.dynamic();
        let program = elf.interpreter().is_some() || dynamic.is_pie || elf.kind() == 2;
        let kind = match (program, elf.interpreter()) {
            (true, Some(_)) => "program",
            (true, None) => "static program",
            (false, _) => "library",
        };
        let hardening = elf.hardening();
        let seen = |seen: Option<bool>| match seen {
            Some(true) => "yes",
            Some(false) => "no",
            None => "not visible",
        };
        let yes = |yes: bool| if yes { "yes" } else { "no" };
        let mut details = vec![
            Detail::new("kind", kind),
            Detail::new("position-independent", yes(hardening.position_independent)),
            Detail::new("no-execute", yes(hardening.no_execute)),
            Detail::new(
                "relro",
                match hardening.relro {
                    Relro::None => "none",
                    Relro::Partial => "partial",
                    Relro::Full => "full",
                },
            ),
            Detail::new("stack-protector", seen(hardening.stack_protector)),
            Detail::new("fortified", seen(hardening.fortified)),
            Detail::new("stripped", yes(elf.is_stripped())),
        ];
        let paths = [("rpath", dynamic.rpath), ("runpath", dynamic.runpath)];
        for (name, path) in paths {
            details.extend(path.map(|path| Detail::new(name, shown(&path, MAX_ADDRESS))));
        }
        if let Some(id) = elf.build_id() {
            let id: String = id.iter().take(32).map(|byte| format!("{byte:02x}")).collect();
            details.push(Detail::new("build-id", id));
        }
        if let Some(bits) = entropy(&elf, file.content).filter(|bits| *bits >= PACKED) {
            details
                .push(Detail::new("packed", format!("{bits:.1} bits of information in each byte of code")));
        }
        for address in addresses(&elf) {
            details.push(Detail::new("address", address));
        }
        out.fact(Fact::Observation(Box::new(Observation::new(Topic::Executable, details))));
    }
}

/// Returns the bits of information in each byte of what is executed, as far as it is measured.
fn entropy(elf: &Elf<'_>, content: &dyn ReadAt) -> Option<f64> {
    let code = elf.segments().iter().find(|segment| segment.is_load() && segment.flags & 1 != 0)?;
    let bytes = content.read_range(code.offset, code.file_size.min(MAX_MEASURED), usize::MAX).ok()?;
    // Too little to say anything.
    if bytes.len() < 4096 {
        return None;
    }
    let mut counts = [0_u32; 256];
    for byte in bytes.iter() {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(bytes.len()).ok()?);
    let share = |count: &u32| f64::from(*count) / total;
    Some(counts.iter().filter(|count| **count > 0).map(|count| -share(count) * share(count).log2()).sum())
}

/// Returns the addresses in a program's constants, each once, in their order.
fn addresses(elf: &Elf<'_>) -> Vec<String> {
    let Some(section) = elf.section(".rodata").cloned() else { return Vec::new() };
    if section.size > MAX_CONSTANTS as u64 {
        return Vec::new();
    }
    let Ok(Some(bytes)) = elf.section_data(".rodata", MAX_CONSTANTS) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for (at, _) in bytes.windows(3).enumerate().filter(|(_, window)| *window == b"://") {
        let before = bytes.get(..at).unwrap_or_default();
        let scheme =
            before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'+').count();
        let start = at - scheme.min(12);
        let rest = bytes.get(start..).unwrap_or_default();
        let end = rest.iter().position(|byte| !byte.is_ascii_graphic() || b"\"'<>`\\".contains(byte));
        let text = rest.get(..end.unwrap_or(rest.len()).min(MAX_ADDRESS)).unwrap_or_default();
        // A format (`%s://%s`) or a bare scheme names nobody.
        let host = text.get(scheme.min(12) + 3..).unwrap_or_default();
        let names_a_host = host.first().is_some_and(u8::is_ascii_alphanumeric) && host.contains(&b'.');
        if scheme == 0 || !names_a_host {
            continue;
        }
        let text = String::from_utf8_lossy(text).into_owned();
        if !found.contains(&text) {
            found.push(text);
            if found.len() == MAX_ADDRESSES {
                break;
            }
        }
    }
    found
}
