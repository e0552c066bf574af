//! Bottlerocket: an image-based host system; updates replace the whole image.

use super::{Distro, major_minor, rolling};
use crate::package::PackageKind;
use crate::scheme::Scheme;

pub(super) const BOTTLEROCKET: Distro = Distro {
    id: "bottlerocket",
    aliases: &[],
    name: "Bottlerocket",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Bottlerocket",
    advisories_of: None,
    vendors: &[],
    release: rolling,
    end_of_life: Some(("bottlerocket", major_minor)),
};
