//! Capabilities are not dropped.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-capabilities-kept",
        aliases: &[],
        title: "capabilities are not dropped",
        severity: Severity::Low,
        why: "An engine gives more than most services need: `NET_RAW`, `CHOWN`, `SETUID`.",
        fix: "add `cap_drop: [ALL]`, and `cap_add` for what is missed",
        reference: "CIS Docker Benchmark 5.4",
    },
    bad: &["services:\n  app:\n    image: a:1\n    tty: false\n"],
    good: &["services:\n  app:\n    image: a:1\n    cap_drop:\n      - ALL\n    cap_add: [CHOWN]\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        let dropped = service
            .node
            .items_of("cap_drop")
            .iter()
            .any(|item| item.text().is_some_and(|text| text.eq_ignore_ascii_case("all")));
        if !dropped {
            places.at(service.line, format!("`{}` has no `cap_drop: [ALL]`", service.name));
        }
    }
}
