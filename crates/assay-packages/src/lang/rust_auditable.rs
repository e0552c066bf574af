//! Rust programs built with [cargo-auditable](https://github.com/rust-secure-code/cargo-auditable): their crates, as
//! zlib-compressed JSON in the section `.dep-v0` ([format](https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md)).
//!
//! Crates of kind `build` (build scripts, procedural macros and what only they use) ran when the program was made and are not
//! in it: they are left out. The program itself, the root, is a package too. What is surprising: `source` may be `local` or
//! `git`; such crates are there all the same, under the name others would publish them by.

use super::executable::{Executable, Name, SELECT};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};
use serde::Deserialize;
use std::io::Read;

/// Programs made by `cargo auditable`.
pub(super) struct RustAuditable;

const SECTION: Name = Name { elf: ".dep-v0", pe: ".dep-v0", macho: ".dep-v0" };
/// Bytes of the section, and of the text in it; the largest programs, of thousands of crates, have some 200 KB of text.
const LIMIT: usize = 8 << 20;

#[derive(Deserialize)]
struct List {
    packages: Vec<Crate>,
}

#[derive(Deserialize)]
struct Crate {
    name: String,
    version: String,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    dependencies: Vec<usize>,
}

#[derive(Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Build,
    #[default]
    Runtime,
    /// A kind of later versions: rather listed than overlooked.
    #[serde(other)]
    Unknown,
}

impl Analyzer for RustAuditable {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "rust-auditable", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        SELECT
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(executable) = Executable::open(file.content).filter(|executable| executable.has(&SECTION))
        else {
            return;
        };
        let Some(list) = executable.section(&SECTION, LIMIT).and_then(|data| read(&data)) else {
            out.warn("damaged-auditable-data", "its list of crates cannot be read, they are unknown");
            return;
        };
        let runtime = |index: &usize| list.packages.get(*index).filter(|found| found.kind != Kind::Build);
        for found in list.packages.iter().filter(|found| found.kind != Kind::Build) {
            let mut package = Package::new(PackageKind::Cargo, &found.name, &found.version);
            let requires = found.dependencies.iter().filter_map(runtime);
            package.requires = requires.map(|other| format!("{} {}", other.name, other.version)).collect();
            out.package(package);
        }
    }
}

fn read(data: &[u8]) -> Option<List> {
    let limit = u64::try_from(LIMIT).ok()?;
    let mut text = Vec::new();
    flate2::read::ZlibDecoder::new(data).take(limit).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn kinds_are_told_apart() {
        let text = br#"{"packages":[{"name":"a","version":"1.0.0","source":"local","root":true,"dependencies":[1,2,9]},
            {"name":"b","version":"2.0.0","source":"crates.io","kind":"build"},{"name":"c","version":"3.0.0","kind":"later"}]}"#;
        let list = read(&packed(text)).unwrap();
        assert_eq!(
            list.packages.iter().map(|found| found.kind == Kind::Build).collect::<Vec<_>>(),
            [false, true, false]
        );
    }

    #[test]
    fn what_inflates_too_far_is_refused() {
        assert!(read(&packed(&[b' '; LIMIT + 10])).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
            let _ = read(&packed(&bytes));
        }
    }
}
