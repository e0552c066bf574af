//! The feeds: one file each, and the list of them all.

use crate::sink::AdvisorySink;
use std::io::Read;

pub mod alpine_secdb;
pub mod amazon;
pub mod arch;
pub mod azure_linux;
pub mod bottlerocket;
pub mod cve5;
pub mod debian_tracker;
pub mod endoflife;
pub mod epss;
pub mod exploitdb;
pub mod fedora;
pub mod kev;
pub mod nvd;
pub mod oracle;
pub mod osv;
pub mod photon;
pub mod redhat_csaf_vex;
pub mod retirejs;
pub mod rocky;
pub mod suse;
pub mod ubuntu_tracker;
pub mod ubuntu_vex;

mod cpe;
mod oval;
#[cfg(test)]
mod samples;
mod updateinfo;
mod xml;

/// Every feed. To add one, write `feed/<name>.rs` and add its `mod` line and its line here.
pub const FEEDS: &[&dyn Feed] = &[
    &osv::Osv,
    &kev::CisaKev,
    &epss::FirstEpss,
    &alpine_secdb::AlpineSecdb,
    &alpine_secdb::WolfiSecdb,
    &debian_tracker::DebianTracker,
    &endoflife::EndOfLifeDate,
    &redhat_csaf_vex::RedHatCsafVex,
    &amazon::Amazon,
    &rocky::Rocky,
    &oracle::Oracle,
    &suse::SuseOval,
    &suse::SuseCvrf,
    &photon::Photon,
    &azure_linux::AzureLinux,
    &arch::Arch,
    &bottlerocket::Bottlerocket,
    &fedora::Fedora,
    &ubuntu_vex::UbuntuVex,
    &ubuntu_tracker::UbuntuTracker,
    &nvd::Nvd,
    &cve5::Cve5,
    &exploitdb::ExploitDb,
    &retirejs::RetireJs,
];

/// A source of advisories, or of facts about vulnerabilities, in its publisher's own format.
pub trait Feed: Sync {
    /// Returns the feed's name in reports, such as `debian-tracker`.
    fn id(&self) -> &'static str;

    /// Returns the licence of its data.
    fn license(&self) -> &'static str;

    /// Returns where its files are; the caller fetches or finds them.
    fn files(&self) -> &'static [FeedFile];

    /// Returns whether a file whose path is none of [`Self::files`] is of this feed, by its name and unpacked first bytes (up to
    /// 4 KiB). It is asked only about files the user points at; the default is no.
    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let _ = (name, start);
        false
    }

    /// Reads one file into `out`. `path` is the file's path as published, which may name a release or a repository.
    ///
    /// The caller has unpacked the file: `file` is free of gzip, zstd and xz; a zip or tar archive is handed over entry by
    /// entry, with `path` being the archive's path, a `/`, and the entry's name. The bytes are hostile and may be
    /// huge: JSON arrays of records are streamed, never held as one tree.
    ///
    /// A record that cannot be read is handed to [`AdvisorySink::reject`] and the rest is read; nothing here fails.
    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>);
}

/// Where files of a feed are, and how they are recognised in a folder laid out as their publisher serves them.
#[derive(Debug, Clone, Copy)]
pub struct FeedFile {
    /// Host and scheme of the public endpoint, such as `https://secdb.alpinelinux.org`; `--mirror` replaces it.
    pub origin: &'static str,
    /// The path of the file under `origin`. `{…}` stands for one path segment or part of one.
    /// An empty origin means that the file is recognised but never fetched.
    pub path: &'static str,
    /// The folder under which a mirror of several publishers keeps this origin, such as `alpine-secdb`.
    pub folder: &'static str,
    /// The values `{…}` takes when fetching; empty when the path has none.
    pub values: &'static [&'static str],
}
