//! Arch Linux's security tracker (<https://security.archlinux.org/>) as one JSON list of groups (AVG): packages, the first known
//! affected version, the fixed one, and the CVEs.
//!
//! Surprising things: `affected` is the version in which the issue was found, not the first that has it, so everything before the fix
//! is affected; status `Not affected` also lists packages; names are those of packages as installed.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use assay_model::severity::Severity;
use serde::Deserialize;
use std::io::{BufReader, Read};

/// Bytes of the file; it has about 1 MB.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct Arch;

impl Feed for Arch {
    fn id(&self) -> &'static str {
        "arch"
    }

    fn license(&self) -> &'static str {
        "Arch Linux security tracker (https://security.archlinux.org/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://security.archlinux.org",
            path: "all.json",
            folder: "arch",
            values: &[],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        name.ends_with(".json") && String::from_utf8_lossy(start).contains("\"AVG-")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let groups: Vec<serde_json::Value> =
            match serde_json::from_reader(BufReader::new(file.take(MAX_FILE))) {
                Ok(groups) => groups,
                Err(error) => return out.reject(path, error),
            };
        let Some(ecosystem) = distro::by_id("arch").map(|arch| arch.ecosystem("")) else { return };
        for group in groups {
            match serde_json::from_value::<Group>(group) {
                Ok(group) => read_group(&ecosystem, group, out),
                Err(error) => out.reject(path, error),
            }
        }
    }
}

#[derive(Deserialize)]
struct Group {
    name: String,
    packages: Vec<String>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    severity: String,
    #[serde(rename = "type", default)]
    kind: String,
    fixed: Option<String>,
    #[serde(default)]
    issues: Vec<String>,
}

fn read_group(ecosystem: &Ecosystem, group: Group, out: &mut AdvisorySink<'_>) {
    let severity = Severity::from_vendor(&group.severity).filter(|severity| *severity != Severity::Unknown);
    let affected = |package: &String| {
        let mut affected = Affected::new(ecosystem.clone(), package);
        affected.severity = severity;
        match (group.status.as_str(), &group.fixed) {
            ("Not affected", _) => affected.fix = Fix::NotAffected,
            (_, Some(fixed)) => affected.ranges = vec![Range::until_fixed(fixed.as_str())],
            (_, None) => {
                affected.ranges = vec![Range::all()];
                affected.fix = Fix::NotFixed;
            }
        }
        affected
    };
    let affected: Vec<Affected> = group.packages.iter().map(affected).collect();
    if affected.is_empty() {
        return out.reject(&group.name, "it names no package");
    }
    out.advisory(Advisory {
        title: group.kind,
        severity,
        references: vec![format!("https://security.archlinux.org/{}", group.name)],
        id: group.name,
        fixes: group.issues.into_iter().filter(|issue| issue.starts_with("CVE-")).collect(),
        affected,
        ..Advisory::default()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_groups_are_read() {
        let Some((records, counts)) = samples::read(&Arch, "arch", ".json") else { return };
        assert_eq!((counts.used, counts.rejected, counts.ignored), (7, 0, 0), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-2016-7167", "curl", "7.50.2-1", State::Affected),
            ("CVE-2016-7167", "curl", "7.50.3-1", State::Outside),
            ("AVG-4", "bzip2", "1.0.6-5", State::Affected),
            ("CVE-2025-6020", "pam", "1.7.0-2", State::NotFixed),
        ] {
            samples::check(&records, id, "Arch Linux", package, version, want);
        }
    }
}
