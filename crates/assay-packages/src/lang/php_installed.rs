//! What Composer has installed: `vendor/composer/installed.json`, a list since Composer 1, `{"packages": …}` since Composer 2
//! ([its reader](https://github.com/composer/composer/blob/main/src/Composer/Repository/FilesystemRepository.php)).
//!
//! Packages needed only for development are in it when they are installed, and are reported: their code is there.

use super::lenient::{self, Fill, record};
use super::php::{self, Entry};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Origin, path};
use serde::de::{MapAccess, SeqAccess};

/// Reads installed packages, and links all Composer packages.
pub(super) struct ComposerInstalled;

record! {
    struct Version2 {
        "packages" => packages: Vec<Entry>,
    }
}

/// Either form of the file.
#[derive(Default)]
struct Installed(Vec<Entry>);

impl Fill for Installed {
    fn list<'de, A: SeqAccess<'de>>(&mut self, list: A) -> Result<(), A::Error> {
        self.0.list(list)
    }

    fn table<'de, A: MapAccess<'de>>(&mut self, table: A) -> Result<(), A::Error> {
        let mut version2 = Version2::default();
        let result = version2.table(table);
        self.0.append(&mut version2.packages);
        result
    }
}

impl Analyzer for ComposerInstalled {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "php-composer-installed", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        // The folder `vendor` can be given another name (`vendor-dir`).
        &[Select::Name("installed.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if path::file_name(path::parent(file.path)) != "composer" {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut installed = Installed::default();
        if let Err(error) = lenient::json(&text, &mut installed) {
            out.warn("damaged-package-metadata", format!("it is not a readable `installed.json`: {error}"));
        }
        for package in installed.0.into_iter().filter_map(|entry| entry.package(Origin::Installed)) {
            out.package(package);
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        php::link(inventory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};
    use assay_model::{Location, Package, PackageKind};

    const INSTALLED: &str = include_str!("../../testdata/php_installed/installed.json");
    const AT: &str = "srv/app/vendor/composer/installed.json";

    #[test]
    fn both_forms() {
        let expected = "monolog/monolog 2.9.1 [MIT] -> psr/log\npsr/log 3.0.0 [MIT]\n";
        check(&ComposerInstalled, AT, INSTALLED.as_bytes(), expected);
        let (start, end) = (INSTALLED.find('[').unwrap(), INSTALLED.find("\"dev\":").unwrap());
        let list = INSTALLED.split_at(end).0.split_at(start).1.trim_end().trim_end_matches(',');
        check(&ComposerInstalled, AT, list.as_bytes(), expected);
        check(&ComposerInstalled, "srv/app/installed.json", INSTALLED.as_bytes(), "");
        check(&ComposerInstalled, AT, b"[]", "");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let damaged = "! damaged-package-metadata\n";
        check(
            &ComposerInstalled,
            AT,
            br#"{"packages":[{"name":"a/b","version":"v1.0","license":"MIT","require":{"php":">=7","ext-json":"*","D/e":"^1","c/d":"^1"}},
                {"name":"c/d","version":7,"require":[]},{"name":"x/y"},null,{"name":"plain","version":"dev-main"},{"name":"e/f","version":"2.0","requ"#,
            &format!("{damaged}a/b v1.0 [MIT] -> D/e, c/d\nc/d 7\nplain dev-main\ne/f 2.0\n"),
        );
        check(&ComposerInstalled, AT, b"", damaged);
        check_total(&ComposerInstalled, AT);
    }

    #[test]
    fn packages_that_stand_for_others_are_found() {
        let package = |name: &str, vendor: &str, requires: &[&str], provides: &[&str]| {
            let mut package = Package::new(PackageKind::Composer, name, "1");
            package.namespace = Some(vendor.to_owned());
            package.locations = vec![Location { path: vendor.to_owned(), layer: None }];
            package.requires = requires.iter().map(|name| (*name).to_owned()).collect();
            package.provides = provides.iter().map(|name| (*name).to_owned()).collect();
            package
        };
        let mut inventory = Inventory {
            packages: vec![
                package("framework", "a", &["A/Log", "illuminate/support", "b/log"], &["illuminate/support"]),
                package("log", "a", &["illuminate/support"], &[]),
                package("log", "b", &["a/log"], &[]),
            ],
            ..Inventory::default()
        };
        ComposerInstalled.link(&mut inventory);
        let edges: Vec<_> = inventory.packages.iter().map(|package| package.depends_on.clone()).collect();
        assert_eq!(edges, [vec![1], vec![0], vec![]]);
    }
}
