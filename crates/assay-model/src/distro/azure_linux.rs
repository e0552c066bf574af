//! Azure Linux 3 and later; its predecessors are CBL-Mariner.

use super::{Distro, major_minor};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const AZURE_LINUX: Distro = Distro {
    id: "azurelinux",
    aliases: &[],
    name: "Azure Linux",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Azure Linux",
    advisories_of: None,
    vendors: &["microsoft"],
    release: major_minor,
    end_of_life: Some(("azure-linux", major_minor)),
};
