//! The manifest of packages in CBL-Mariner's and Azure Linux' distroless images, which have no database.
//!
//! `rpm -qa` wrote it while the image was built, with the format `%{NAME}\t%{VERSION}-%{RELEASE}\t%{INSTALLTIME}\t%{BUILDTIME}\t%{VENDOR}\t`
//! `%{EPOCH}\t%{SIZE}\t%{ARCH}\t%{EPOCHNUM}\t%{SOURCERPM}`; what a package does not have is `(none)`.

use super::super::damage::Damage;
use super::package::{source, with_epoch};
use assay_analyze::{File, Sink};
use assay_model::{Package, PackageKind};

/// Where it is.
pub(super) const PATH: &str = "var/lib/rpmmanifest/container-manifest-2";

/// Reads it.
pub(super) fn read(file: &File<'_>, out: &mut Sink<'_>) {
    let Some(text) = file.text(out) else { return };
    let mut damage = Damage::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match package(line) {
            Some(package) if package.name == "gpg-pubkey" => {}
            Some(package) => out.package(package),
            None => damage.add("a line does not have the ten columns of a package"),
        }
    }
    damage.report(out);
}

fn package(line: &str) -> Option<Package> {
    let mut columns = line.split('\t').map(str::trim);
    let mut column = || columns.next();
    let (name, version, _installed, _built, vendor) = (column()?, column()?, column()?, column()?, column()?);
    let (_epoch, _size, architecture, epoch, source_rpm) =
        (column()?, column()?, column()?, column()?, column()?);
    if name.is_empty() || version.is_empty() {
        return None;
    }
    let some = |text: &str| (!matches!(text, "" | "(none)")).then(|| text.to_owned());
    let epoch = epoch.parse().unwrap_or(0);
    let mut package = Package::new(PackageKind::Rpm, name, with_epoch(epoch, version));
    package.architecture = some(architecture);
    package.vendor = some(vendor);
    package.source = source(source_rpm, epoch);
    Some(package)
}
