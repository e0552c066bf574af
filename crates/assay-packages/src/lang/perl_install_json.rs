//! Perl distributions that cpanm or Carton installed: `.meta/<distribution>/install.json` below the library's folder
//! (<https://metacpan.org/dist/App-cpanminus>).
//!
//! What Perl itself brings and what `CPAN.pm` installed leaves no such record, only lists of files, and is not known.

use super::lenient::{self, Table, record};
use super::perl;
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, PackageKind, path};

/// Installed Perl distributions; links all of Perl's.
pub(super) struct PerlInstall;

record! {
    struct Install {
        "pathname" => pathname: String,
        "provides" => provides: Table<()>,
    }
}

impl Analyzer for PerlInstall {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "perl-install-json", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Within(".meta/", "/install.json")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let folder = path::parent(file.path);
        if path::file_name(path::parent(folder)) != ".meta" {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut install = Install::default();
        let result = lenient::json(&text, &mut install);
        // The folder has the distribution's name and version, too.
        let from_folder = || perl::distribution(&format!("///{}", path::file_name(folder)));
        let package = perl::distribution(&install.pathname).or_else(from_folder);
        if result.is_err() || package.is_none() {
            out.warn("damaged-package-metadata", "it cannot be read to its end, or names no distribution");
        }
        if let Some(mut package) = package {
            package.provides = install.provides.0.into_iter().map(|(module, ())| module).collect();
            package.provides.sort_unstable();
            out.package(package);
        }
    }

    fn link(&self, inventory: &mut Inventory) {
        super::lockfile::link(inventory, PackageKind::Cpan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn installed_distributions() {
        let at = "usr/local/share/perl/5.36.0/x86_64-linux-gnu/.meta/Plack-1.0047/install.json";
        let text = br#"{"dist":"Plack-1.0047","mtime":1600000000,"name":"Plack","pathname":"M/MI/MIYAGAWA/Plack-1.0047.tar.gz",
            "provides":{"Plack":{"file":"lib/Plack.pm","version":"1.0047"}},"target":"Plack","version":"1.0047"}"#;
        check(&PerlInstall, at, text, "MIYAGAWA/Plack 1.0047\n");
        check(&PerlInstall, at, b"{\"pathn", "! damaged-package-metadata\nPlack 1.0047\n");
        check(&PerlInstall, "x/.meta/install.json", text, "");
        check_total(&PerlInstall, at);
    }
}
