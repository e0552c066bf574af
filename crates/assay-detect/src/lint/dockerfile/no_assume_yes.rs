//! A package manager waits for an answer.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-no-assume-yes",
        aliases: &["DL3014", "DL3030", "DL3034", "DL3038", "AVD-DS-0021"],
        title: "a package manager waits for an answer",
        severity: Severity::Low,
        why: "A build cannot answer: it fails or, worse, does something else.",
        fix: "add `-y`",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN apt-get install curl=1\n", "FROM debian:12\nRUN zypper install curl=1\n"],
    good: &[
        "FROM debian:12\nRUN apt-get -qqy install curl=1\nRUN zypper -n in curl=1\nRUN dnf -y install x-1.0\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for call in
            managers::calls(&run.script).iter().filter(|call| call.installs() && !call.manager.yes.is_empty())
        {
            if !call.command.has(call.manager.yes) {
                places.at(
                    call.command.line,
                    format!(
                        "`{} {}` without `{}`",
                        call.manager.name,
                        call.verb,
                        call.manager.yes.first().unwrap_or(&"-y")
                    ),
                );
            }
        }
    }
}
