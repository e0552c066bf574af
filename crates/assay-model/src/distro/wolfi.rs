//! Wolfi: rolling; its feed has the shape of Alpine's secdb.

use super::{Distro, rolling};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const WOLFI: Distro = Distro {
    id: "wolfi",
    aliases: &[],
    name: "Wolfi",
    packages: PackageKind::Apk,
    scheme: Scheme::Apk,
    ecosystem: "Wolfi",
    advisories_of: None,
    vendors: &[],
    release: rolling,
    end_of_life: None,
};
