//! Snaps: `meta/snap.yaml` at the root of each (<https://documentation.ubuntu.com/snapcraft/stable/reference/project-file/>).
//!
//! The Ubuntu packages staged in a snap are named only in `snap/manifest.yaml`, which most snaps leave out; it is not read.

use crate::lang::lenient::{self, Names, record};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Package, PackageKind};

/// Reads snaps.
pub(super) struct Snap;

record! {
    struct Meta {
        "name" => name: String,
        "version" => version: String,
        "license" => license: Option<String>,
        "architectures" => architectures: Names,
        "base" => base: Option<String>,
    }
}

impl Analyzer for Snap {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "snap", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Path("meta/snap.yaml"), Select::Suffix("/meta/snap.yaml")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut meta = Meta::default();
        let result = lenient::yaml(&text, &mut meta);
        if result.is_err() || meta.name.is_empty() || meta.version.is_empty() {
            out.warn(
                "damaged-package-metadata",
                "it cannot be read to its end, or has no name or no version",
            );
        }
        if meta.name.is_empty() || meta.version.is_empty() {
            return;
        }
        let mut package = Package::new(PackageKind::Snap, meta.name, meta.version);
        package.licenses.extend(meta.license);
        package.architecture = meta.architectures.0.into_iter().next();
        package.requires.extend(meta.base);
        out.package(package);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, packages};
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, want: &[&str], warnings: usize) {
        let facts = analyze(&Snap, "snap/lxd/24322/meta/snap.yaml", text.as_bytes());
        let lines: Vec<_> = packages(&facts)
            .iter()
            .map(|it| format!("{} {} {:?} {:?}", it.name, it.version, it.architecture, it.requires))
            .collect();
        assert_eq!(
            (lines, codes(&facts).len()),
            (want.iter().map(|it| (*it).to_owned()).collect(), warnings)
        );
    }

    #[test]
    fn snaps() {
        check(
            "name: lxd\nversion: 5.0.2-838e1b2\nsummary: LXD\nlicense: AGPL-3.0\narchitectures:\n- amd64\nbase: core20\napps:\n  lxc: {}\n",
            &["lxd 5.0.2-838e1b2 Some(\"amd64\") [\"core20\"]"],
            0,
        );
        check("name: lxd\n", &[], 1);
        check("name: lxd\nversion: '1'\napps: {", &["lxd 1 None []"], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_text_is_survived(text in "[a-z:{}\\[\\] \n'-]{0,64}") {
            analyze(&Snap, "meta/snap.yaml", text.as_bytes());
        }
    }
}
