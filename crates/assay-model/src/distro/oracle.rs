//! Oracle Linux; errata are ELSA.

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const ORACLE: Distro = Distro {
    id: "ol",
    aliases: &["oracle"],
    name: "Oracle Linux",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Oracle Linux",
    advisories_of: None,
    vendors: &["oracle"],
    release: major,
    end_of_life: Some(("oracle-linux", major)),
};
