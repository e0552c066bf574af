//! The files that named a distribution before `os-release(5)`: one line of prose each, or `lsb-release`.
//!
//! Several of them are in one image, and some name the distribution that was copied from: Oracle Linux has a `redhat-release` that
//! says "Red Hat Enterprise Linux", Ubuntu a `debian_version`. Those shared ones rank below a distribution's own.

use super::{assignments, os};
use assay_model::Os;

/// The trust in a distribution's own file.
const OWN: u8 = 2;
/// The trust in a file that derivatives keep from their parent.
const SHARED: u8 = 1;

/// Names as these files write them, and the `ID` of `os-release` they stand for; the first that fits is taken.
const NAMES: &[(&str, &str)] = &[
    ("Red Hat Enterprise Linux", "rhel"),
    ("RedHatEnterprise", "rhel"),
    ("CentOS", "centos"),
    ("Rocky", "rocky"),
    ("AlmaLinux", "almalinux"),
    ("Oracle", "ol"),
    ("Enterprise Linux Enterprise Linux", "ol"),
    ("Fedora", "fedora"),
    ("Amazon", "amzn"),
    ("VMware Photon", "photon"),
    ("CBL-Mariner", "mariner"),
    ("Mariner", "mariner"),
    ("Microsoft Azure Linux", "azurelinux"),
    ("Azure Linux", "azurelinux"),
    ("SUSE Linux Enterprise", "sles"),
    ("openSUSE Tumbleweed", "opensuse-tumbleweed"),
    ("openSUSE", "opensuse-leap"),
    ("Ubuntu", "ubuntu"),
    ("Debian", "debian"),
    ("Arch", "arch"),
];

/// Reads such a file by its name; `None` when it does not say.
pub(super) fn read(file: &str, text: &str) -> Option<(Os, u8)> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    match file {
        // Arch's is empty: that it is there says everything. Its derivatives keep it.
        "arch-release" => Some((os("arch", String::new(), String::new(), "Arch Linux".to_owned()), SHARED)),
        _ if line.is_empty() => None,
        "alpine-release" => {
            let version = line.starts_with(|char: char| char.is_ascii_digit()).then(|| line.to_owned())?;
            let name = format!("Alpine Linux {line}");
            Some((os("alpine", version, String::new(), name), OWN))
        }
        "debian_version" => Some((debian(line)?, SHARED)),
        "lsb-release" => Some((lsb(text)?, OWN)),
        "SuSE-release" => Some((suse(line, text)?, OWN)),
        "redhat-release" | "system-release" => Some((prose(line)?, SHARED)),
        _ => Some((prose(line)?, OWN)),
    }
}

/// Reads `12.4`, or testing's `trixie/sid`.
fn debian(line: &str) -> Option<Os> {
    let name = format!("Debian GNU/Linux {line}");
    if line.starts_with(|char: char| char.is_ascii_digit()) {
        // `VERSION_ID` has no point release.
        let major = line.split('.').next().unwrap_or(line);
        return Some(os("debian", major.to_owned(), String::new(), name));
    }
    let codename = line.split('/').next().unwrap_or(line);
    let fine = codename.bytes().all(|byte| byte.is_ascii_lowercase());
    fine.then(|| os("debian", String::new(), codename.to_owned(), name))
}

fn lsb(text: &str) -> Option<Os> {
    let mut values = assignments(text);
    let mut take = |key| values.remove(key).unwrap_or_default();
    let id = take("DISTRIB_ID");
    if id.is_empty() {
        return None;
    }
    let known = id_of(&id).map_or_else(|| id.to_ascii_lowercase(), str::to_owned);
    let name = match take("DISTRIB_DESCRIPTION") {
        name if !name.is_empty() => name,
        _ => id,
    };
    let version = take("DISTRIB_RELEASE");
    // Arch says `rolling` where `os-release` has nothing.
    let version = if version == "rolling" { String::new() } else { version };
    Some(os(known, version, take("DISTRIB_CODENAME"), name))
}

/// Reads `SUSE Linux Enterprise Server 11 (x86_64)` followed by `VERSION = 11` and `PATCHLEVEL = 4`.
fn suse(line: &str, text: &str) -> Option<Os> {
    let value = |wanted: &str| {
        let mut pairs = text.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(key, _)| key.trim() == wanted).map(|(_, value)| value.trim())
    };
    let version = value("VERSION").or_else(|| first_version(line)).unwrap_or_default();
    let version = match value("PATCHLEVEL") {
        Some(level) if !matches!(level, "" | "0") && !version.contains('.') => format!("{version}.{level}"),
        _ => version.to_owned(),
    };
    Some(os(id_of(line)?, version, value("CODENAME").unwrap_or_default().to_owned(), line.to_owned()))
}

/// Reads `CentOS Linux release 7.9.2009 (Core)` and the like.
fn prose(line: &str) -> Option<Os> {
    let version = line.split_once(" release ").map_or(line, |(_, rest)| rest);
    let version = first_version(version).unwrap_or_default().to_owned();
    let codename =
        line.split_once('(').and_then(|(_, rest)| rest.split_once(')')).map_or("", |(codename, _)| codename);
    Some(os(id_of(line)?, version, codename.to_owned(), line.to_owned()))
}

fn id_of(text: &str) -> Option<&'static str> {
    NAMES.iter().find(|(name, _)| text.starts_with(name)).map(|(_, id)| *id)
}

fn first_version(text: &str) -> Option<&str> {
    text.split_ascii_whitespace().find(|word| word.starts_with(|char: char| char.is_ascii_digit()))
}
