//! VMware Photon OS; advisories are PHSA.

use super::{Distro, major_minor};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const PHOTON: Distro = Distro {
    id: "photon",
    aliases: &[],
    name: "Photon OS",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Photon OS",
    advisories_of: None,
    vendors: &["vmware", "broadcom"],
    release: major_minor,
    end_of_life: Some(("photon", major_minor)),
};
