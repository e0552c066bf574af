//! openSUSE Leap.

use super::{Distro, major_minor};
use crate::package::PackageKind;
use crate::scheme::Scheme;
use std::borrow::Cow;

pub(super) const OPENSUSE_LEAP: Distro = Distro {
    id: "opensuse-leap",
    aliases: &["opensuse"],
    name: "openSUSE Leap",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "openSUSE",
    advisories_of: None,
    vendors: &["suse"],
    release: leap,
    end_of_life: Some(("opensuse", major_minor)),
};

/// Feeds write `openSUSE:Leap 15.4`, `os-release` only `15.4`.
fn leap(version: &str) -> Cow<'_, str> {
    if version.starts_with("Leap ") || version.is_empty() {
        version.into()
    } else {
        format!("Leap {version}").into()
    }
}
