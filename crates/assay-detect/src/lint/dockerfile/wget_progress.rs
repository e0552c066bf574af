//! `wget` draws its progress into the log.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-wget-progress",
        aliases: &["DL3047"],
        title: "`wget` draws its progress into the log",
        severity: Severity::Negligible,
        why: "Thousands of lines hide what matters.",
        fix: "add `-q` or `--progress=dot:giga`",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN wget https://x.example/y\n"],
    good: &["FROM debian:12\nRUN wget -q https://x/y\nRUN wget --progress=dot:giga https://x\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for command in run.script.commands.iter().filter(|command| command.runs(&["wget"])) {
            if !command.has(&["-q", "--quiet", "-nv", "--no-verbose", "--progress", "-o"]) {
                places.at(command.line, "`wget` without `-q` or `--progress`");
            }
        }
    }
}
