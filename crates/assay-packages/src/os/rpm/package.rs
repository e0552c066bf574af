//! From an RPM header to a package and the files it owns.

use super::header::{Header, Tag};
use assay_model::{Package, PackageKind, PathList, SourcePackage};

/// The longest path that is kept, in bytes; Linux opens none above it (`PATH_MAX`).
const PATH_LIMIT: usize = 4096;

/// What one header tells.
#[derive(Debug)]
pub(super) struct Installed {
    /// The package.
    pub(super) package: Package,
    /// What it owns.
    pub(super) files: PathList,
    /// Whether the list of files is shorter than the header says, or than what it should be.
    pub(super) files_are_cut: bool,
}

/// Reads a header; `None` when it is one of the public keys that rpm keeps as packages.
///
/// `budget` is how many bytes of paths may still be kept of this database.
pub(super) fn read(header: Header<'_>, budget: &mut usize) -> Result<Option<Installed>, &'static str> {
    let text = |tag| header.string(tag).map(lossy).filter(|text| !text.is_empty());
    let name = text(Tag::Name).ok_or("a header names no package")?;
    // `rpm -qa` lists the keys that signatures are checked with; they are no software.
    if name == "gpg-pubkey" {
        return Ok(None);
    }
    let (Some(version), Some(release)) = (text(Tag::Version), text(Tag::Release)) else {
        return Err("a header has no version or no release");
    };
    let epoch = header.numbers(Tag::Epoch).next().unwrap_or(0);
    let mut package =
        Package::new(PackageKind::Rpm, name, with_epoch(epoch, &format!("{version}-{release}")));
    package.architecture = text(Tag::Arch);
    package.source = text(Tag::SourceRpm).and_then(|file| source(&file, epoch));
    package.module = text(Tag::ModularityLabel);
    package.licenses = text(Tag::License).into_iter().collect();
    package.vendor = text(Tag::Vendor);
    // Packages of 4 GiB and more have the longer number in place of the shorter.
    package.installed_size =
        header.long(Tag::LongSize).or_else(|| header.numbers(Tag::Size).next().map(u64::from));
    package.provides = names(header, Tag::ProvideName);
    package.provides.retain(|provided| *provided != package.name);
    package.requires = names(header, Tag::RequireName);
    // `rpmlib(…)` asks for a feature of rpm, `(a if b)` is a formula over what is installed.
    package.requires.retain(|required| !required.starts_with("rpmlib(") && !required.starts_with('('));
    let (files, files_are_cut) = files(header, budget);
    Ok(Some(Installed { package, files, files_are_cut }))
}

/// Returns `epoch:version`, without an epoch of zero, which means none.
pub(super) fn with_epoch(epoch: u32, version: &str) -> String {
    if epoch == 0 { version.to_owned() } else { format!("{epoch}:{version}") }
}

/// Reads `bind-9.11.36-5.el8.src.rpm`. The name has no epoch; it is that of the binary package unless its author sets another,
/// which nothing in the database would tell.
pub(super) fn source(file: &str, epoch: u32) -> Option<SourcePackage> {
    let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
    let (rest, release) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let version = with_epoch(epoch, &format!("{version}-{release}"));
    (!name.is_empty()).then(|| SourcePackage { name: name.to_owned(), version })
}

fn names(header: Header<'_>, tag: Tag) -> Vec<String> {
    let mut names: Vec<&[u8]> = header.strings(tag).filter(|name| !name.is_empty()).collect();
    // The same library is asked for once per symbol version.
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(lossy).collect()
}

fn files(header: Header<'_>, budget: &mut usize) -> (PathList, bool) {
    let mut files = PathList::default();
    let mut push = |folder: &[u8], name: &[u8]| {
        let len = folder.len().saturating_add(name.len());
        // A long folder and a million short names would otherwise become gigabytes of paths.
        let Some(rest) = budget.checked_sub(len).filter(|_| len <= PATH_LIMIT) else { return };
        *budget = rest;
        files.push(&String::from_utf8_lossy(&[folder, name].concat()));
    };
    let folders: Vec<&[u8]> = header.strings(Tag::DirNames).collect();
    let indexes = header.numbers(Tag::DirIndexes);
    for (name, index) in header.strings(Tag::BaseNames).zip(indexes) {
        if let Some(folder) = usize::try_from(index).ok().and_then(|index| folders.get(index)) {
            push(folder, name);
        }
    }
    // Packages older than rpm 4.0 have whole paths.
    header.strings(Tag::OldFileNames).for_each(|path| push(b"", path));
    let promised = header.count(Tag::BaseNames).saturating_add(header.count(Tag::OldFileNames));
    let cut = files.len() < promised;
    (files, cut)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
