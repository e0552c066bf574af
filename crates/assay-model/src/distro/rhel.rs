//! Red Hat Enterprise Linux and its universal base images (UBI).

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const RHEL: Distro = Distro {
    id: "rhel",
    aliases: &["redhat"],
    name: "Red Hat Enterprise Linux",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Red Hat",
    advisories_of: None,
    vendors: &["red hat"],
    release: major,
    end_of_life: Some(("rhel", major)),
};
