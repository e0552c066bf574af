//! Ubuntu's OpenVEX documents (<https://documentation.ubuntu.com/security/security-updates/vex/>), one per CVE. Ubuntu's OSV records are read
//! by [`super::osv`]; these add what OSV does not say: that a package is *not* affected, or will not be fixed.
//!
//! Surprising things: a product's version is the newest in the archive, not the first with the fix, so `fixed` statements bound nothing
//! and are left to OSV; streams of Ubuntu Pro (`esm-infra/xenial`) stand beside the plain release and count only where that is not
//! spoken about, or is said to be out of support.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::distro;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// Bytes of one document; the largest, of the kernel's many flavours, have about 20 MB.
const MAX_DOCUMENT: u64 = 256 * 1024 * 1024;

/// Code names and release numbers.
pub(super) const RELEASES: &[(&str, &str)] = &[
    ("precise", "12.04"),
    ("trusty", "14.04"),
    ("xenial", "16.04"),
    ("bionic", "18.04"),
    ("focal", "20.04"),
    ("groovy", "20.10"),
    ("hirsute", "21.04"),
    ("impish", "21.10"),
    ("jammy", "22.04"),
    ("kinetic", "22.10"),
    ("lunar", "23.04"),
    ("mantic", "23.10"),
    ("noble", "24.04"),
    ("oracular", "24.10"),
    ("plucky", "25.04"),
    ("questing", "25.10"),
    ("resolute", "26.04"),
];

/// The feed.
#[derive(Debug)]
pub struct UbuntuVex;

impl Feed for UbuntuVex {
    fn id(&self) -> &'static str {
        "ubuntu-vex"
    }

    fn license(&self) -> &'static str {
        "CC-BY-SA-4.0 (https://github.com/canonical/ubuntu-security-notices)"
    }

    fn files(&self) -> &'static [FeedFile] {
        // Published as one tar.xz, which is not unpacked here, and as files of a repository.
        &[FeedFile { origin: "", path: "vex/cve/{year}/CVE-{id}.json", folder: "", values: &[] }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.ends_with(".json") && start.contains("openvex.dev/ns") && start.contains("Canonical")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        match serde_json::from_reader::<_, Document>(BufReader::new(file.take(MAX_DOCUMENT))) {
            Ok(document) => read_document(name, document, out),
            Err(error) => out.reject(name, error),
        }
    }
}

#[derive(Deserialize)]
struct Document {
    timestamp: Option<String>,
    statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    #[serde(default)]
    products: Vec<Product>,
    #[serde(default)]
    status: String,
    #[serde(default)]
    action_statement: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Product {
    #[serde(rename = "@id")]
    id: String,
}

/// What is said about a source package of a release: of the plain one, and of Pro's.
#[derive(Default)]
struct Word {
    plain: Option<Fix>,
    pro: Option<Fix>,
    /// Whether a fix exists in the plain release.
    fixed: bool,
}

fn read_document(name: &str, document: Document, out: &mut AdvisorySink<'_>) {
    let Some(first) = document.statements.first() else { return out.reject(name, "it has no statements") };
    let mut advisory = Advisory {
        id: first.vulnerability.name.clone(),
        details: first.vulnerability.description.clone(),
        modified: document.timestamp.and_then(|text| text.parse().ok()),
        ..Advisory::default()
    };
    let mut words: BTreeMap<(&str, String), Word> = BTreeMap::new();
    for statement in &document.statements {
        if statement.vulnerability.name != advisory.id {
            out.reject(name, "its statements are about several vulnerabilities");
            return;
        }
        let fix = fix(&statement.status, &statement.action_statement);
        for (package, codename) in statement.products.iter().filter_map(|product| source(&product.id)) {
            let (pro, codename) =
                codename.rsplit_once('/').map_or((false, codename), |(_, codename)| (true, codename));
            let Some((_, release)) = RELEASES.iter().find(|(known, _)| *known == codename) else { continue };
            let word = words.entry((release, package)).or_default();
            word.fixed |= statement.status == "fixed" && !pro;
            let slot = if pro { &mut word.pro } else { &mut word.plain };
            *slot = fix.or(*slot);
        }
    }
    let Some(ubuntu) = distro::by_id("ubuntu") else { return };
    for ((release, package), word) in words {
        // That the code was never there is as true of a release that is out of support.
        let fix = match (word.plain, word.pro) {
            (None | Some(Fix::EndOfLife), Some(Fix::NotAffected)) if !word.fixed => Some(Fix::NotAffected),
            (None, pro) if !word.fixed => pro,
            (plain, _) => plain.filter(|_| !word.fixed),
        };
        let Some(fix) = fix else { continue };
        let mut affected = Affected::new(ubuntu.ecosystem_of_release(release), &package);
        affected.of_source = true;
        affected.fix = fix;
        if fix != Fix::NotAffected {
            affected.ranges = vec![Range::all()];
        }
        advisory.affected.push(affected);
    }
    if advisory.affected.is_empty() { out.ignore() } else { out.advisory(advisory) }
}

fn fix(status: &str, action: &str) -> Option<Fix> {
    Some(match status {
        "not_affected" => Fix::NotAffected,
        "affected" if action.contains("no longer supported") => Fix::EndOfLife,
        "affected" if action.contains("decided to not fix") => Fix::WontFix,
        "affected" | "under_investigation" => Fix::NotFixed,
        _ => return None,
    })
}

/// Reads `pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=jammy`.
fn source(purl: &str) -> Option<(String, &str)> {
    let (path, qualifiers) = purl.strip_prefix("pkg:deb/ubuntu/")?.split_once('?')?;
    let value = |name: &str| {
        qualifiers
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value))
    };
    let name = path.split('@').next()?.replace("%2B", "+").replace("%2b", "+");
    (value("arch")? == "source").then_some((name, value("distro")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};
    use proptest::prelude::*;

    #[test]
    fn real_documents_are_read() {
        let Some((records, counts)) = samples::read(&UbuntuVex, "ubuntu", ".json") else { return };
        assert_eq!((counts.used, counts.rejected, counts.ignored), (2, 0, 0), "{:?}", counts.first_rejected);
        for (id, package, want) in [
            // Fixed: OSV has the version.
            ("CVE-2023-38545", "22.04/curl", State::Silent),
            ("CVE-2023-38545", "16.04/curl", State::NotAffected),
            ("CVE-2023-38545", "18.04/curl", State::NotAffected),
            ("CVE-2016-20013", "22.04/glibc", State::WontFix),
            ("CVE-2016-20013", "24.04/zabbix", State::NotAffected),
        ] {
            samples::check(&records, id, "Ubuntu", package, "1.0", want);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(bytes: Vec<u8>, text in ".{0,40}") {
            let _ = crate::sink::collect(&UbuntuVex, "x.json", bytes.as_slice());
            let _ = source(&format!("pkg:deb/ubuntu/{text}"));
        }
    }
}
