//! The digests of files in the headers of rpm's database: `FILEDIGESTS` in hexadecimal, of the algorithm that `FILEDIGESTALGO` gives by its
//! number in OpenPGP (RFC 9580, 9.5), MD5 where it is missing.
//!
//! Files that `rpm --verify` does not compare are excepted: settings, ghosts, and those marked `%verify(not filedigest)`.

use super::each_header;
use super::header::{Header, Tag};
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::contents::{Sum, from_hex};
use assay_model::path::normalise;
use std::borrow::Cow;

/// Reads them.
pub(in crate::os) struct RpmSums;

/// The bytes of paths that are kept of one database.
const PATHS_LIMIT: usize = 64 << 20;

/// `RPMFILE_CONFIG` and `RPMFILE_GHOST` of rpm's `rpmfiles.h`.
const CHANGEABLE: u32 = 1 | 1 << 6;

/// `RPMVERIFY_FILEDIGEST`.
const COMPARED: u32 = 1;

impl Analyzer for RpmSums {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "rpm-sums", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Path("var/lib/rpm/Packages"),
            Select::Path("var/lib/rpm/Packages.db"),
            Select::Path("var/lib/rpm/rpmdb.sqlite"),
            Select::Path("usr/lib/sysimage/rpm/Packages"),
            Select::Path("usr/lib/sysimage/rpm/Packages.db"),
            Select::Path("usr/lib/sysimage/rpm/rpmdb.sqlite"),
            Select::Path("usr/share/rpm/Packages"),
            Select::Path("usr/share/rpm/Packages.db"),
            Select::Path("usr/share/rpm/rpmdb.sqlite"),
        ]
    }

    fn lists_files(&self) -> bool {
        true
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let mut budget = PATHS_LIMIT;
        each_header(file.content, &mut |blob| {
            // What is damaged is said by the analyzer of the packages.
            let Some(header) = blob.ok().and_then(Header::parse) else { return };
            let name = |tag| header.string(tag).map(|name| String::from_utf8_lossy(name).into_owned());
            let Some(package) = name(Tag::Name) else { return };
            let package = match name(Tag::Arch) {
                Some(architecture) => format!("{package}:{architecture}"),
                None => package,
            };
            let files = sums(header, &mut budget);
            if !files.is_empty() {
                out.fact(Fact::Installed { manager: Cow::Borrowed("rpm"), package, files });
            }
        });
    }
}

fn sums(header: Header<'_>, budget: &mut usize) -> Vec<(String, Option<Sum>)> {
    let algorithm = header.numbers(Tag::FileDigestAlgo).next();
    let folders: Vec<&[u8]> = header.strings(Tag::DirNames).collect();
    let mut flags = header.numbers(Tag::FileFlags);
    let mut verify = header.numbers(Tag::FileVerifyFlags);
    let files = header.strings(Tag::BaseNames).zip(header.numbers(Tag::DirIndexes));
    let mut all = Vec::new();
    for ((name, folder), digest) in files.zip(header.strings(Tag::FileDigests)) {
        let is_changeable = flags.next().unwrap_or_default() & CHANGEABLE != 0;
        let is_compared = verify.next().unwrap_or(COMPARED) & COMPARED != 0;
        let Some(folder) = usize::try_from(folder).ok().and_then(|folder| folders.get(folder)) else {
            continue;
        };
        let digest = std::str::from_utf8(digest).unwrap_or_default();
        let sum = match (algorithm.unwrap_or(1), digest) {
            (1, _) => from_hex(digest).map(Sum::Md5),
            (2, _) => from_hex(digest).map(Sum::Sha1),
            (8, _) => from_hex(digest).map(Sum::Sha256),
            _ => None,
        };
        let sum = sum.filter(|_| is_compared && !is_changeable);
        // Folders and links have no digest and are not compared, either.
        if sum.is_none() && is_compared && !is_changeable {
            continue;
        }
        let Some(rest) = budget.checked_sub(folder.len().saturating_add(name.len())) else { return all };
        *budget = rest;
        let path = String::from_utf8_lossy(&[folder, name].concat()).into_owned();
        all.push((normalise(&path).to_owned(), sum));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_total, run};

    const SQLITE: &[u8] = include_bytes!("../../../testdata/rpm/rpmdb.sqlite");
    const BDB: &[u8] = include_bytes!("../../../testdata/rpm/Packages");

    #[test]
    fn digests_are_read_from_every_format() {
        for (path, content) in [("var/lib/rpm/rpmdb.sqlite", SQLITE), ("var/lib/rpm/Packages", BDB)] {
            let facts = run(&RpmSums, path, content);
            let sums = facts.paths[path].facts.iter().flat_map(|fact| match fact {
                Fact::Installed { files, .. } => files.clone(),
                _ => Vec::new(),
            });
            let sums: Vec<_> = sums.collect();
            assert!(!sums.is_empty() && sums.iter().all(|(path, _)| !path.starts_with('/')), "{sums:?}");
            assert!(sums.iter().any(|(_, sum)| matches!(sum, Some(Sum::Sha256(_)))), "{sums:?}");
        }
    }

    #[test]
    fn total() {
        check_total(&RpmSums, "var/lib/rpm/Packages");
        check_total(&RpmSums, "var/lib/rpm/rpmdb.sqlite");
    }
}
