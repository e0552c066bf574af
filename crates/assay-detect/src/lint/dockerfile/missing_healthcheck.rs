//! No `HEALTHCHECK`.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-missing-healthcheck",
        aliases: &["DL3057", "CIS-DI-0006", "AVD-DS-0026"],
        title: "no `HEALTHCHECK`",
        severity: Severity::Low,
        why: "The engine cannot tell a service that hangs from one that works. Kubernetes does not look at it.",
        fix: "add `HEALTHCHECK CMD …`, or `HEALTHCHECK NONE` where an orchestrator probes",
        reference: "CIS Docker Benchmark 4.6",
    },
    bad: &["FROM debian:12\nCMD [\"x\"]\n"],
    good: &[
        "FROM debian:12\nHEALTHCHECK CMD curl -f http://localhost/\n",
        "FROM a:1 AS b\nHEALTHCHECK NONE\nFROM b\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    let result = file.result();
    if let Some(stage) =
        result.first().filter(|_| !result.iter().any(|stage| stage.of("HEALTHCHECK").next().is_some()))
    {
        places.at(stage.from.line, "the image has no `HEALTHCHECK`");
    }
}
