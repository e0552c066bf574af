//! `sudo` is used.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-sudo",
        aliases: &["DL3004", "DKL-DI-0001"],
        title: "`sudo` is used",
        severity: Severity::Medium,
        why: "A build is root already, and `sudo` in an image is a way back to root.",
        fix: "leave `sudo` out; switch users with `USER`",
        reference: "CIS Docker Benchmark 4.3",
    },
    bad: &["FROM debian:12\nRUN sudo apt-get update\n"],
    good: &["FROM debian:12\nRUN echo sudo\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for command in &run.script.commands {
            if command.words.first().is_some_and(|word| word == "sudo" || word.ends_with("/sudo")) {
                places.at(command.line, "`sudo` runs a command");
            }
        }
    }
}
