//! Packages are installed without a check of their signature.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-unauthenticated-package",
        aliases: &[],
        title: "packages are installed without a check of their signature",
        severity: Severity::High,
        why: "Whoever sits on the connection, or runs the mirror, decides what is installed.",
        fix: "import the repository's key (`signed-by=`), and leave the option out",
        reference: "CIS Docker Benchmark 4.11",
    },
    bad: &[
        "FROM debian:12\nRUN apt-get install -y --allow-unauthenticated x=1\n",
        "FROM debian:12\nRUN apk add --allow-untrusted x.apk\n",
        "FROM debian:12\nRUN yum install -y --nogpgcheck x-1.0\n",
        "FROM debian:12\nRUN echo \"deb [trusted=yes] http://x /\" > /etc/apt/sources.list.d/x.list\n",
    ],
    good: &[
        "FROM debian:12\nRUN echo \"deb [signed-by=/k.gpg] https://x /\" > /etc/apt/sources.list.d/x.list\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    let options = [
        "--allow-unauthenticated",
        "--force-yes",
        "--allow-untrusted",
        "--nogpgcheck",
        "--no-gpg-checks",
        "--nosignature",
        "--allow-insecure-repositories",
        "--no-gpgcheck",
    ];
    for run in file.runs() {
        for command in &run.script.commands {
            let repository = command.words.iter().any(|word| {
                word.contains("trusted=yes")
                    || word.contains("gpgcheck=0")
                    || word.contains("AllowUnauthenticated=true")
            });
            if repository || command.has(&options) {
                places.at(command.line, "signatures of packages are not checked");
            }
        }
    }
}
