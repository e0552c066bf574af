//! SUSE Linux Enterprise Server and its relatives; the release keeps the service pack.

use super::{Distro, whole};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const SLES: Distro = Distro {
    id: "sles",
    aliases: &["sled", "sles_sap", "sle-micro", "sl-micro", "suse"],
    name: "SUSE Linux Enterprise",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "SUSE",
    advisories_of: None,
    vendors: &["suse"],
    release: whole,
    end_of_life: Some(("sles", whole)),
};
