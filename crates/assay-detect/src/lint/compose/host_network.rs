//! A service uses the network of the host.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-network",
        aliases: &[],
        title: "a service uses the network of the host",
        severity: Severity::High,
        why: "It sees and reaches every service of the host, also those on its loopback.",
        fix: "leave `network_mode: host` out",
        reference: "CIS Docker Benchmark 5.10",
    },
    bad: &["services:\n  app:\n    image: a:1\n    network_mode: host\n"],
    good: &["services:\n  app:\n    image: a:1\n    network_mode: bridge\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.text_of("network_mode") == Some("host") {
            places.at(
                service.node.line_of("network_mode"),
                format!("`network_mode: host` in `{}`", service.name),
            );
        }
    }
}
