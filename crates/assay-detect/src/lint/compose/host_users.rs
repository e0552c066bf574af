//! A service uses the user namespace of the host.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-users",
        aliases: &[],
        title: "a service uses the user namespace of the host",
        severity: Severity::Medium,
        why: "Root in the container is root of the host, although the engine would separate them.",
        fix: "leave `userns_mode: host` out",
        reference: "CIS Docker Benchmark 5.31",
    },
    bad: &["services:\n  app:\n    image: a:1\n    userns_mode: host\n"],
    good: &["services:\n  app:\n    image: a:1\n    userns_mode: private\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if service.node.text_of("userns_mode") == Some("host") {
            places.at(
                service.node.line_of("userns_mode"),
                format!("`userns_mode: host` in `{}`", service.name),
            );
        }
    }
}
