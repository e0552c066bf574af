//! Arch Linux: rolling, no end of life; advisories are ASA and AVG.

use super::{Distro, rolling};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const ARCH: Distro = Distro {
    id: "arch",
    aliases: &["archarm"],
    name: "Arch Linux",
    packages: PackageKind::Pacman,
    scheme: Scheme::Pacman,
    ecosystem: "Arch Linux",
    advisories_of: None,
    vendors: &[],
    release: rolling,
    end_of_life: None,
};
