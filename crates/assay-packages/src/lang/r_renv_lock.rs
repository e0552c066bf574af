//! `renv.lock` (<https://rstudio.github.io/renv/articles/lockfile.html>).

use super::lenient::{self, Names, Table, record};
use super::lockfile::{Declared, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `renv.lock`; [`RDescription`](super::r_description::RDescription) links it.
pub(super) struct RenvLock;

record! {
    struct Lock {
        "Packages" => packages: Table<Entry>,
    }
}

record! {
    struct Entry {
        "Package" => name: String,
        "Version" => version: String,
        "Requirements" => requirements: Names,
        "License" => license: Names,
    }
}

impl Analyzer for RenvLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "r-renv-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("renv.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::json(&text, &mut lock), out);
        let mut declared = Declared::new(PackageKind::Cran);
        for (key, entry) in lock.packages.0 {
            let name = if entry.name.is_empty() { &key } else { &entry.name };
            // R itself is asked for as a package.
            let requires = entry.requirements.0.into_iter().filter(|name| name != "R");
            declared.add(name, &entry.version, requires, entry.license.0);
        }
        declared.report(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn packages() {
        let text = br#"{"R": {"Version": "4.2.3", "Repositories": [{"Name": "CRAN", "URL": "https://cloud.r-project.org"}]},
  "Packages": {
    "markdown": {"Package": "markdown", "Version": "1.0", "Source": "Repository", "Repository": "CRAN",
      "Hash": "4584a57f565dd7987d59dda3a02cfb41", "Requirements": ["R", "mime"]},
    "mime": {"Package": "mime", "Version": "0.12", "Source": "Repository"}
  }}"#;
        check(&RenvLock, "srv/renv.lock", text, "~ markdown 1.0 -> mime\n~ mime 0.12\n");
        let text = br#"{"Packages":{"a":{"Version":"1.0","Requirements":{}},"b":{"Version":"#;
        check(&RenvLock, "renv.lock", text, "! damaged-lockfile\n~ a 1.0\n");
        check_total(&RenvLock, "renv.lock");
    }
}
