//! CBL-Mariner 1 and 2, since renamed Azure Linux.

use super::{Distro, major_minor};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const MARINER: Distro = Distro {
    id: "mariner",
    aliases: &["common-base-linux-mariner"],
    name: "CBL-Mariner",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "CBL-Mariner",
    advisories_of: None,
    vendors: &["microsoft"],
    release: major_minor,
    end_of_life: Some(("azure-linux", major_minor)),
};
