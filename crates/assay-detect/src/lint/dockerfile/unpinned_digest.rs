//! A base image is not named by digest.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-unpinned-digest",
        aliases: &[],
        title: "a base image is not named by digest",
        severity: Severity::Negligible,
        why: "A tag can be moved to another image; only a digest names what was tested.",
        fix: "add the digest: `FROM debian:12@sha256:…`, and let a bot raise it",
        reference: "",
    },
    bad: &["FROM debian:12\n"],
    good: &["FROM debian:12@sha256:abc\n", "FROM a@sha256:x AS b\nFROM b\n", "ARG I\nFROM ${I}\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in file.external() {
        if reference::parts(&stage.image).digest.is_none() {
            places.at(stage.from.line, format!("`{}` has no digest", stage.image));
        }
    }
}
