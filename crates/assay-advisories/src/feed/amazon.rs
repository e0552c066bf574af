//! Amazon Linux errata (<https://alas.aws.amazon.com/>): the `updateinfo.xml.gz` of its repositories.
//!
//! Surprising things: repositories are found through mirror lists whose addresses change with each release, so the files are
//! read but not fetched; errata of Amazon Linux 2's extras (`ALAS2DOCKER-…`) speak about other builds of the core's package
//! names, which an inventory cannot tell apart, and are left out.

use crate::feed::updateinfo;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use std::io::Read;

/// The feed.
#[derive(Debug)]
pub struct Amazon;

impl Feed for Amazon {
    fn id(&self) -> &'static str {
        "amazon"
    }

    fn license(&self) -> &'static str {
        "Amazon Linux security centre (https://alas.aws.amazon.com/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[
            FeedFile {
                origin: "",
                path: "{repository}/repodata/updateinfo.xml.gz",
                folder: "amazon",
                values: &[],
            },
            FeedFile { origin: "", path: "updateinfo_{release}.xml.gz", folder: "amazon", values: &[] },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.contains("updateinfo") && start.contains("<update") && start.contains("<id>ALAS")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let result = updateinfo::read(file, &mut |update| {
            let id = update.child_text("id");
            let Some(ecosystem) = release(id) else { return out.ignore() };
            match updateinfo::advisory(update, &ecosystem) {
                Ok(advisory) => out.advisory(advisory),
                Err(reason) => out.reject(id, reason),
            }
        });
        if let Err(error) = result {
            out.reject(path, error);
        }
    }
}

/// Returns the release an identifier is about: `ALAS-2018-939`, `ALAS2-2018-939`, `ALAS2023-2023-001`.
fn release(id: &str) -> Option<Ecosystem> {
    let release = match id.split('-').next()? {
        "ALAS" => "1",
        "ALAS2" => "2",
        "ALAS2022" => "2022",
        "ALAS2023" => "2023",
        _ => return None,
    };
    Some(distro::by_id("amzn")?.ecosystem_of_release(release))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_errata_are_read() {
        let Some((records, counts)) = samples::read(&Amazon, "amazon", ".xml.gz") else { return };
        // One file breaks off in its last tag, after a whole erratum.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (6, 1, 0), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-2022-24903", "2023/rsyslog", "8.2204.0-3.amzn2023.0.1", State::Affected),
            ("CVE-2022-24903", "2023/rsyslog", "8.2204.0-3.amzn2023.0.2", State::Outside),
            ("CVE-2021-3872", "2022/vim-minimal", "2:8.2.3000-1.amzn2022", State::Affected),
            ("ALAS2-2018-942", "2/qemu-kvm", "10:1.5.3-141.amzn2.5.2", State::Affected),
            ("ALAS2-2018-942", "2/qemu-kvm", "10:1.5.3-141.amzn2.5.3", State::Outside),
            ("CVE-2017-5754", "2/kernel", "4.9.75-38.79.amzn2", State::Affected),
            ("CVE-2017-5754", "2/kernel", "4.9.76-38.79.amzn2", State::Outside),
            ("CVE-2017-5754", "2023/kernel", "4.9.75-38.79.amzn2", State::Silent),
        ] {
            samples::check(&records, id, "Amazon Linux", package, version, want);
        }
    }

    #[test]
    fn extras_are_left_out() {
        assert!(release("ALAS2-2018-939").is_some() && release("ALAS2DOCKER-2021-001").is_none());
    }
}
