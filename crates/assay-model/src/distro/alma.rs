//! AlmaLinux: a rebuild of RHEL with errata of its own (ALSA).

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const ALMA: Distro = Distro {
    id: "almalinux",
    aliases: &[],
    name: "AlmaLinux",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "AlmaLinux",
    advisories_of: None,
    vendors: &["almalinux"],
    release: major,
    end_of_life: Some(("almalinux", major)),
};
