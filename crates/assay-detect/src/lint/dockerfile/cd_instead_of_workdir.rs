//! `cd` that was meant to last.
//!
//! hadolint asks for `WORKDIR` at every `cd`; within one script `cd` is right, and only a `cd` alone is certainly a mistake.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-cd-instead-of-workdir",
        aliases: &["DL3003", "AVD-DS-0013"],
        title: "`cd` where `WORKDIR` does",
        severity: Severity::Negligible,
        why: "Each `RUN` begins where `WORKDIR` says; a `cd` is easily believed to last.",
        fix: "write `WORKDIR /folder`",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN cd /tmp\n"],
    good: &["FROM debian:12\nRUN cd /tmp && make && cd /x && ./y\n", "FROM debian:12\nRUN (cd /tmp; x)\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        if let [command] = run.script.commands.as_slice()
            && command.runs(&["cd"])
        {
            places.at(command.line, "`cd` alone changes nothing for what follows");
        }
    }
}
