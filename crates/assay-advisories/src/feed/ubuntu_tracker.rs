//! Ubuntu's CVE tracker (<https://git.launchpad.net/ubuntu-cve-tracker/tree/README>): one text file per CVE, with one line per release
//! and source package: `xenial_vnc4: needed`, `bionic_bluez: released (5.48-0ubuntu3.4)`.
//!
//! Surprising things: a release of Ubuntu Pro is a stream (`esm-infra/xenial`, once `trusty/esm`) beside the plain one and counts only where
//! the plain one is out of support, does not exist, or is not spoken about: its fix is what such a system can get. Kernels of other
//! projects (`vivid/ubuntu-core`) are none of these. `DNE` means that the release has no such package.

use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::advisory::{Advisory, Affected, Fix, Range};
use assay_model::distro;
use assay_model::severity::Severity;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};

/// Bytes of one file; the largest have about 200 KB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The feed.
#[derive(Debug)]
pub struct UbuntuTracker;

impl Feed for UbuntuTracker {
    fn id(&self) -> &'static str {
        "ubuntu-tracker"
    }

    fn license(&self) -> &'static str {
        "Ubuntu security team (https://git.launchpad.net/ubuntu-cve-tracker)"
    }

    fn files(&self) -> &'static [FeedFile] {
        // Published as a Git repository only.
        &[
            FeedFile { origin: "", path: "ubuntu-cve-tracker/active/CVE-{id}", folder: "", values: &[] },
            FeedFile { origin: "", path: "ubuntu-cve-tracker/retired/CVE-{id}", folder: "", values: &[] },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let line = |key: &str| start.lines().any(|line| line.starts_with(key));
        !name.contains('.') && line("Candidate: CVE-") && line("PublicDate:")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let name = path.rsplit('/').next().unwrap_or(path);
        match read_file(file) {
            Err(error) => out.reject(name, error),
            Ok(advisory) if advisory.id.is_empty() => out.reject(name, "it names no CVE"),
            Ok(advisory) if advisory.affected.is_empty() => out.ignore(),
            Ok(advisory) => out.advisory(advisory),
        }
    }
}

/// What is said of the plain release and of Pro's stream of it.
#[derive(Default)]
struct Word {
    plain: Option<State>,
    pro: Option<State>,
}

enum State {
    Fixed(String),
    Open(Fix),
    NotAffected,
}

fn read_file(file: &mut dyn Read) -> std::io::Result<Advisory> {
    let mut advisory = Advisory::default();
    let mut words: BTreeMap<(String, &'static str), Word> = BTreeMap::new();
    let mut section = String::new();
    for line in BufReader::new(file.take(MAX_FILE)).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        if line.starts_with('#') || line.trim().is_empty() {
            continue;
        }
        if let Some(text) = line.strip_prefix(' ') {
            match section.as_str() {
                "Description" => {
                    advisory.details.push_str(text.trim());
                    advisory.details.push('\n');
                }
                "References" => advisory.references.push(text.trim().to_owned()),
                _ => {}
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        section = key.to_owned();
        let value = value.trim();
        match key {
            "Candidate" => advisory.id = value.to_owned(),
            "PublicDate" => advisory.published = value.trim_end_matches(" UTC").parse().ok(),
            "Priority" => {
                let word = value.split_whitespace().next().unwrap_or_default();
                advisory.severity =
                    Severity::from_vendor(word).filter(|severity| *severity != Severity::Unknown);
            }
            _ => {
                let Some((stream, package)) = key.split_once('_') else { continue };
                let Some((release, pro)) = release(stream) else { continue };
                let word = words.entry((package.to_owned(), release)).or_default();
                let slot = if pro { &mut word.pro } else { &mut word.plain };
                *slot = state(value);
            }
        }
    }
    let Some(ubuntu) = distro::by_id("ubuntu") else { return Ok(advisory) };
    for ((package, release), Word { plain, pro }) in words {
        let state = match (plain, pro) {
            (None | Some(State::Open(Fix::EndOfLife)), Some(pro)) => pro,
            (Some(plain), _) => plain,
            (None, None) => continue,
        };
        let mut affected = Affected::new(ubuntu.ecosystem_of_release(release), &package);
        affected.of_source = true;
        affected.severity = advisory.severity;
        match state {
            State::Fixed(version) => affected.ranges = vec![Range::until_fixed(version)],
            State::NotAffected => affected.fix = Fix::NotAffected,
            State::Open(fix) => {
                affected.fix = fix;
                affected.ranges = vec![Range::all()];
            }
        }
        advisory.affected.push(affected);
    }
    Ok(advisory)
}

/// Returns the release of a stream, and whether it is one of Ubuntu Pro.
fn release(stream: &str) -> Option<(&'static str, bool)> {
    let number = |codename: &str| {
        super::ubuntu_vex::RELEASES.iter().find(|(known, _)| *known == codename).map(|(_, number)| *number)
    };
    match stream.split_once('/') {
        None => Some((number(stream)?, false)),
        Some((codename, "esm")) => Some((number(codename)?, true)),
        Some((kind, codename)) if kind.starts_with("esm-") => Some((number(codename)?, true)),
        Some(_) => None,
    }
}

fn state(value: &str) -> Option<State> {
    let (word, detail) = value
        .split_once(' ')
        .map_or((value, ""), |(word, detail)| (word, detail.trim().trim_matches(['(', ')'])));
    let ended = detail.contains("end-of-life")
        || detail.contains("end of life")
        || detail.contains("standard support");
    Some(match word {
        "released" if !detail.is_empty() => State::Fixed(detail.to_owned()),
        "not-affected" => State::NotAffected,
        "ignored" if ended => State::Open(Fix::EndOfLife),
        "ignored" => State::Open(Fix::WontFix),
        "needed" | "needs-triage" | "pending" | "deferred" | "in-progress" | "active" if ended => {
            State::Open(Fix::EndOfLife)
        }
        "needed" | "needs-triage" | "pending" | "deferred" | "in-progress" | "active" => {
            State::Open(Fix::NotFixed)
        }
        // `DNE`, `released` without a version, and what is not known.
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State as Want};
    use proptest::prelude::*;

    #[test]
    fn real_files_are_read() {
        let Some((records, counts)) = samples::read(&UbuntuTracker, "ubuntu/ubuntu-cve-tracker", "") else {
            return;
        };
        // One file names no release of Ubuntu.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (9, 0, 1), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-2020-0556", "18.04/bluez", "5.48-0ubuntu3.3", Want::Affected),
            ("CVE-2020-0556", "18.04/bluez", "5.48-0ubuntu3.4", Want::Outside),
            ("CVE-2020-0556", "14.04/bluez", "4.101-0ubuntu13", Want::EndOfLife),
            ("CVE-2017-5192", "14.04/salt", "0.17.5", Want::EndOfLife),
            ("CVE-2017-5192", "12.04/salt", "0.17.5", Want::Silent),
            // Out of support, but Pro has a fix.
            ("CVE-2017-7702", "14.04/wireshark", "2.6.3-1~ubuntu14.04.0", Want::Affected),
            ("CVE-2017-7702", "14.04/wireshark", "2.6.3-1~ubuntu14.04.1", Want::Outside),
            ("CVE-2019-15903", "14.04/vnc4", "4.1.1", Want::NotFixed),
            ("CVE-2022-22965", "24.04/libspring-java", "4.3.30-2", Want::NotFixed),
            ("CVE-2017-9228", "12.04/php5", "5.3.10-1ubuntu3.27", Want::Affected),
        ] {
            samples::check(&records, id, "Ubuntu", package, version, want);
        }
        assert_eq!(samples::advisory(&records, "CVE-2022-22965").severity, Some(Severity::High));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn reading_is_total(text in "([a-z/]{0,8}_?[a-z]{0,4}:? ?(released|needed)? ?\\(?[0-9.]{0,4}\\)?\n){0,8}", bytes: Vec<u8>) {
            let _ = crate::sink::collect(&UbuntuTracker, "CVE-1", text.as_bytes());
            let _ = crate::sink::collect(&UbuntuTracker, "CVE-1", bytes.as_slice());
        }
    }
}
