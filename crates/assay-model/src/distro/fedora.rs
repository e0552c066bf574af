//! Fedora; updates come from Bodhi.

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const FEDORA: Distro = Distro {
    id: "fedora",
    aliases: &[],
    name: "Fedora",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Fedora",
    advisories_of: None,
    vendors: &["fedora"],
    release: major,
    end_of_life: Some(("fedora", major)),
};
