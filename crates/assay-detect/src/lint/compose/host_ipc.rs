//! A service uses the shared memory of the host.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-ipc",
        aliases: &[],
        title: "a service uses the shared memory of the host",
        severity: Severity::High,
        why: "It reads and writes the shared memory of the host's processes.",
        fix: "leave `ipc: host` out",
        reference: "CIS Docker Benchmark 5.17",
    },
    bad: &["services:\n  app:\n    image: a:1\n    ipc: host\n"],
    good: &["services:\n  app:\n    image: a:1\n    ipc: private\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.text_of("ipc") == Some("host") {
            places.at(service.node.line_of("ipc"), format!("`ipc: host` in `{}`", service.name));
        }
    }
}
