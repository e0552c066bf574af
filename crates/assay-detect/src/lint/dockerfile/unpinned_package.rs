//! Packages of the distribution are installed without a version.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-unpinned-package",
        aliases: &["DL3008", "DL3018", "DL3033", "DL3037", "DL3041"],
        title: "packages of the distribution are installed without a version",
        severity: Severity::Negligible,
        why: "What comes out depends on the day of the build.",
        fix: "name versions (`curl=7.88.1-10`), or build from a snapshot of the repository",
        reference: "",
    },
    bad: &[
        "FROM debian:12\nRUN apt-get install -y curl\n",
        "FROM debian:12\nRUN apk add git\n",
        "FROM debian:12\nRUN dnf install -y nginx\n",
    ],
    good: &["FROM debian:12\nRUN apt-get install -y curl=7.88.1-10\nRUN apk add git~2.4\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for call in managers::calls(&run.script).iter().filter(|call| call.manager.system && call.installs())
        {
            let unpinned = call.unpinned();
            if !unpinned.is_empty() {
                places.at(
                    call.command.line,
                    format!(
                        "`{}` installs {} without a version",
                        call.manager.name,
                        managers::shown(&unpinned)
                    ),
                );
            }
        }
    }
}
