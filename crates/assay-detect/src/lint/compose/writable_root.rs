//! The root file system can be written.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-writable-root",
        aliases: &[],
        title: "the root file system can be written",
        severity: Severity::Low,
        why: "Whoever gets in can put programs there and change those of the service.",
        fix: "add `read_only: true`, and `tmpfs` for what has to be written",
        reference: "CIS Docker Benchmark 5.13",
    },
    bad: &["services:\n  app:\n    image: a:1\n    tty: true\n"],
    good: &["services:\n  app:\n    image: a:1\n    read_only: true\n    tmpfs: [/tmp]\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if !service.node.is("read_only", true) {
            places.at(service.line, format!("`{}` has no `read_only: true`", service.name));
        }
    }
}
