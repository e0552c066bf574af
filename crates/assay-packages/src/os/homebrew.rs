//! Homebrew: the receipt of each keg, `Cellar/<formula>/<version>/INSTALL_RECEIPT.json` (<https://docs.brew.sh/Formula-Cookbook>).
//!
//! Formula and version are those of the folders; a version ends in `_1` when the formula was revised.

use crate::lang::lenient::{self, record};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, path};

/// Reads Homebrew's receipts.
pub(super) struct Homebrew;

record! {
    struct Receipt {
        "arch" => architecture: Option<String>,
        "runtime_dependencies" => dependencies: Vec<Dependency>,
        "source" => source: Source,
    }
}

record! {
    struct Dependency {
        "full_name" => name: String,
    }
}

record! {
    struct Source {
        "tap" => tap: Option<String>,
    }
}

impl Analyzer for Homebrew {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "homebrew", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("INSTALL_RECEIPT.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let keg = path::parent(file.path);
        let (version, formula) = (path::file_name(keg), path::file_name(path::parent(keg)));
        if path::file_name(path::parent(path::parent(keg))) != "Cellar" {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut receipt = Receipt::default();
        if let Err(error) = lenient::json(&text, &mut receipt) {
            out.warn("damaged-package-metadata", format!("it cannot be read to its end: {error}"));
        }
        let mut package = Package::new(PackageKind::Brew, formula, version);
        package.architecture = receipt.architecture;
        package.vendor = receipt.source.tap;
        // `user/tap/formula` names one that is not in the core tap.
        package.requires = receipt
            .dependencies
            .into_iter()
            .filter_map(|one| Some(one.name.rsplit('/').next()?.to_owned()))
            .filter(|name| !name.is_empty())
            .collect();
        package.requires.sort_unstable();
        package.requires.dedup();
        out.package(package);
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Brew);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, packages};
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(path: &str, text: &str, want: &[&str], warnings: usize) {
        let facts = analyze(&Homebrew, path, text.as_bytes());
        let lines: Vec<_> = packages(&facts)
            .iter()
            .map(|it| format!("{} {} {}", it.name, it.version, it.requires.join("+")))
            .collect();
        assert_eq!(
            (lines, codes(&facts).len()),
            (want.iter().map(|it| (*it).to_owned()).collect(), warnings)
        );
    }

    #[test]
    fn kegs() {
        let text = r#"{"homebrew_version":"4.2.9","arch":"x86_64","source":{"spec":"stable","tap":"homebrew/core","versions":{"stable":"8.6.0"}},
            "runtime_dependencies":[{"full_name":"openssl@3","version":"3.2.1"},{"full_name":"me/own/brotli","version":"1.1.0"}]}"#;
        let at = "home/linuxbrew/.linuxbrew/Cellar/curl/8.6.0_1/INSTALL_RECEIPT.json";
        check(at, text, &["curl 8.6.0_1 brotli+openssl@3"], 0);
        check(at, "{\"arch", &["curl 8.6.0_1 "], 1);
        check("opt/curl/8.6.0/INSTALL_RECEIPT.json", text, &[], 0);
        check("INSTALL_RECEIPT.json", text, &[], 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_text_is_survived(text in "[a-z\"{}:,\\[\\]]{0,64}") {
            analyze(&Homebrew, "Cellar/a/1/INSTALL_RECEIPT.json", text.as_bytes());
        }
    }
}
