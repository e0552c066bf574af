//! More than one `ENTRYPOINT` in a stage.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-multiple-entrypoint",
        aliases: &["DL4004", "AVD-DS-0007"],
        title: "more than one `ENTRYPOINT` in a stage",
        severity: Severity::Medium,
        why: "Only the last counts; the others mislead.",
        fix: "leave one",
        reference: "",
    },
    bad: &["FROM debian:12\nENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]\n"],
    good: &["FROM a:1\nENTRYPOINT [\"a\"]\nFROM b:1\nENTRYPOINT [\"b\"]\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        for instruction in stage.of("ENTRYPOINT").skip(1) {
            places.at(instruction.line, "another `ENTRYPOINT`");
        }
    }
}
