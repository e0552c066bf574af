//! Photon OS: the CVE metadata per release (<https://packages.vmware.com/photon/photon_cve_metadata/>), and its OVAL of errata.
//!
//! Surprising things: the release stands in the file's name only; `res_ver` is empty or `NA` where nothing was fixed, and one CVE
//! of one package may be listed with several fixed versions, of which the newest holds.

use crate::feed::oval;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use serde::Deserialize;
use std::io::{BufReader, Read};

/// Bytes of a file; the largest has about 10 MB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct Photon;

impl Feed for Photon {
    fn id(&self) -> &'static str {
        "photon"
    }

    fn license(&self) -> &'static str {
        "Photon OS security advisories (https://github.com/vmware/photon/wiki/Security-Advisories)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[
            FeedFile {
                origin: "https://packages.vmware.com/photon/photon_cve_metadata",
                path: "cve_data_photon{release}.json",
                folder: "photon",
                values: &["1.0", "2.0", "3.0", "4.0", "5.0"],
            },
            FeedFile {
                origin: "",
                path: "com.vmware.phsa-photon{release}.xml",
                folder: "photon",
                values: &[],
            },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let metadata = name.starts_with("cve_data_photon") && name.ends_with(".json");
        metadata
            || (name.ends_with(".xml") && String::from_utf8_lossy(start).contains("oval:com.vmware.phsa:"))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name.ends_with(".json") {
            read_metadata(name, file, out);
        } else if let Err(error) = oval::read(file, &mut |definition| read_definition(definition, out)) {
            out.reject(name, error);
        }
    }
}

#[derive(Deserialize)]
struct Entry {
    cve_id: String,
    pkg: String,
    #[serde(default)]
    res_ver: Option<String>,
    #[serde(default)]
    status: Option<String>,
}

fn read_metadata(name: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
    let release: String = name
        .trim_start_matches("cve_data_photon")
        .chars()
        .take_while(|char| char.is_ascii_digit() || *char == '.')
        .collect();
    let Some(ecosystem) = distro::by_id("photon")
        .filter(|_| release.starts_with(|char: char| char.is_ascii_digit()))
        .map(|photon| photon.ecosystem(release.trim_end_matches('.')))
    else {
        return out.reject(name, "the file's name does not tell the release");
    };
    let entries: Vec<serde_json::Value> = match serde_json::from_reader(BufReader::new(file.take(MAX_FILE))) {
        Ok(entries) => entries,
        Err(error) => return out.reject(name, error),
    };
    for entry in entries {
        match serde_json::from_value::<Entry>(entry) {
            Ok(entry) => read_entry(&ecosystem, &entry, out),
            Err(error) => out.reject(name, error),
        }
    }
}

fn read_entry(ecosystem: &Ecosystem, entry: &Entry, out: &mut AdvisorySink<'_>) {
    let id = entry.cve_id.trim();
    if id.starts_with("UNK-") {
        // A number of Photon's own for what has none.
        return out.ignore();
    }
    let known = id.starts_with("BDSA-") || oval::find_cve(id).as_deref() == Some(id);
    if !known || entry.pkg.trim().is_empty() {
        return out.reject(&format!("{}/{id}", entry.pkg), "it names no CVE or no package");
    }
    let mut affected = Affected::new(ecosystem.clone(), entry.pkg.trim());
    affected.of_source = true;
    let fixed = entry.res_ver.as_deref().unwrap_or_default().trim();
    let status = entry.status.as_deref().unwrap_or_default();
    if status.eq_ignore_ascii_case("not affected") {
        affected.fix = Fix::NotAffected;
    } else if fixed.is_empty() || fixed.eq_ignore_ascii_case("NA") {
        affected.ranges = vec![Range::all()];
        affected.fix = Fix::NotFixed;
    } else {
        affected.ranges = vec![Range::until_fixed(fixed)];
    }
    out.advisory(Advisory { id: id.to_owned(), affected: vec![affected], ..Advisory::default() });
}

fn read_definition(definition: oval::Definition, out: &mut AdvisorySink<'_>) {
    let oval::Definition { mut advisory, cves, statements, .. } = definition;
    // `PHSA-2020:00001 sqlite Security Update. (Important)`
    let Some(id) = advisory.title.split_whitespace().next().filter(|id| id.starts_with("PHSA-")) else {
        return out.reject(&advisory.id, "its title names no PHSA");
    };
    advisory.id = id.to_owned();
    advisory.fixes = cves;
    for statement in &statements {
        let releases = statement.platforms.iter().filter_map(|platform| platform.strip_prefix("Photon OS "));
        for release in releases {
            let release = if release.contains('.') { release.to_owned() } else { format!("{release}.0") };
            let Some(photon) = distro::by_id("photon") else { return };
            advisory.affected.push(statement.affected(&photon.ecosystem(&release)));
        }
    }
    if advisory.affected.is_empty() {
        out.reject(&advisory.id, "it names no package and release");
    } else {
        out.advisory(advisory);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_records_are_read() {
        let Some((records, counts)) = samples::read(&Photon, "photon", "") else { return };
        // 222 definitions and 28 entries: one of an unknown number (`UNK-1`), one of a malformed one, one in a file of no release.
        assert_eq!(
            (counts.used, counts.rejected, counts.ignored),
            (247, 2, 1),
            "{:?}",
            counts.first_rejected
        );
        for (id, package, version, want) in [
            ("CVE-2023-38545", "4.0/curl", "7.88.1-3.ph4", State::Affected),
            ("CVE-2023-38545", "4.0/curl", "7.88.1-4.ph4", State::Outside),
            ("CVE-2016-1238", "1.0/perl", "5.22.1-3.ph1", State::Affected),
            ("PHSA-2020:00001", "3.0/sqlite-libs", "3.27.2-4.ph3", State::Affected),
            ("CVE-2019-16168", "3.0/sqlite-libs", "3.27.2-5.ph3", State::Outside),
        ] {
            samples::check(&records, id, "Photon OS", package, version, want);
        }
    }
}
