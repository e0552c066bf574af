//! opkg, the package manager of OpenWrt and of Yocto images (<https://openwrt.org/docs/guide-user/additional-software/opkg>): a
//! `status` like dpkg's, and the `control` file of each package.
//!
//! The place differs: `usr/lib/opkg` on OpenWrt, `var/lib/opkg` elsewhere. Both kinds of file say the same; a package that both
//! describe is one package. `info/*.list` names what a package owns.

use super::damage::Damage;
use super::deb822::{Paragraph, paragraphs};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::{Inventory, Package, PackageKind, PathList, SourcePackage};

/// Reads opkg's database.
pub(super) struct Opkg;

impl Analyzer for Opkg {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "opkg", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path("usr/lib/opkg/status"),
            Select::Path("var/lib/opkg/status"),
            Select::Under("usr/lib/opkg/info/", ".control"),
            Select::Under("var/lib/opkg/info/", ".control"),
            Select::Under("usr/lib/opkg/info/", ".list"),
            Select::Under("var/lib/opkg/info/", ".list"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        if let Some(package) = file.name().strip_suffix(".list") {
            let files: PathList = text
                .lines()
                .filter_map(|line| line.split('\t').next())
                .map(|path| path.trim_start_matches('/'))
                .filter(|path| !path.is_empty())
                .collect();
            if !files.is_empty() {
                out.owned_files("opkg", package, files);
            }
            return;
        }
        let mut damage = Damage::default();
        for paragraph in paragraphs(&text) {
            match package(paragraph) {
                Some(package) if package.name.is_empty() || package.version.is_empty() => {
                    damage.add("a record has no name or no version");
                }
                Some(package) => out.package(package),
                None => {}
            }
            if paragraph.is_damaged() {
                damage.add("a line is neither a field nor the continuation of one");
            }
        }
        damage.report(out);
    }

    fn link(&self, inventory: &mut Inventory) {
        super::link_by_provides(inventory, PackageKind::Opkg);
    }
}

/// Reads one record; `None` when its package is not there.
fn package(paragraph: Paragraph<'_>) -> Option<Package> {
    let mut package = Package::new(PackageKind::Opkg, "", "");
    let mut source = None;
    for (field, value) in paragraph.fields() {
        match field {
            "Package" => package.name = value.to_owned(),
            "Version" => package.version = value.to_owned(),
            "Architecture" => package.architecture = Some(value.to_owned()),
            "License" => package.licenses = vec![value.to_owned()],
            "Maintainer" => package.vendor = Some(value.to_owned()),
            // OpenWrt names the source by its folder: `feeds/packages/net/curl`.
            "Source" => source = value.rsplit('/').next(),
            "SourceName" => source = Some(value),
            "Provides" => package.provides = value.split(',').filter_map(bare_name).collect(),
            "Depends" => package.requires = value.split(',').filter_map(bare_name).collect(),
            "Status" if !value.ends_with(" installed") => return None,
            _ => {}
        }
    }
    package.source = source
        .filter(|source| !source.is_empty() && *source != package.name)
        .map(|name| SourcePackage { name: name.to_owned(), version: package.version.clone() });
    Some(package)
}

/// Returns the name in `libc (>= 1.0)`.
fn bare_name(word: &str) -> Option<String> {
    word.split_whitespace().next().map(|name| name.split('(').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, owned, packages};
    use super::*;
    use proptest::prelude::*;

    const STATUS: &[u8] = b"Package: busybox
Version: 1.36.1-1
Depends: libc, libubus (>= 2023)
Status: install ok installed
Architecture: x86_64
Conffiles:
 /etc/syslog.conf 0f0e
Installed-Time: 1700000000

Package: gone
Version: 1
Status: deinstall ok not-installed
";

    #[track_caller]
    fn check(path: &str, text: &[u8], want: &[&str], warnings: usize) {
        let facts = analyze(&Opkg, path, text);
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
    fn packages_and_their_files() {
        check("usr/lib/opkg/status", STATUS, &["busybox 1.36.1-1 libc+libubus"], 0);
        let control = b"Package: libcurl4\nVersion: 8.6.0-1\nSource: feeds/base/curl\nSourceName: curl\nLicense: MIT\nSection: libs\n";
        check("usr/lib/opkg/info/libcurl4.control", control, &["libcurl4 8.6.0-1 "], 0);
        let facts = analyze(&Opkg, "usr/lib/opkg/info/libcurl4.control", control);
        assert_eq!(packages(&facts)[0].source.as_ref().unwrap().name, "curl");
        let facts = analyze(&Opkg, "var/lib/opkg/info/busybox.list", b"/bin/busybox\t0100755\n/bin/sh\n");
        assert_eq!(owned(&facts), [("busybox", vec!["bin/busybox", "bin/sh"])]);
    }

    #[test]
    fn damage_is_said() {
        check("usr/lib/opkg/status", b"Package: a\nVersion: 1\n\nPackage: b\nVers", &["a 1 "], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_text_is_survived(text in "(Package|Version|Status|Depends|:|,| |\\(|\\PC|\n){0,40}") {
            analyze(&Opkg, "usr/lib/opkg/status", text.as_bytes());
            analyze(&Opkg, "usr/lib/opkg/info/x.list", text.as_bytes());
        }
    }
}
