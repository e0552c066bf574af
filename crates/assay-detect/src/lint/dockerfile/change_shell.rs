//! `/bin/sh` is replaced.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-change-shell",
        aliases: &["DL4005"],
        title: "`/bin/sh` is replaced",
        severity: Severity::Low,
        why: "Scripts of packages expect the shell that the distribution chose.",
        fix: "choose the shell of instructions with `SHELL`",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN ln -sfv /bin/bash /bin/sh\n"],
    good: &["FROM debian:12\nRUN ln -s /bin/x /bin/y\nSHELL [\"/bin/bash\", \"-c\"]\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for command in run.script.commands.iter().filter(|command| command.runs(&["ln"])) {
            if command.operands().last() == Some(&"/bin/sh") {
                places.at(command.line, "`ln` replaces `/bin/sh`");
            }
        }
    }
}
