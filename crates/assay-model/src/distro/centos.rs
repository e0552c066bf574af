//! CentOS Linux and CentOS Stream: RHEL's advisories apply.

use super::{Distro, major};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const CENTOS: Distro = Distro {
    id: "centos",
    aliases: &[],
    name: "CentOS",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "CentOS",
    advisories_of: Some("rhel"),
    vendors: &["centos", "red hat"],
    release: major,
    end_of_life: Some(("centos", major)),
};
