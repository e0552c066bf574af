//! Fedora updates as Bodhi serves them (<https://bodhi.fedoraproject.org/docs/server_api/>), one JSON document per update.
//!
//! Surprising things: CVEs stand in the titles of bugs; builds are source packages (`httpd-2.4.55-1.fc36`); EPEL updates are about
//! packages beside RHEL's own and are left out, lest they pass for an assessment of RHEL; updates that are not yet, or no longer, stable fix nothing.

use crate::feed::oval::find_cve;
use crate::feed::updateinfo::evr;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Range};
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use assay_model::severity::Severity;
use serde::Deserialize;
use std::io::{BufReader, Read};

/// Bytes of one update; the largest, of a desktop's hundreds of packages, have about 1 MB.
const MAX_UPDATE: u64 = 64 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct Fedora;

impl Feed for Fedora {
    fn id(&self) -> &'static str {
        "fedora"
    }

    fn license(&self) -> &'static str {
        "Fedora Project (https://bodhi.fedoraproject.org/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        // The API answers page by page to a query, which no file path expresses.
        &[FeedFile { origin: "", path: "bodhi/FEDORA-{id}.json", folder: "fedora", values: &[] }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.starts_with("FEDORA-") && name.ends_with(".json") && start.contains("\"alias\"")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        match serde_json::from_reader::<_, Update>(BufReader::new(file.take(MAX_UPDATE))) {
            Ok(update) => read_update(update, out),
            Err(error) => out.reject(name, error),
        }
    }
}

#[derive(Deserialize)]
struct Update {
    alias: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    notes: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    severity: String,
    date_submitted: Option<String>,
    date_modified: Option<String>,
    #[serde(default)]
    url: String,
    release: Release,
    #[serde(default)]
    bugs: Vec<Bug>,
    #[serde(default)]
    builds: Vec<Build>,
}

#[derive(Deserialize)]
struct Release {
    #[serde(default)]
    version: String,
    #[serde(default)]
    id_prefix: String,
}

#[derive(Deserialize)]
struct Bug {
    #[serde(default)]
    title: Option<String>,
}

#[derive(Deserialize)]
struct Build {
    nvr: String,
    #[serde(default)]
    epoch: Option<u64>,
}

fn read_update(update: Update, out: &mut AdvisorySink<'_>) {
    if update.kind != "security" || update.status != "stable" {
        return out.ignore();
    }
    let Some(ecosystem) = release(&update.release) else { return out.ignore() };
    let time = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let severity = Severity::from_vendor(&update.severity).filter(|severity| *severity != Severity::Unknown);
    let mut fixes: Vec<String> = Vec::new();
    for text in update
        .bugs
        .iter()
        .filter_map(|bug| bug.title.as_deref())
        .chain([update.notes.as_str(), &update.title])
    {
        fixes.extend(text.split([' ', ',', '\n', '(', ')', ':']).filter_map(find_cve));
    }
    fixes.sort_unstable();
    fixes.dedup();
    let mut affected = Vec::new();
    for build in &update.builds {
        let Some((rest, release)) = build.nvr.rsplit_once('-') else { continue };
        let Some((name, version)) = rest.rsplit_once('-') else { continue };
        let epoch = build.epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
        let mut statement = Affected::new(ecosystem.clone(), name);
        statement.of_source = true;
        statement.ranges = vec![Range::until_fixed(evr(&epoch, &format!("{version}-{release}")))];
        affected.push(statement);
    }
    if affected.is_empty() {
        return out.reject(&update.alias, "it names no build");
    }
    out.advisory(Advisory {
        id: update.alias,
        fixes,
        title: update.title,
        details: update.notes,
        severity,
        published: time(update.date_submitted),
        modified: time(update.date_modified),
        references: Some(update.url).filter(|url| !url.is_empty()).into_iter().collect(),
        affected,
        ..Advisory::default()
    });
}

fn release(release: &Release) -> Option<Ecosystem> {
    if release.version.is_empty() || !release.version.starts_with(|char: char| char.is_ascii_digit()) {
        return None;
    }
    if release.id_prefix != "FEDORA" {
        return None;
    }
    Some(distro::by_id("fedora")?.ecosystem(&release.version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_updates_are_read() {
        let Some((records, counts)) = samples::read(&Fedora, "fedora/bodhi", ".json") else { return };
        // Two are of EPEL.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (4, 0, 2), "{:?}", counts.first_rejected);
        for (id, distro, package, version, want) in [
            ("CVE-2022-37436", "Fedora", "36/httpd", "2.4.54-5.fc36", State::Affected),
            ("CVE-2022-36760", "Fedora", "36/httpd", "2.4.55-1.fc36", State::Outside),
            ("CVE-2022-36760", "Fedora", "35/httpd", "2.4.54-5.fc35", State::Silent),
        ] {
            samples::check(&records, id, distro, package, version, want);
        }
        assert_eq!(samples::advisory(&records, "FEDORA-2023-6d4055d482").fixes.len(), 3);
    }
}
