//! More than one `CMD` in a stage.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-multiple-cmd",
        aliases: &["DL4003", "AVD-DS-0016"],
        title: "more than one `CMD` in a stage",
        severity: Severity::Medium,
        why: "Only the last counts; the others mislead.",
        fix: "leave one",
        reference: "",
    },
    bad: &["FROM debian:12\nCMD [\"a\"]\nCMD [\"b\"]\n"],
    good: &["FROM a:1\nCMD [\"a\"]\nFROM b:1\nCMD [\"b\"]\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        for instruction in stage.of("CMD").skip(1) {
            places.at(instruction.line, "another `CMD`");
        }
    }
}
