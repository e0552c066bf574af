//! Bottlerocket errata (<https://github.com/bottlerocket-os/bottlerocket/blob/develop/SECURITY_FEATURES.md>), published as
//! `updateinfo.xml.gz`.

use crate::feed::updateinfo;
use crate::feed::{Feed, FeedFile};
use crate::sink::AdvisorySink;
use assay_model::distro;
use std::io::Read;

/// The feed.
#[derive(Debug)]
pub struct Bottlerocket;

impl Feed for Bottlerocket {
    fn id(&self) -> &'static str {
        "bottlerocket"
    }

    fn license(&self) -> &'static str {
        "Apache-2.0 OR MIT (https://github.com/bottlerocket-os)"
    }

    fn files(&self) -> &'static [FeedFile] {
        &[FeedFile {
            origin: "https://advisories.bottlerocket.aws",
            path: "updateinfo.xml.gz",
            folder: "bottlerocket",
            values: &[],
        }]
    }

    fn recognise(&self, name: &str, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        name.contains("updateinfo") && start.contains("<update") && start.contains("<id>BRSA-")
    }

    fn read(&self, path: &str, file: &mut dyn Read, out: &mut AdvisorySink<'_>) {
        let Some(distro) = distro::by_id("bottlerocket") else { return };
        let ecosystem = distro.ecosystem_of_release("");
        let result = updateinfo::read(file, &mut |update| match updateinfo::advisory(update, &ecosystem) {
            Ok(advisory) => out.advisory(advisory),
            Err(reason) => out.reject(update.child_text("id"), reason),
        });
        if let Err(error) = result {
            out.reject(path, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::samples::{self, State};

    #[test]
    fn real_errata_are_read() {
        let Some((records, counts)) = samples::read(&Bottlerocket, "bottlerocket", ".xml.gz") else { return };
        assert_eq!((counts.used, counts.rejected, counts.ignored), (2, 0, 0), "{:?}", counts.first_rejected);
        for (id, package, version, want) in [
            ("CVE-2024-43840", "kernel-6.1", "6.1.139-1.1749663821.e27d1b03.br1", State::Affected),
            ("CVE-2024-43840", "kernel-6.1", "6.1.140-1.1749663821.e27d1b03.br1", State::Outside),
            (
                "CVE-2024-43840",
                "bottlerocket-kernel-6.1",
                "6.1.139-1.1749663821.e27d1b03.br1",
                State::Affected,
            ),
        ] {
            samples::check(&records, id, "Bottlerocket", package, version, want);
        }
    }
}
