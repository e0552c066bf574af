//! Rocky Linux errata (<https://errata.rockylinux.org/>): the `updateinfo.xml` of its repositories. Their OSV form is read by [`super::osv`].
//!
//! Surprising things: the file's name carries its checksum and is found through `repomd.xml`, so it is read but not fetched; bug
//! fix updates are in it too; the release stands in the text of `release`.

use crate::feed::updateinfo;
use crate::feed::xml::Element;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::distro;
use assay_model::ecosystem::Ecosystem;
use std::io::Read;

/// The feed.
#[derive(Debug)]
pub struct Rocky;

impl Feed for Rocky {
    fn id(&self) -> &'static str {
        "rocky"
    }

    fn license(&self) -> &'static str {
        "Rocky Enterprise Software Foundation (https://errata.rockylinux.org/)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[
            FeedFile { origin: "", path: "os/repodata/{sum}-updateinfo.xml.gz", folder: "", values: &[] },
            FeedFile { origin: "", path: "updateinfo/updateinfo.xml", folder: "rocky", values: &[] },
        ]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.contains("updateinfo") && start.contains("<update") && start.contains("Rocky Linux")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let result = updateinfo::read(file, &mut |update| {
            if update.attribute("type") != "security" {
                return out.ignore();
            }
            let id = update.child_text("id");
            let Some(ecosystem) = release(update) else { return out.reject(id, "the release is not named") };
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

fn release(update: &Element) -> Option<Ecosystem> {
    let release = update.child_text("release").strip_prefix("Rocky Linux ")?;
    Some(distro::by_id("rocky")?.ecosystem(release.split_whitespace().next()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_errata_are_read() {
        let Some((records, counts)) = samples::read(&Rocky, "rocky", "updateinfo.xml") else { return };
        // The fourth update fixes bugs.
        assert_eq!((counts.used, counts.rejected, counts.ignored), (3, 0, 1), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-2021-3520", "8/lz4", "1.8.3-2.el8", State::Affected),
            ("CVE-2021-3520", "8/lz4", "1.8.3-3.el8_4", State::Outside),
            ("CVE-2021-3520", "9/lz4", "1.8.3-2.el8", State::Silent),
            ("RLBA-2021:2580", "8/firewalld", "0.1-1", State::Silent),
        ] {
            samples::check(&records, id, "Rocky Linux", package, version, want);
        }
        let modular = samples::advisory(&records, "RLSA-2019:1972");
        assert!(
            modular.affected.iter().all(|affected| affected.module.as_deref() == Some("ruby:2.6")),
            "{modular:#?}"
        );
    }
}
