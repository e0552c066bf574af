//! `ADD` where `COPY` does.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-add-instead-of-copy",
        aliases: &["DL3020", "CIS-DI-0009", "AVD-DS-0005"],
        title: "`ADD` where `COPY` does",
        severity: Severity::Low,
        why: "`ADD` also unpacks archives and follows addresses, which surprises when the source changes.",
        fix: "write `COPY`",
        reference: "CIS Docker Benchmark 4.9",
    },
    bad: &["FROM debian:12\nADD src /src\n"],
    good: &[
        "FROM debian:12\nADD a.tar.gz /a\nADD --checksum=sha256:abc https://x/y /y\nCOPY src /src\n",
        "FROM debian:12\nADD git@example.org:a/b.git#v1 /b\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for add in file.instructions().filter(|one| one.keyword == "ADD" && one.heredocs.is_empty()) {
        let words = add.words();
        let sources = words.split_last().map(|(_, sources)| sources).unwrap_or_default();
        let special = |word: &String| {
            let lower = word.to_ascii_lowercase();
            lower.contains("://") || lower.starts_with("git@") || lower.contains('$') || archive(&lower)
        };
        if !sources.is_empty() && !sources.iter().any(special) {
            places.at(add.line, "`ADD` copies files and folders");
        }
    }
}

fn archive(name: &str) -> bool {
    [".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".gz", ".bz2", ".xz", ".zst"]
        .iter()
        .any(|end| name.ends_with(end))
}
