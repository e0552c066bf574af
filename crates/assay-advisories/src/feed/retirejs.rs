//! RetireJS (<https://github.com/RetireJS/retire.js>): JavaScript libraries recognised in web pages, and their vulnerable versions.
//!
//! Surprising things: three shapes are in use. `jsrepository-v5` and older list intervals (`atOrAbove`, `below`) beside the
//! facts; `jsrepository-master` groups them in `ranges`; some entries have no identifier but an issue number. Of `excludes` nothing is made: they
//! are single builds. Libraries are named as npm names them where the repository says so.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Range, RangeEnd};
use assay_model::ecosystem::Ecosystem;
use assay_model::severity::Severity;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// Bytes of a file; the largest has about 1 MB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct RetireJs;

impl Feed for RetireJs {
    fn id(&self) -> &'static str {
        "retirejs"
    }

    fn license(&self) -> &'static str {
        "Apache-2.0 (https://github.com/RetireJS/retire.js)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[
            FeedFile {
                origin: "https://raw.githubusercontent.com/RetireJS/retire.js/master",
                path: "repository/jsrepository-v5.json",
                folder: "retirejs",
                values: &[],
            },
            FeedFile { origin: "", path: "repository/{list}.json", folder: "retirejs", values: &[] },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        (name.starts_with("jsrepository") || name.starts_with("npmrepository"))
            && name.ends_with(".json")
            && String::from_utf8_lossy(start).contains("\"retire-example\"")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        if name != "jsrepository-v5.json" {
            // The same facts in other shapes (`master`), or about Node packages as they were in 2014 (`npmrepository`).
            return out.ignore();
        }
        let libraries: BTreeMap<String, serde_json::Value> =
            match serde_json::from_reader(BufReader::new(file.take(MAX_FILE))) {
                Ok(libraries) => libraries,
                Err(error) => return out.reject(name, error),
            };
        for (name, library) in libraries {
            match serde_json::from_value::<Library>(library) {
                // A made-up library that shows the format.
                Ok(_) if name == "retire-example" => out.ignore(),
                Ok(library) => read_library(&name, library, out),
                Err(error) => out.reject(&name, error),
            }
        }
    }
}

#[derive(Deserialize)]
struct Library {
    npmname: Option<String>,
    #[serde(default)]
    vulnerabilities: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vulnerability {
    #[serde(flatten)]
    interval: Bounds,
    #[serde(default)]
    ranges: Vec<Bounds>,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    cwe: Vec<String>,
    #[serde(default)]
    info: Vec<String>,
    #[serde(default)]
    identifiers: Identifiers,
    #[serde(default)]
    summary: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounds {
    at_or_above: Option<String>,
    below: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Identifiers {
    #[serde(rename = "CVE")]
    cve: Vec<String>,
    #[serde(rename = "githubID")]
    github: Option<String>,
    retid: Option<serde_json::Value>,
    issue: Option<serde_json::Value>,
    bug: Option<serde_json::Value>,
    #[serde(rename = "PR")]
    request: Option<serde_json::Value>,
    summary: String,
}

fn read_library(library: &str, facts: Library, out: &mut AdvisorySink<'_>) {
    let package = facts.npmname.as_deref().unwrap_or(library);
    for (number, vulnerability) in facts.vulnerabilities.into_iter().enumerate() {
        match serde_json::from_value::<Vulnerability>(vulnerability) {
            Ok(vulnerability) => read_vulnerability(library, package, number, vulnerability, out),
            Err(error) => out.reject(library, error),
        }
    }
}

fn read_vulnerability(
    library: &str,
    package: &str,
    number: usize,
    vulnerability: Vulnerability,
    out: &mut AdvisorySink<'_>,
) {
    let Vulnerability { interval, ranges, severity, cwe, info, identifiers, summary } = vulnerability;
    let Identifiers { cve, github, retid, issue, bug, request, summary: short } = identifiers;
    let mut affected = Affected::new(Ecosystem::JavaScript, package);
    affected.ranges = ranges
        .into_iter()
        .chain([interval])
        .filter(|bounds| bounds.below.is_some() || bounds.at_or_above.is_some())
        .map(|bounds| Range {
            introduced: bounds.at_or_above,
            end: bounds.below.map_or(RangeEnd::Open, RangeEnd::Fixed),
        })
        .collect();
    if affected.ranges.is_empty() {
        return out.reject(library, "a vulnerability has no versions");
    }
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let several = cve.len() > 1;
    let mut names = cve.into_iter().chain(github.clone());
    let own = || {
        let tagged = [
            ("", retid.as_ref()),
            ("issue-", issue.as_ref()),
            ("bug-", bug.as_ref()),
            ("pr-", request.as_ref()),
        ];
        let tag = tagged.into_iter().find_map(|(tag, value)| Some(format!("{tag}{}", text(value?))));
        format!("RETIREJS-{library}-{}", tag.unwrap_or_else(|| number.to_string()))
    };
    let mut advisory = Advisory {
        title: if summary.is_empty() { short } else { summary },
        severity: Severity::from_vendor(&severity),
        weaknesses: cwe,
        references: info,
        ..Advisory::default()
    };
    if several {
        // Several CVEs in one entry are several vulnerabilities.
        advisory.id = own();
        advisory.fixes = names.filter(|name| name.starts_with("CVE-")).collect();
    } else {
        advisory.id = names.next().unwrap_or_else(own);
        advisory.aliases = names.collect();
    }
    advisory.affected = vec![affected];
    out.advisory(advisory);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn the_whole_repository_is_read() {
        let Some((records, counts)) = samples::read(&RetireJs, "/retirejs", ".json") else { return };
        // 723 vulnerabilities, of which the example library has one; two other files and that library are passed over.
        assert_eq!(
            (counts.used, counts.rejected, counts.ignored),
            (722, 0, 3),
            "{:?}",
            counts.first_rejected
        );
        for (id, package, version, want) in [
            ("CVE-2011-4969", "jquery", "1.6.2", State::Affected),
            ("CVE-2011-4969", "jquery", "1.6.3", State::Outside),
            ("CVE-2020-11022", "jquery", "3.4.1", State::Affected),
            ("CVE-2020-11022", "jquery", "3.5.0", State::Outside),
            ("GHSA-579v-mp3v-rrw5", "jquery", "1.0.0", State::Affected),
        ] {
            samples::check(&records, id, "JavaScript", package, version, want);
        }
    }
}
