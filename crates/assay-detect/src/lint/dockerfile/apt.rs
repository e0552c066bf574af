//! `apt` in a script.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-apt",
        aliases: &["DL3027"],
        title: "`apt` in a script",
        severity: Severity::Negligible,
        why: "`apt` is made for people: its options and output may change.",
        fix: "write `apt-get` or `apt-cache`",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN apt install -y curl=1\n"],
    good: &["FROM debian:12\nRUN apt-get install -y curl=1\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for command in run.script.commands.iter().filter(|command| command.runs(&["apt"])) {
            places.at(command.line, "`apt`");
        }
    }
}
