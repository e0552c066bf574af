//! Installed R packages: the `DESCRIPTION` in each one's folder
//! (<https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file>), in Debian's control format.
//!
//! Sources have a `DESCRIPTION`, too; only installing adds `Built`. The packages that come with R itself (`Priority: base`) have
//! R's version and are reported like others.

use crate::os::deb822::paragraphs;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Origin, Package, PackageKind, path};

/// Installed R packages; links them.
pub(super) struct RDescription;

/// The largest file that is read: the longest known has some ten thousand bytes.
const DESCRIPTION_LIMIT: u64 = 4 << 20;

impl Analyzer for RDescription {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "r-description", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("DESCRIPTION")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(bytes) = file.bytes(DESCRIPTION_LIMIT, out) else { return };
        let text = String::from_utf8_lossy(&bytes);
        let Some(paragraph) = paragraphs(&text).next() else { return };
        let mut package = Package::new(PackageKind::Cran, "", "");
        let mut built = false;
        for (field, value) in paragraph.fields() {
            match field {
                "Package" => package.name = value.to_owned(),
                "Version" => package.version = value.to_owned(),
                "License" => package.licenses = vec![value.to_owned()],
                // `LinkingTo` names headers that were compiled in.
                "Depends" | "Imports" | "LinkingTo" => package.requires.extend(requirements(value)),
                "Built" => built = true,
                _ => {}
            }
        }
        // Many things are called `DESCRIPTION`.
        if !built {
            return;
        }
        if package.name.is_empty() || package.version.is_empty() {
            return out.warn("damaged-package-metadata", "it has no name or no version");
        }
        package.requires.sort_unstable();
        package.requires.dedup();
        out.package(package);
    }

    fn link(&self, inventory: &mut Inventory) {
        inventory.link_by_name(
            |package| package.kind == PackageKind::Cran,
            |package| vec![package.name.clone()],
            |package| {
                let Some(location) = package.locations.first() else { return String::new() };
                match package.origin {
                    Origin::Declared => location.path.clone(),
                    // One library holds all packages that see each other.
                    Origin::Installed => path::parent(path::parent(&location.path)).to_owned(),
                }
            },
            str::to_owned,
        );
    }
}

/// Returns the names in `R (>= 3.5), stats, methods (>= 3.0)`, but R itself.
fn requirements(value: &str) -> impl Iterator<Item = String> {
    value
        .split(',')
        .filter_map(|one| one.split_whitespace().next())
        .map(|one| one.split_once('(').map_or(one, |(name, _)| name))
        .filter(|name| !name.is_empty() && *name != "R")
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn installed_packages() {
        let text = b"Package: commonmark
Type: Package
Title: High Performance CommonMark and Github Markdown Rendering
Version: 1.7
Authors@R: c(person(\"Jeroen\", \"Ooms\", ,\"jeroen@example.org\", role = c(\"aut\", \"cre\")),
        person(\"John MacFarlane\", role = \"cph\"))
License: BSD_2_clause + file LICENSE
Depends: R (>= 3.0), methods
Imports: stats(>= 2.0),
        utils
Suggests: curl
Built: R 4.2.2; x86_64-pc-linux-gnu; 2022-12-01 10:00:00 UTC; unix
";
        let at = "usr/local/lib/R/site-library/commonmark/DESCRIPTION";
        check(
            &RDescription,
            at,
            text,
            "commonmark 1.7 [BSD_2_clause + file LICENSE] -> methods, stats, utils\n",
        );
        check(&RDescription, at, b"Package: x\nVersion: 1\n", "");
        check(&RDescription, at, b"This is a tool.\n", "");
        check(&RDescription, at, b"Package: x\nBuilt: R 4\nVers", "! damaged-package-metadata\n");
        check_total(&RDescription, at);
    }
}
