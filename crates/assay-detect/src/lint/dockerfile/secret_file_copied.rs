//! A file with secrets is copied into the image.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-secret-file-copied",
        aliases: &["AVD-DS-0031"],
        title: "a file with secrets is copied into the image",
        severity: Severity::High,
        why: "Whoever can pull the image has the file, also when a later instruction deletes it.",
        fix: "leave it out with `.dockerignore`, or mount it with `RUN --mount=type=secret`",
        reference: "CIS Docker Benchmark 4.10",
    },
    bad: &["FROM debian:12\nCOPY .env id_rsa /app/\n", "FROM debian:12\nADD .git /src/.git\n"],
    good: &[
        "FROM debian:12\nCOPY .env.example src/ /app/\n",
        "FROM debian:12\nCOPY --from=build /x/server.key /x/\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for copy in file
        .instructions()
        .filter(|one| matches!(one.keyword.as_str(), "COPY" | "ADD") && one.flag("from").is_none())
    {
        let words = copy.words();
        for source in words.iter().take(words.len().saturating_sub(1)) {
            if let Some(what) = sensitive::secret_file(source) {
                places.at(copy.line, format!("`{source}` holds {what}"));
            }
        }
    }
}
