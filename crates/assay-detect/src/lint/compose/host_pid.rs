//! A service uses the processes of the host.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-pid",
        aliases: &[],
        title: "a service uses the processes of the host",
        severity: Severity::High,
        why: "It sees the host's processes, their arguments and environment, and can stop them.",
        fix: "leave `pid: host` out",
        reference: "CIS Docker Benchmark 5.16",
    },
    bad: &["services:\n  app:\n    image: a:1\n    pid: host\n"],
    good: &["services:\n  app:\n    image: a:1\n    pid: private\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.text_of("pid") == Some("host") {
            places.at(service.node.line_of("pid"), format!("`pid: host` in `{}`", service.name));
        }
    }
}
