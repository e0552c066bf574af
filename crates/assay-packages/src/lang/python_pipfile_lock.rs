//! `Pipfile.lock` (<https://github.com/pypa/pipfile>): the section `default`, as `develop` is for development only.
//!
//! It does not say which package asks for which.

use super::lenient::{self, Table, record};
use super::lockfile::{Declared, is_inside_package, warn_if_damaged};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_model::PackageKind;

/// `Pipfile.lock`.
pub(super) struct PipfileLock;

record! {
    struct Lock {
        "default" => default: Table<Entry>,
    }
}

record! {
    struct Entry {
        "version" => version: String,
    }
}

impl Analyzer for PipfileLock {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "python-pipfile-lock", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Name("Pipfile.lock")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        if is_inside_package(file.path) {
            return;
        }
        let Some(text) = file.text(out) else { return };
        let mut lock = Lock::default();
        warn_if_damaged(lenient::json(&text, &mut lock), out);
        let mut declared = Declared::new(PackageKind::Python);
        for (name, entry) in &lock.default.0 {
            // Repositories and folders have no version.
            declared.add(name, entry.version.trim_start_matches('='), [], Vec::new());
        }
        declared.report(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lang::testing::{check, check_total};

    #[test]
    fn default_section() {
        let text = br#"{"_meta":{"pipfile-spec":6},"default":{"click":{"hashes":["sha256:8b"],"markers":"python_version >= '3.10'","version":"==8.5.1"},
            "own":{"editable":true,"path":"."},"requests":{"extras":["socks"],"version":"==2.28.1"}},"develop":{"pytest":{"version":"==7.2.0"}}}"#;
        check(&PipfileLock, "srv/Pipfile.lock", text, "~ click 8.5.1\n~ requests 2.28.1\n");
    }

    #[test]
    fn damage_keeps_what_was_read() {
        let text = br#"{"default":{"click":{"version":"==8.5.1"},"requ"#;
        check(&PipfileLock, "Pipfile.lock", text, "! damaged-lockfile\n~ click 8.5.1\n");
        check_total(&PipfileLock, "Pipfile.lock");
    }
}
