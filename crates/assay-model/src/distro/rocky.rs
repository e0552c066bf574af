//! Rocky Linux; errata are RLSA.

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const ROCKY: Distro = Distro {
    id: "rocky",
    aliases: &[],
    name: "Rocky Linux",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Rocky Linux",
    advisories_of: None,
    vendors: &["rocky"],
    release: major,
    end_of_life: Some(("rocky-linux", major)),
};
