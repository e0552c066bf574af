//! The Go toolchain: the file `VERSION` at its root (<https://go.dev/ref/mod#go-mod-file-toolchain>): `go1.22.1`, and since 1.21 the
//! time of the build in a second line.
//!
//! It becomes `toolchain`, the pseudo-module by which the Go project writes advisories about its compiler and tools.

use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Bytes of the file; real ones have about 40.
const LIMIT: u64 = 256;

/// Finds Go toolchains.
#[derive(Debug)]
pub(super) struct GoToolchain;

impl Analyzer for GoToolchain {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "go-toolchain", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("VERSION")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Many projects have such a file; a toolchain's folder is called `go`, `go1.22.1` or `go-1.22`.
        let folder = file.path.rsplit('/').nth(1).unwrap_or_default();
        let version = folder.strip_prefix("go").map(|rest| rest.trim_start_matches('-'));
        let of_go =
            version.is_some_and(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit()));
        if !of_go || file.content.len() > LIMIT {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default().trim_end();
        let only_time = lines.all(|line| line.is_empty() || line.starts_with("time "));
        let Some(release) = first.strip_prefix("go").filter(|release| only_time && is_release(release))
        else {
            return;
        };
        out.package(Package::new(PackageKind::Go, "toolchain", release));
    }
}

/// Returns whether a text is a release: `1.22`, `1.22.1`, `1.23rc1`.
fn is_release(text: &str) -> bool {
    text.len() <= 20
        && text.starts_with("1.")
        && text.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check, check_total};

    #[test]
    fn toolchains_are_found() {
        let go = |path: &str, text: &str, want: &str| check(&GoToolchain, path, text.as_bytes(), want);
        go("usr/local/go/VERSION", "go1.22.1\ntime 2024-02-29T18:18:48Z\n", "toolchain 1.22.1\n");
        go("usr/local/go/VERSION", "go1.19.4", "toolchain 1.19.4\n");
        go("usr/lib/go-1.19/VERSION", "go1.19.8", "toolchain 1.19.8\n");
        go("opt/go1.23rc1/VERSION", "go1.23rc1\n", "toolchain 1.23rc1\n");
        // A project that pins the toolchain it wants, and other things of that name.
        go("app/VERSION", "go1.22.1\n", "");
        go("app/gopher/VERSION", "go1.22.1\n", "");
        go("usr/local/go/VERSION", "devel go1.23-abcdef\n", "");
        go("usr/local/go/VERSION", "go1.22.1\nand more\n", "");
        go("VERSION", "1.0\n", "");
    }

    #[test]
    fn total() {
        check_total(&GoToolchain, "go/VERSION");
    }
}
