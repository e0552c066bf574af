//! The build gets rights of the host.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-insecure-run",
        aliases: &[],
        title: "the build gets rights of the host",
        severity: Severity::High,
        why: "`RUN --security=insecure` runs without the sandbox of the build, `--network=host` reaches the services of the machine that builds.",
        fix: "leave the flag out",
        reference: "",
    },
    bad: &["FROM a:1\nRUN --security=insecure x\n", "FROM a:1\nRUN --network=host x\n"],
    good: &["FROM a:1\nRUN --network=none --mount=type=cache,target=/c x\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for (flag, value) in [("security", "insecure"), ("network", "host")] {
            if run.flag(flag) == Some(value) {
                places.at(run.line, format!("`--{flag}={value}`"));
            }
        }
    }
}
