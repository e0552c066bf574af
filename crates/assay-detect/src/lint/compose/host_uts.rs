//! A service uses the name of the host.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-uts",
        aliases: &[],
        title: "a service uses the name of the host",
        severity: Severity::Medium,
        why: "It can rename the host.",
        fix: "leave `uts: host` out",
        reference: "CIS Docker Benchmark 5.21",
    },
    bad: &["services:\n  app:\n    image: a:1\n    uts: host\n"],
    good: &["services:\n  app:\n    image: a:1\n    uts: private\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.text_of("uts") == Some("host") {
            places.at(service.node.line_of("uts"), format!("`uts: host` in `{}`", service.name));
        }
    }
}
