//! Amazon Linux 1 (`2018.03`), 2 and 2023; errata are ALAS.

use super::Distro;
use crate::package::PackageKind;
use crate::scheme::Scheme;
use std::borrow::Cow;

pub(super) const AMAZON: Distro = Distro {
    id: "amzn",
    aliases: &[],
    name: "Amazon Linux",
    packages: PackageKind::Rpm,
    scheme: Scheme::Rpm,
    ecosystem: "Amazon Linux",
    advisories_of: None,
    vendors: &["amazon"],
    release,
    end_of_life: Some(("amazon-linux", release)),
};

/// Amazon Linux 1 numbers itself by month (`2018.03`); advisories call it 1.
fn release(version: &str) -> Cow<'_, str> {
    match version {
        _ if version.starts_with("2023") || version.starts_with("2022") => super::major(version),
        _ if version.starts_with("20") => "1".into(),
        _ => super::major(version),
    }
}
