//! A service uses the control groups of the host.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-cgroup",
        aliases: &[],
        title: "a service uses the control groups of the host",
        severity: Severity::Medium,
        why: "It sees how the host divides its resources.",
        fix: "leave `cgroup: host` out",
        reference: "CIS Docker Benchmark 5.25",
    },
    bad: &["services:\n  app:\n    image: a:1\n    cgroup: host\n"],
    good: &["services:\n  app:\n    image: a:1\n    cgroup: private\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.text_of("cgroup") == Some("host") {
            places.at(service.node.line_of("cgroup"), format!("`cgroup: host` in `{}`", service.name));
        }
    }
}
