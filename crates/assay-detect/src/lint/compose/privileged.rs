//! A service is privileged.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-privileged",
        aliases: &[],
        title: "a service is privileged",
        severity: Severity::Critical,
        why: "It has every capability and every device: it is root of the host.",
        fix: "leave `privileged` out, and add the one capability or device that is needed",
        reference: "CIS Docker Benchmark 5.5",
    },
    bad: &["services:\n  app:\n    image: a:1\n    privileged: true\n"],
    good: &["services:\n  app:\n    image: a:1\n    privileged: false\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.is("privileged", true) {
            places.at(service.node.line_of("privileged"), format!("`{}` is privileged", service.name));
        }
    }
}
