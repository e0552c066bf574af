//! The targets: one file per group, and the list of them all.

use crate::Target;

mod advisories;
mod archives;
mod artifacts;
mod cache;
mod detect;
mod disks;
mod keys;
mod layers;
mod names;
mod oci;
mod packages;
mod policy;
mod report;
mod sbom;
mod signatures;
mod tables;
mod versions;

/// Every group of targets. Lists of plug-ins (analyzers, feeds, schemes) are walked, so that a new member is a new target.
pub(crate) const GROUPS: &[fn() -> Vec<Target>] = &[
    archives::targets,
    packages::targets,
    layers::targets,
    tables::targets,
    cache::targets,
    disks::targets,
    advisories::targets,
    versions::targets,
    names::targets,
    detect::targets,
    oci::targets,
    artifacts::targets,
    report::targets,
    sbom::targets,
    policy::targets,
    signatures::targets,
    keys::targets,
];

/// Splits off the first byte, which chooses between variants of a target; nothing counts as zero.
fn choice(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest))
}

/// Puts the byte that [`choice`] takes off before `content`.
fn chosen(number: usize, content: &[u8]) -> Vec<u8> {
    let number = u8::try_from(number).expect("a choice is one byte");
    [&[number], content].concat()
}

/// Splits text at line ends into at most `count` fields; what is missing is empty.
fn fields(data: &[u8], count: usize) -> Vec<String> {
    let text = String::from_utf8_lossy(data);
    let mut fields: Vec<String> = text.splitn(count, '\n').map(str::to_owned).collect();
    fields.resize(count, String::new());
    fields
}
