//! A base image is named `latest`.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-latest-tag",
        aliases: &["DL3007", "DKL-DI-0006", "AVD-DS-0001", "DS001"],
        title: "a base image is named `latest`",
        severity: Severity::Medium,
        why: "`latest` is another image tomorrow: nothing says which one was built on.",
        fix: "name a version, and better a digest: `FROM debian:12@sha256:…`",
        reference: "",
    },
    bad: &["FROM debian:latest\n"],
    good: &["FROM debian:12\n", "FROM debian:latest@sha256:abc\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in file.external() {
        let parts = reference::parts(&stage.image);
        if parts.tag == Some("latest") && parts.digest.is_none() {
            places.at(stage.from.line, format!("`{}`", stage.image));
        }
    }
}
