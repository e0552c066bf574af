//! Azure Linux and its predecessor CBL-Mariner as OVAL (<https://github.com/microsoft/AzureLinuxVulnerabilityData>): one definition
//! per CVE and source package.
//!
//! Surprising things: the release stands in the file's name only, `affected` says just `Azure Linux`; `less than or equal` means that the
//! last build there is is affected; `patchable` is `Not Applicable` for findings that were judged not to apply.

use crate::feed::oval;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::Fix;
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use std::io::Read;

/// The feed.
#[derive(Debug)]
pub struct AzureLinux;

impl Feed for AzureLinux {
    fn id(&self) -> &'static str {
        "azure-linux"
    }

    fn license(&self) -> &'static str {
        "MIT (https://github.com/microsoft/AzureLinuxVulnerabilityData)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main",
            path: "{release}-oval.xml",
            folder: "azure-linux",
            values: &["azurelinux-3.0", "cbl-mariner-2.0", "cbl-mariner-1.0"],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with(".xml")
            && (start.contains("oval:com.microsoft.azurelinux:")
                || start.contains("oval:com.microsoft.cbl-mariner:"))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(ecosystem) = release(name) else {
            return out.reject(name, "the file's name does not tell the release");
        };
        let mut any = false;
        let result = oval::read(file, &mut |definition| {
            any = true;
            read_definition(&ecosystem, definition, out);
        });
        match result {
            Err(error) => out.reject(name, error),
            Ok(()) if any => out.covers(&ecosystem),
            Ok(()) => {}
        }
    }
}

/// Returns the release in `azurelinux-3.0-oval.xml` or `cbl-mariner-2.0-preview-oval.xml`.
fn release(name: &str) -> Option<Ecosystem> {
    let id = if name.contains("mariner") { "mariner" } else { "azurelinux" };
    let number = |part: &&str| {
        part.split_once('.').is_some_and(|(a, b)| a.parse::<u8>().is_ok() && b.parse::<u8>().is_ok())
    };
    Some(distro::by_id(id)?.ecosystem(name.split('-').find(number)?))
}

fn read_definition(ecosystem: &Ecosystem, definition: oval::Definition, out: &mut AdvisorySink<'_>) {
    let oval::Definition { mut advisory, cves, patchable, statements, .. } = definition;
    let [cve] = &cves[..] else { return out.reject(&advisory.id, "it names no CVE, or several") };
    advisory.id.clone_from(cve);
    // "CVE-1 affecting package bash 4.4.23-1" is about one package of this distribution, not about the vulnerability.
    if advisory.title.contains(" affecting package ") {
        advisory.title.clear();
    }
    for statement in &statements {
        let mut affected = statement.affected(ecosystem);
        // Definitions name source packages.
        affected.of_source = true;
        affected.severity = advisory.severity;
        if patchable.eq_ignore_ascii_case("Not Applicable") {
            affected.ranges.clear();
            affected.fix = Fix::NotAffected;
        }
        advisory.affected.push(affected);
    }
    if advisory.affected.is_empty() {
        out.reject(cve, "its criteria name no package");
    } else {
        out.advisory(advisory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn the_whole_feed_is_read() {
        let Some((records, counts)) = samples::read(&AzureLinux, "/azure-linux", ".xml") else { return };
        assert_eq!(
            (counts.used, counts.rejected, counts.ignored),
            (1222 + 2252, 0, 0),
            "{:?}",
            counts.first_rejected
        );
        for (id, release, version, want) in [
            ("CVE-2024-47191", "Azure Linux:3.0/oath-toolkit", "2.6.7-2.azl3", State::Affected),
            ("CVE-2024-47191", "Azure Linux:3.0/oath-toolkit", "2.6.7-3.azl3", State::Outside),
            ("CVE-2024-47191", "CBL-Mariner:1.0/oath-toolkit", "2.6.7-2.cm1", State::Silent),
        ] {
            let (ecosystem, package) = release.split_once('/').unwrap();
            let (distro, number) = ecosystem.split_once(':').unwrap();
            samples::check(&records, id, distro, &format!("{number}/{package}"), version, want);
        }
    }

    #[test]
    fn real_samples_are_read() {
        let Some((records, counts)) = samples::read(&AzureLinux, "azure-linux", ".xml") else { return };
        assert_eq!((counts.used, counts.rejected), (18, 0), "{:?}", counts.first_rejected);
        for (version, want) in [("1.20.6-1.azl3", State::Affected), ("1.20.7-1.azl3", State::Outside)] {
            samples::check(&records, "CVE-2023-29409", "Azure Linux", "3.0/golang", version, want);
        }
    }

    #[test]
    fn releases_stand_in_names() {
        for (name, want) in [
            ("azurelinux-3.0-oval.xml", Some("Azure Linux:3.0")),
            ("cbl-mariner-2.0-preview-oval.xml", Some("CBL-Mariner:2.0")),
            ("azure-linux-truncated-3.0-oval.xml", Some("Azure Linux:3.0")),
            ("azurelinux-oval.xml", None),
        ] {
            assert_eq!(release(name).map(|ecosystem| ecosystem.to_string()).as_deref(), want);
        }
    }
}
