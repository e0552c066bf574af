//! Chainguard OS: rolling; its feed has the shape of Alpine's secdb.

use super::{Distro, rolling};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const CHAINGUARD: Distro = Distro {
    id: "chainguard",
    aliases: &[],
    name: "Chainguard OS",
    packages: PackageKind::Apk,
    scheme: Scheme::Apk,
    ecosystem: "Chainguard",
    advisories_of: None,
    vendors: &[],
    release: rolling,
    end_of_life: None,
};
