//! Debian's security tracker as one JSON file (<https://security-tracker.debian.org/tracker/data/json>): per source package,
//! vulnerability and release the state.
//!
//! Surprising things: releases are code names; version `0` means not affected; an `open` issue may carry `nodsa_reason`
//! (`ignored`, `postponed`, or empty for "no DSA"), and urgency `end-of-life` or `unimportant`; `undetermined` says nothing. The file has
//! about 60 MB, so it is streamed package by package.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::distro;
use assay_model::severity::Severity;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{BufReader, Read};

/// Bytes of the file that are read.
const MAX_FILE: u64 = 4 * 1024 * 1024 * 1024;

/// Code names and the releases advisories name. Unstable has no number and no image is made of it for use; woody and sarge were
/// both a 3.
const RELEASES: &[(&str, &str)] = &[
    ("etch", "4"),
    ("lenny", "5"),
    ("squeeze", "6"),
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
];

/// The feed.
#[derive(Debug)]
pub struct DebianTracker;

impl Feed for DebianTracker {
    fn id(&self) -> &'static str {
        "debian-tracker"
    }

    fn license(&self) -> &'static str {
        "Debian security tracker (https://security-tracker.debian.org/tracker/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://security-tracker.debian.org",
            path: "tracker/data/json",
            folder: "debian",
            values: &[],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with("json")
            && start.contains("\"CVE-")
            && start.contains("\"releases\"")
            && start.contains("\"urgency\"")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(file.take(MAX_FILE)));
        if let Err(error) = (&mut json).deserialize_map(Packages { out }) {
            out.reject(path, error);
        }
    }
}

struct Packages<'a, 'b> {
    out: &'a mut AdvisorySink<'b>,
}

impl<'de> Visitor<'de> for Packages<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of source packages")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(package) = map.next_key::<String>()? {
            map.next_value_seed(Package { name: &package, out: &mut *self.out })?;
        }
        Ok(())
    }
}

struct Package<'a, 'b> {
    name: &'a str,
    out: &'a mut AdvisorySink<'b>,
}

impl<'de> DeserializeSeed<'de> for Package<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        // One package is small (the kernel's has a few MB); a record of another shape is rejected by itself.
        let records = BTreeMap::<String, serde_json::Value>::deserialize(deserializer)?;
        for (id, record) in records {
            match serde_json::from_value::<Issue>(record) {
                Ok(issue) => read_issue(self.name, id, issue, self.out),
                Err(error) => self.out.reject(&format!("{}/{id}", self.name), error),
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    description: Option<String>,
    releases: BTreeMap<String, State>,
}

#[derive(Deserialize)]
struct State {
    status: String,
    fixed_version: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    nodsa: Option<String>,
    nodsa_reason: Option<String>,
}

fn read_issue(package: &str, id: String, issue: Issue, out: &mut AdvisorySink<'_>) {
    let mut affected = Vec::new();
    for (codename, state) in issue.releases {
        let Some((_, release)) = RELEASES.iter().find(|(name, _)| *name == codename) else { continue };
        let Some(debian) = distro::by_id("debian") else { continue };
        let mut statement = Affected::new(debian.ecosystem_of_release(release), package);
        statement.of_source = true;
        let urgency = state.urgency.as_deref().unwrap_or_default();
        statement.severity = Severity::from_vendor(urgency)
            .filter(|severity| *severity != Severity::Unknown && !urgency.starts_with("end-of-life"));
        match (state.status.as_str(), state.fixed_version) {
            ("resolved", Some(version)) if version == "0" => statement.fix = Fix::NotAffected,
            ("resolved", Some(version)) => statement.ranges = vec![Range::until_fixed(version)],
            ("open", _) => {
                statement.ranges = vec![Range::all()];
                statement.fix = if urgency.starts_with("end-of-life") {
                    Fix::EndOfLife
                } else if state.nodsa_reason.as_deref() == Some("ignored") {
                    Fix::WontFix
                } else if state.nodsa.is_some() && state.nodsa_reason.as_deref() != Some("postponed") {
                    // "No DSA" is not final, but Debian's security team will not act by itself.
                    Fix::WontFix
                } else {
                    Fix::NotFixed
                };
            }
            // `undetermined`, or resolved without a version: nothing is said.
            _ => continue,
        }
        affected.push(statement);
    }
    if affected.is_empty() {
        return out.ignore();
    }
    // `TEMP-0000000-ABCDEF` names an issue without a CVE, in this package only.
    out.advisory(Advisory {
        id,
        details: issue.description.unwrap_or_default(),
        affected,
        ..Advisory::default()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Record, collect};

    #[test]
    fn states_of_releases_are_read() {
        let json = r#"{"curl":{"CVE-1":{"description":"d","releases":{
            "bullseye":{"status":"resolved","fixed_version":"7.74.0-1","urgency":"low**"},
            "bookworm":{"status":"resolved","fixed_version":"0","urgency":"unimportant"},
            "buster":{"status":"open","urgency":"end-of-life"},
            "stretch":{"status":"open","urgency":"medium","nodsa":"Minor issue","nodsa_reason":""},
            "jessie":{"status":"open","urgency":"medium","nodsa":"Later","nodsa_reason":"postponed"},
            "wheezy":{"status":"undetermined","urgency":"not yet assigned"},
            "sid":{"status":"open","urgency":"high"}}},"CVE-2":7}}"#;
        let (records, counts) = collect(&DebianTracker, "tracker/data/json", json.as_bytes());
        let [Record::Advisory(advisory)] = &records[..] else { panic!("{records:?}") };
        let got: Vec<_> = advisory
            .affected
            .iter()
            .map(|affected| {
                format!(
                    "{} {:?} {} {:?}",
                    affected.ecosystem,
                    affected.fix,
                    affected.ranges.len(),
                    affected.severity
                )
            })
            .collect();
        assert_eq!(
            got,
            [
                "Debian:12 NotAffected 0 Some(Negligible)",
                "Debian:11 Unknown 1 Some(Low)",
                "Debian:10 EndOfLife 1 None",
                "Debian:8 NotFixed 1 Some(Medium)",
                "Debian:9 WontFix 1 Some(Medium)",
            ]
        );
        assert_eq!((counts.used, counts.rejected), (1, 1));
    }
}
