//! Java runtimes: the file `release` beside `bin` and `lib`, as every JDK and JRE since version 7 has it
//! (<https://openjdk.org/jeps/223>), shell-like `KEY="value"` lines.
//!
//! Surprising things: GraalVM and others write more keys and no quotes; Java 8 is `1.8.0_392`, which advisories and everybody else
//! call 8.0.392; a runtime made by `jlink` keeps the file.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Bytes of the file; real ones have about 2 KB.
const LIMIT: u64 = 64 << 10;

/// Finds Java runtimes.
#[derive(Debug)]
pub(super) struct JavaRuntime;

impl Analyzer for JavaRuntime {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "java-runtime", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("release")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Any file may be called so; only a Java runtime's is worth a word.
        if file.content.len() > LIMIT {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            Some(line.trim().trim_matches('"'))
        };
        let Some(version) = value("JAVA_VERSION").and_then(plain) else { return };
        let mut package = Package::new(PackageKind::Generic, "java", version);
        package.vendor = value("IMPLEMENTOR").filter(|vendor| !vendor.is_empty()).map(str::to_owned);
        out.package(package);
    }
}

/// Returns a version as advisories write it.
fn plain(version: &str) -> Option<String> {
    let valid = version.len() <= 40 && version.starts_with(|c: char| c.is_ascii_digit());
    let of = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
    if !valid || !version.chars().all(of) {
        return None;
    }
    Some(match version.strip_prefix("1.").and_then(|old| old.split_once('_')) {
        Some((release, update)) => format!("{release}.{update}"),
        None => version.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_total};

    #[test]
    fn runtimes_are_found() {
        let java = |text: &str, want: &str| check(&JavaRuntime, "opt/java/release", text.as_bytes(), want);
        java(
            "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_VERSION=\"17.0.15\"\nOS_NAME=\"Linux\"\n",
            "java 17.0.15\n",
        );
        java("JAVA_VERSION=\"1.8.0_392\"\nOS_NAME=\"Linux\"\n", "java 8.0.392\n");
        java("JAVA_VERSION=21\n", "java 21\n");
        java("JAVA_VERSION_DATE=\"2025-04-15\"\nMY_JAVA_VERSION=\"1\"\n", "");
        java("JAVA_VERSION=\"$(date)\"\n", "");
        java("JAVA_VERSION=\"\"\n", "");
        java("12.0 (bookworm)\n", "");
    }

    #[test]
    fn total() {
        check_total(&JavaRuntime, "release");
    }
}
