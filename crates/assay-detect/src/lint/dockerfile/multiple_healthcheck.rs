//! More than one `HEALTHCHECK` in a stage.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-multiple-healthcheck",
        aliases: &["DL3012", "AVD-DS-0023"],
        title: "more than one `HEALTHCHECK` in a stage",
        severity: Severity::Medium,
        why: "Only the last counts; the others mislead.",
        fix: "leave one",
        reference: "",
    },
    bad: &["FROM debian:12\nHEALTHCHECK CMD a\nHEALTHCHECK CMD b\n"],
    good: &["FROM a:1\nHEALTHCHECK CMD a\nFROM b:1\nHEALTHCHECK CMD a\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        for instruction in stage.of("HEALTHCHECK").skip(1) {
            places.at(instruction.line, "another `HEALTHCHECK`");
        }
    }
}
