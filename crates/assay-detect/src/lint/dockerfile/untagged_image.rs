//! A base image has no tag.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-untagged-image",
        aliases: &["DL3006"],
        title: "a base image has no tag",
        severity: Severity::Medium,
        why: "Without a tag it is `latest`: another image tomorrow.",
        fix: "name a version, and better a digest: `FROM debian:12@sha256:…`",
        reference: "",
    },
    bad: &["FROM debian\n", "FROM a:1 AS b\nFROM r.example:5000/x\n"],
    good: &[
        "FROM debian:12\n",
        "FROM a:1 AS b\nFROM b\n",
        "FROM scratch\n",
        "ARG I\nFROM $I\n",
        "FROM debian@sha256:abc\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in file.external() {
        let parts = reference::parts(&stage.image);
        if parts.tag.is_none() && parts.digest.is_none() {
            places.at(stage.from.line, format!("`{}` has no tag", stage.image));
        }
    }
}
