//! `ADD` downloads without a digest.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-add-from-url",
        aliases: &["CIS-DI-0009"],
        title: "`ADD` downloads without a digest",
        severity: Severity::Medium,
        why: "Another file at the same address goes unnoticed, and the layer keeps it even when it is deleted later.",
        fix: "say `ADD --checksum=sha256:…`, or download and check in one `RUN`",
        reference: "CIS Docker Benchmark 4.9",
    },
    bad: &["FROM debian:12\nADD https://x.example/a.tgz /a.tgz\n"],
    good: &["FROM debian:12\nADD --checksum=sha256:abc https://x.example/a.tgz /\nADD a.tgz /\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for add in file.instructions().filter(|one| one.keyword == "ADD" && one.flag("checksum").is_none()) {
        for source in add.words() {
            if source.starts_with("http://") || source.starts_with("https://") {
                places.at(add.line, format!("`ADD` of `{source}`"));
            }
        }
    }
}
