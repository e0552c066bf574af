//! A service may use all memory or processes.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-no-limits",
        aliases: &[],
        title: "a service may use all memory or processes",
        severity: Severity::Low,
        why: "One service that runs wild takes the host with it.",
        fix: "set `mem_limit` and `pids_limit`, or `deploy.resources.limits`",
        reference: "CIS Docker Benchmark 5.11, 5.29",
    },
    bad: &["services:\n  app:\n    image: a:1\n    tty: true\n"],
    good: &[
        "services:\n  app:\n    image: a:1\n    mem_limit: 1g\n    pids_limit: 100\n",
        "services:\n  app:\n    image: a:1\n    deploy:\n      resources:\n        limits: {memory: 1g, pids: 100}\n",
    ],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        let limits = service.node.at(&["deploy", "resources", "limits"]);
        let has = |name: &str, key: &str| {
            service.node.get(name).is_some() || limits.and_then(|limits| limits.get(key)).is_some()
        };
        if !has("mem_limit", "memory") || !has("pids_limit", "pids") {
            places.at(service.line, format!("`{}` has no limit of memory or processes", service.name));
        }
    }
}
