//! Alpine's security database and those of the same shape: Wolfi's, Chainguard's
//! (<https://secdb.alpinelinux.org/>). Per source package and fixed version, the vulnerabilities fixed in it.
//!
//! Surprising things: version `0` means that the package was never affected; an entry may list several identifiers of one
//! vulnerability in one string (`CVE-2019-1 XSA-2`); nothing is said about vulnerabilities without a fix.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::ecosystem::Ecosystem;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// Bytes of a file that are read; the largest has about 5 MB.
const MAX_FILE: u64 = 512 * 1024 * 1024;

/// The feed of Alpine.
#[derive(Debug)]
pub struct AlpineSecdb;

/// The feed of Wolfi and Chainguard.
#[derive(Debug)]
pub struct WolfiSecdb;

impl Feed for AlpineSecdb {
    fn id(&self) -> &'static str {
        "alpine-secdb"
    }

    fn license(&self) -> &'static str {
        "Alpine Linux security database (https://secdb.alpinelinux.org/license.txt)"
    }

    fn files(&self) -> &'static [FeedFile] {
        const ORIGIN: &str = "https://secdb.alpinelinux.org";
        const RELEASES: &[&str] = &[
            "edge", "v3.23", "v3.22", "v3.21", "v3.20", "v3.19", "v3.18", "v3.17", "v3.16", "v3.15", "v3.14",
            "v3.13", "v3.12", "v3.11", "v3.10", "v3.9", "v3.8", "v3.7", "v3.6", "v3.5", "v3.4", "v3.3",
        ];
        &[
            FeedFile {
                origin: ORIGIN,
                path: "{release}/main.json",
                folder: "alpine-secdb",
                values: RELEASES,
            },
            FeedFile {
                origin: ORIGIN,
                path: "{release}/community.json",
                folder: "alpine-secdb",
                values: RELEASES,
            },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with(".json") && start.contains("\"apkurl\"") && start.contains("/alpine\"")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        read(path, file, out, |secdb| {
            let release = secdb.distroversion.as_deref().or_else(|| path.rsplit('/').nth(1))?;
            format!("Alpine:{release}").parse().ok()
        });
    }
}

impl Feed for WolfiSecdb {
    fn id(&self) -> &'static str {
        "wolfi-secdb"
    }

    fn license(&self) -> &'static str {
        "Apache-2.0 until 2025-05-07, CC-BY-NC-ND-4.0 since"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[
            FeedFile {
                origin: "https://packages.wolfi.dev",
                path: "os/security.json",
                folder: "wolfi",
                values: &[],
            },
            FeedFile {
                origin: "https://packages.cgr.dev",
                path: "chainguard/security.json",
                folder: "chainguard",
                values: &[],
            },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with(".json")
            && start.contains("\"apkurl\"")
            && (start.contains("wolfi.dev\"") || start.contains("cgr.dev\""))
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        read(path, file, out, |secdb| {
            let name = if secdb.urlprefix.contains("wolfi") { "Wolfi" } else { "Chainguard" };
            name.parse().ok()
        });
    }
}

#[derive(Deserialize)]
struct Secdb {
    #[serde(default)]
    urlprefix: String,
    distroversion: Option<String>,
    #[serde(default)]
    packages: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Option<BTreeMap<String, Option<Vec<serde_json::Value>>>>,
}

fn read(
    path: &str,
    file: &mut dyn Read,
    out: &mut AdvisorySink<'_>,
    ecosystem: impl Fn(&Secdb) -> Option<Ecosystem>,
) {
    let secdb: Secdb = match serde_json::from_reader(BufReader::new(file.take(MAX_FILE))) {
        Ok(secdb) => secdb,
        Err(error) => return out.reject(path, error),
    };
    let Some(ecosystem) = ecosystem(&secdb) else { return out.reject(path, "the release is not named") };
    let packages = secdb.packages.unwrap_or_default();
    if !packages.is_empty() {
        out.covers(&ecosystem);
    }
    for Entry { pkg } in packages {
        for (version, ids) in pkg.secfixes.into_iter().flatten() {
            for id in ids.into_iter().flatten() {
                let Some(ids) = id.as_str() else {
                    out.reject(&pkg.name, "an identifier is not a text");
                    continue;
                };
                // The first identifier is the vulnerability; what follows are other names of it, or remarks.
                let Some(id) = ids.split_whitespace().next().map(|id| id.trim_end_matches([',', ';'])) else {
                    out.reject(&pkg.name, "an identifier is empty");
                    continue;
                };
                let mut affected = Affected::new(ecosystem.clone(), &pkg.name);
                affected.of_source = true;
                if version == "0" {
                    affected.fix = Fix::NotAffected;
                } else {
                    affected.ranges = vec![Range::until_fixed(version.as_str())];
                }
                out.advisory(Advisory { id: id.to_owned(), affected: vec![affected], ..Advisory::default() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::{Record, collect};

    #[test]
    fn fixes_and_never_affected_packages_are_read() {
        let json = r#"{"urlprefix":"https://dl-cdn.alpinelinux.org/alpine","distroversion":"v3.11","packages":[{"pkg":{"name":"xen","secfixes":{
            "0":["CVE-2020-9"],"4.1-r0":["CVE-2019-1 XSA-2","",7]}}}]}"#;
        let (records, counts) = collect(&AlpineSecdb, "v3.11/main.json", json.as_bytes());
        let got: Vec<_> = records
            .iter()
            .map(|record| match record {
                Record::Covers(ecosystem) => ecosystem.to_string(),
                Record::Advisory(advisory) => {
                    let affected = &advisory.affected[0];
                    format!(
                        "{} {} {:?} {}",
                        advisory.id,
                        affected.package,
                        affected.fix,
                        affected.ranges.len()
                    )
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(got, ["Alpine:v3.11", "CVE-2020-9 xen NotAffected 0", "CVE-2019-1 xen Unknown 1"]);
        assert_eq!((counts.used, counts.rejected), (2, 2));
    }
}
