//! Debian, and Google's distroless images, whose `os-release` says `debian`.

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const DEBIAN: Distro = Distro {
    id: "debian",
    aliases: &["raspbian"],
    name: "Debian",
    packages: PackageKind::Deb,
    scheme: Scheme::Deb,
    ecosystem: "Debian",
    advisories_of: None,
    vendors: &[],
    release: major,
    end_of_life: Some(("debian", major)),
};
