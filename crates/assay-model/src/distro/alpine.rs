//! Alpine Linux; fixes are listed in secdb, per branch (`v3.19`, `edge`).

use super::{Distro, major_minor};
use crate::package::PackageKind;
use crate::scheme::Scheme;
use std::borrow::Cow;

pub(super) const ALPINE: Distro = Distro {
    id: "alpine",
    aliases: &[],
    name: "Alpine Linux",
    packages: PackageKind::Apk,
    scheme: Scheme::Apk,
    ecosystem: "Alpine",
    advisories_of: None,
    vendors: &[],
    release: branch,
    end_of_life: Some(("alpine-linux", major_minor)),
};

/// The branch's name in secdb. Snapshots of the development branch look like `3.23_alpha20250612`.
fn branch(version: &str) -> Cow<'_, str> {
    if version == "edge" || version.contains("_alpha") {
        return "edge".into();
    }
    match version.strip_prefix('v').unwrap_or(version) {
        "" => "".into(),
        number => format!("v{}", major_minor(number)).into(),
    }
}
