//! SUSE and openSUSE: OVAL per release (<https://ftp.suse.com/pub/projects/security/oval/>), one definition per CVE; and CVRF per
//! erratum (<https://ftp.suse.com/pub/projects/security/cvrf/>, format <https://docs.oasis-open.org/csaf/csaf-cvrf/v1.2/csaf-cvrf-v1.2.html>).
//!
//! Surprising things: products are modules and extensions of a release (`SUSE Linux Enterprise Module for Basesystem 15 SP2`); all of
//! them are read as the release and service pack they belong to, long-term ones (`15 SP1-LTSS`) included, because an installed
//! system mixes their packages. CVRF gives neither epoch nor architecture.

use crate::feed::oval;
use crate::feed::xml::{Element, elements};
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Range};
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use assay_model::severity::Severity;
use std::collections::BTreeSet;
use std::io::Read;

/// The feed of OVAL definitions.
#[derive(Debug)]
pub struct SuseOval;

/// The feed of CVRF errata.
#[derive(Debug)]
pub struct SuseCvrf;

impl Feed for SuseOval {
    fn id(&self) -> &'static str {
        "suse-oval"
    }

    fn license(&self) -> &'static str {
        "SUSE security team (https://www.suse.com/support/security/oval/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://ftp.suse.com/pub/projects/security/oval",
            path: "{product}.xml.gz",
            folder: "suse",
            values: &[
                "suse.linux.enterprise.server.11",
                "suse.linux.enterprise.server.12",
                "suse.linux.enterprise.server.15",
                "opensuse.leap.15.5",
                "opensuse.leap.15.6",
                "opensuse.tumbleweed",
            ],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.contains(".xml") && start.contains("oval:org.opensuse.security:")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        if let Err(error) = oval::read(file, &mut |definition| read_definition(definition, out)) {
            out.reject(path, error);
        }
    }
}

fn read_definition(definition: oval::Definition, out: &mut AdvisorySink<'_>) {
    let oval::Definition { mut advisory, cves, statements, .. } = definition;
    let Some(cve) = oval::find_cve(&advisory.title) else {
        return out.reject(&advisory.id, "its title names no CVE");
    };
    advisory.aliases = cves.into_iter().filter(|other| *other != cve).collect();
    advisory.id = cve;
    for statement in &statements {
        let ecosystems: BTreeSet<Ecosystem> =
            statement.platforms.iter().filter_map(|platform| release(platform)).collect();
        advisory.affected.extend(ecosystems.iter().map(|ecosystem| {
            let mut affected = statement.affected(ecosystem);
            affected.severity = advisory.severity;
            affected
        }));
    }
    if advisory.affected.is_empty() { out.ignore() } else { out.advisory(advisory) }
}

impl Feed for SuseCvrf {
    fn id(&self) -> &'static str {
        "suse-cvrf"
    }

    fn license(&self) -> &'static str {
        "SUSE security team (https://www.suse.com/support/security/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        // Thousands of files listed by an index page: read from a mirror, not fetched one by one.
        &[FeedFile { origin: "", path: "cvrf/cvrf-{erratum}.xml", folder: "suse", values: &[] }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with(".xml")
            && start.contains("<cvrfdoc")
            && (start.contains("SUSE-") || start.contains("openSUSE-"))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let mut document = None;
        let result = elements(file, &["cvrfdoc"], &mut |element| document = Some(element));
        match (result, document) {
            (Err(error), _) => out.reject(name, error),
            (Ok(()), None) => out.reject(name, "it is no CVRF document"),
            (Ok(()), Some(document)) => match read_cvrf(&document) {
                Ok(advisory) if advisory.affected.is_empty() => out.ignore(),
                Ok(advisory) => out.advisory(advisory),
                Err(reason) => out.reject(name, reason),
            },
        }
    }
}

fn read_cvrf(document: &Element) -> Result<Advisory, &'static str> {
    let tracking = document.child("DocumentTracking").ok_or("it has no `DocumentTracking`")?;
    let id = tracking.child("Identification").map_or("", |identification| identification.child_text("ID"));
    if id.is_empty() {
        return Err("it has no identifier");
    }
    let notes = document.child("DocumentNotes");
    let note = |title: &str| {
        let found =
            notes.iter().flat_map(|notes| notes.all("Note")).find(|note| note.attribute("Title") == title);
        found.map_or("", |note| note.text.trim()).to_owned()
    };
    let references = document.child("DocumentReferences");
    let mut advisory = Advisory {
        id: id.to_owned(),
        title: document.child_text("DocumentTitle").to_owned(),
        details: note("Details"),
        published: tracking.child_text("InitialReleaseDate").parse().ok(),
        modified: tracking.child_text("CurrentReleaseDate").parse().ok(),
        references: references
            .iter()
            .flat_map(|references| references.all("Reference"))
            .map(|reference| reference.child_text("URL").to_owned())
            .filter(|url| !url.is_empty())
            .collect(),
        ..Advisory::default()
    };
    let mut fixed: BTreeSet<(Ecosystem, String, String)> = BTreeSet::new();
    for vulnerability in document.all("Vulnerability") {
        advisory.fixes.extend(oval::find_cve(vulnerability.child_text("CVE")));
        for threat in vulnerability.all("Threats").flat_map(|threats| threats.all("Threat")) {
            advisory.severity =
                advisory.severity.max(Severity::from_vendor(threat.child_text("Description")));
        }
        let statuses = vulnerability.all("ProductStatuses").flat_map(|statuses| statuses.all("Status"));
        for product in statuses
            .filter(|status| status.attribute("Type") == "Fixed")
            .flat_map(|status| status.all("ProductID"))
        {
            fixed.extend(read_product(product.text.trim()));
        }
    }
    advisory.fixes.sort_unstable();
    advisory.fixes.dedup();
    advisory.affected = fixed
        .into_iter()
        .map(|(ecosystem, package, version)| {
            let mut affected = Affected::new(ecosystem, &package);
            affected.ranges = vec![Range::until_fixed(version)];
            affected
        })
        .collect();
    Ok(advisory)
}

/// Reads `SUSE Linux Enterprise Server 11 SP4:ofed-devel-1.5.4.1-22.3.1`.
fn read_product(product: &str) -> Option<(Ecosystem, String, String)> {
    let (platform, package) = product.rsplit_once(':')?;
    let (rest, release_part) = package.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    if name.is_empty() || name.ends_with("-debuginfo") || name.ends_with("-debugsource") {
        return None;
    }
    Some((release(platform)?, name.to_owned(), format!("{version}-{release_part}")))
}

/// Returns the release a product belongs to.
fn release(platform: &str) -> Option<Ecosystem> {
    if platform.starts_with("openSUSE Tumbleweed") {
        return Some(distro::by_id("opensuse-tumbleweed")?.ecosystem(""));
    }
    let number = |word: &str| -> Option<String> {
        let digits: String = word.chars().take_while(|char| char.is_ascii_digit() || *char == '.').collect();
        (!digits.is_empty()).then_some(digits)
    };
    if let Some(rest) = platform.strip_prefix("openSUSE ") {
        let rest = rest.strip_prefix("Leap ").unwrap_or(rest);
        return Some(distro::by_id("opensuse-leap")?.ecosystem(&number(rest)?));
    }
    let rest =
        platform.strip_prefix("SUSE Linux Enterprise ").or_else(|| platform.strip_prefix("SUSE Linux "))?;
    let mut words = rest.split_whitespace().skip_while(|word| number(word).is_none());
    let version = number(words.next()?)?;
    let pack = words.next().and_then(|word| number(word.strip_prefix("SP")?));
    let version = pack.map_or(version.clone(), |pack| format!("{version}.{pack}"));
    Some(distro::by_id("sles")?.ecosystem(&version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_oval_is_read() {
        let Some((records, counts)) = samples::read(&SuseOval, "suse", ".xml") else { return };
        // The tests of one definition were cut away.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (4, 0, 0), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-1999-0524", "15/kernel-default", "4.12.14-25.3.1", State::NotAffected),
            ("CVE-2021-29154", "15/kernel-default", "4.12.14-150.69.1", State::Affected),
            ("CVE-2021-29154", "15/kernel-default", "4.12.14-150.72.1", State::Outside),
            ("CVE-2021-29154", "15.1/kernel-default", "4.12.14-197.86.1", State::Affected),
            ("CVE-2021-29154", "15.1/kernel-default", "4.12.14-197.89.2", State::Outside),
            ("CVE-2010-1323", "15/krb5-client", "1.15.2-4.24", State::Affected),
            ("CVE-2010-1323", "15/krb5-client", "1.15.2-4.25", State::Outside),
        ] {
            samples::check(&records, id, "SUSE", package, version, want);
        }
    }

    #[test]
    fn real_cvrf_is_read() {
        let Some((records, counts)) = samples::read(&SuseCvrf, "suse", ".xml") else { return };
        // One erratum names no products.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (10, 0, 1), "{:?}", counts.first_rejected);
        for (id, distro, package, version, want) in [
            ("SUSE-SU-2018:1784-1", "SUSE", "11.4/ofed", "1.5.4.1-22.3.0", State::Affected),
            ("CVE-2017-5715", "SUSE", "11.4/ofed", "1.5.4.1-22.3.1", State::Outside),
            ("CVE-2017-5715", "SUSE", "12.4/ofed", "1.5.4.1-22.3.1", State::Silent),
        ] {
            samples::check(&records, id, distro, package, version, want);
        }
    }

    #[test]
    fn products_belong_to_releases() {
        for (product, want) in [
            ("SUSE Linux Enterprise Server 15 SP1-LTSS", Some("SUSE:15.1")),
            ("SUSE Linux Enterprise Server 15-LTSS", Some("SUSE:15")),
            ("SUSE Linux Enterprise Module for Basesystem 15 SP2", Some("SUSE:15.2")),
            ("SUSE Linux Enterprise Server for SAP Applications 12 SP5", Some("SUSE:12.5")),
            ("SUSE Linux Enterprise Micro 5.1", Some("SUSE:5.1")),
            ("openSUSE Leap 15.0", Some("openSUSE:Leap 15.0")),
            ("openSUSE Tumbleweed", Some("openSUSE Tumbleweed")),
            ("SUSE Manager Server 4.1", None),
        ] {
            assert_eq!(release(product).map(|ecosystem| ecosystem.to_string()).as_deref(), want, "{product}");
        }
    }
}
