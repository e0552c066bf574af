//! Operating systems: their identity, and the databases of their package managers.

use assay_analyze::Analyzer;
use assay_model::{Inventory, PackageKind};

mod apk;
mod bitnami;
mod chisel;
mod copyright;
mod damage;
pub(crate) mod deb822;
mod dpkg;
mod flatpak;
mod homebrew;
mod leftovers;
mod nix;
mod opkg;
mod os_release;
mod pacman;
mod portage;
mod rpm;
mod snap;

#[cfg(test)]
mod testing;

/// The analyzers, in the order in which they are linked.
pub const ANALYZERS: &[&dyn Analyzer] = &[
    &os_release::OsRelease,
    &apk::Apk,
    &dpkg::Dpkg,
    &chisel::Chisel,
    &rpm::Rpm,
    &pacman::Pacman,
    &leftovers::Leftovers,
    &portage::Portage,
    &opkg::Opkg,
    &nix::Nix,
    &homebrew::Homebrew,
    &snap::Snap,
    &flatpak::Flatpak,
    &bitnami::Bitnami,
];

/// What package managers wrote down about the content of the files that they installed.
pub const SUMS: &[&dyn Analyzer] = &[&apk::ApkSums, &dpkg::DpkgSums, &rpm::RpmSums];

/// Connects the packages of one package manager by their names and by what they provide.
fn link_by_provides(inventory: &mut Inventory, kind: PackageKind) {
    inventory.link_by_name(
        |package| package.kind == kind,
        |package| std::iter::once(&package.name).chain(&package.provides).cloned().collect(),
        // One image has one installation of a package manager.
        |_| String::new(),
        str::to_owned,
    );
}
