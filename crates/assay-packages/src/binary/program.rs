//! Programs and shared libraries in ELF form: the version string their own `--version` prints, searched for where it stands.
//!
//! A file is looked at when it has the right name *and* is an ELF file, so a shell wrapper named `curl` is nothing. The table is in
//! `program/table.rs`. Surprising things: a string next to which nothing else stands (`7.0.15` between two zeros) is only believed
//! when it is the only one of its kind; and a static program tells of the library inside it, too, if the table says so.

pub(super) mod search;
pub(super) mod table;

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};
use search::Found;
use table::PROGRAMS;

/// Finds programs by their version strings.
#[derive(Debug)]
pub(super) struct Programs;

impl Analyzer for Programs {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "program", revision: 2 }
    }

    fn select(&self) -> &'static [Select] {
        table::SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let mut start = [0; 4];
        if file.content.read_exact_at(0, &mut start).is_err() || &start != b"\x7fELF" {
            return;
        }
        let name = file.name();
        for program in PROGRAMS.iter().filter(|program| program.is_named(name)) {
            match search::version(file.content, name, program.marks) {
                Ok(Found::One(version)) => {
                    out.package(Package::new(PackageKind::Generic, program.software, version));
                }
                // Most often a library of another maker under the same name (LibreSSL's `libcrypto.so`).
                Ok(Found::Nothing) => {}
                Ok(Found::Several(one, other)) => out.notice(
                    "ambiguous-version",
                    format!(
                        "it looks like {}, but says both `{one}` and `{other}` about its version",
                        program.software
                    ),
                ),
                Ok(Found::TooLong(limit)) => out.warn(
                    "file-too-large",
                    format!("no version of {} is in its first {limit} bytes", program.software),
                ),
                Err(error) => out.warn("unreadable-file", error.to_string()),
            }
        }
    }
}

#[cfg(test)]
mod tests;
