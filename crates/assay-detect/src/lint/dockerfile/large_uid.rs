//! A user with a large number is made with its log entries.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-large-uid",
        aliases: &["DL3046"],
        title: "a user with a large number is made with its log entries",
        severity: Severity::Low,
        why: "`useradd` writes `/var/log/lastlog` up to the number: gigabytes of nothing in a layer.",
        fix: "add `-l` (`--no-log-init`)",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN useradd -u 1000000 app\n"],
    good: &["FROM debian:12\nRUN useradd -l -u 1000000 app && useradd -u 1000 b\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for command in run.script.commands.iter().filter(|command| command.runs(&["useradd"])) {
            let words = &command.words;
            let uid = words
                .iter()
                .position(|word| word == "-u" || word == "--uid")
                .and_then(|at| words.get(at.saturating_add(1)));
            let large = uid.and_then(|uid| uid.parse::<u64>().ok()).is_some_and(|uid| uid > 99_999);
            if large && !command.has(&["-l", "--no-log-init"]) {
                places.at(command.line, "`useradd` of a large number without `-l`");
            }
        }
    }
}
