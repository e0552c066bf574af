//! `composer.lock` ([what it is for](https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control)).
//!
//! `packages-dev` is what `composer install --no-dev` leaves out, as images are built; it is not read.

use super::lenient::{self, record};
use super::php::Entry;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::Origin;

/// `composer.lock`; [`ComposerInstalled`](super::php_installed::ComposerInstalled) links it.
pub(super) struct ComposerLock;

record! {
    struct Lock {
        "packages" => packages: Vec<Entry>,
    }
}

impl Analyzer for ComposerLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "php-composer-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("composer.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        if let Err(error) = lenient::json(&text, &mut lock) {
            out.warn("damaged-lockfile", format!("it is not a readable `composer.lock`: {error}"));
        }
        for package in lock.packages.into_iter().filter_map(|entry| entry.package(Origin::Declared)) {
            out.package(package);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn packages_without_those_for_development() {
        check(
            &ComposerLock,
            "app/composer.lock",
            br#"{"_readme":["This file locks the dependencies of your project to a known state"],"content-hash":"a8f0111e29a6256cca1cedbe5c561898",
                "packages":[{"name":"twig/twig","version":"v3.4.2","source":{"type":"git"},"require":{"php":">=7.2.5","symfony/polyfill-mbstring":"^1.3"},
                "license":["BSD-3-Clause"]}],"packages-dev":[{"name":"phpunit/phpunit","version":"9.5.0"}],"aliases":[]}"#,
            "~ twig/twig v3.4.2 [BSD-3-Clause] -> symfony/polyfill-mbstring\n",
        );
        check(
            &ComposerLock,
            "composer.lock",
            br#"{"packages":[{"name":"a/b","version":"1.0"},{"name":"c/d","vers"#,
            "! damaged-lockfile\n~ a/b 1.0\n",
        );
        check_total(&ComposerLock, "composer.lock");
    }
}
