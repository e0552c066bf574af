//! Recommended packages are installed as well.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-recommended-packages",
        aliases: &["DL3015", "AVD-DS-0029"],
        title: "recommended packages are installed as well",
        severity: Severity::Low,
        why: "Every package that is not needed is one more to be attacked and updated.",
        fix: "add `--no-install-recommends`",
        reference: "CIS Docker Benchmark 4.3",
    },
    bad: &["FROM debian:12\nRUN apt-get install -y curl=1\n"],
    good: &[
        "FROM debian:12\nRUN apt-get install -y --no-install-recommends curl=1\n",
        "FROM debian:12\nRUN apt-get -o APT::Install-Recommends=false install -y curl=1\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for call in managers::calls(&run.script)
            .iter()
            .filter(|call| call.manager.name == "apt-get" && call.installs())
        {
            let off = call.command.words.iter().any(|word| word.contains("Install-Recommends="));
            if !off && !call.command.has(&["--no-install-recommends"]) {
                places.at(call.command.line, "`apt-get install` without `--no-install-recommends`");
            }
        }
    }
}
