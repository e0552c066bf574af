//! openSUSE Tumbleweed: rolling.

use super::{Distro, rolling};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const OPENSUSE_TUMBLEWEED: Distro = Distro {
    id: "opensuse-tumbleweed",
    aliases: &[],
    name: "openSUSE Tumbleweed",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "openSUSE Tumbleweed",
    advisories_of: None,
    vendors: &["suse"],
    release: rolling,
    end_of_life: None,
};
