//! Ubuntu; advisories are USN.

use super::{Distro, major_minor};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const UBUNTU: Distro = Distro {
    id: "ubuntu",
    aliases: &[],
    name: "Ubuntu",
    packages: PackageKind::Deb,
    scheme: Scheme::Deb,
    ecosystem: "Ubuntu",
    advisories_of: None,
    vendors: &[],
    release: major_minor,
    end_of_life: Some(("ubuntu", major_minor)),
};
