//! An environment variable takes protection away.

use super::Compose;
use crate::check::Check;
use crate::lint::environment;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-unsafe-environment",
        aliases: &[],
        title: "an environment variable takes protection away",
        severity: Severity::High,
        why: "It switches checks off for every program of the service.",
        fix: "leave it out",
        reference: "",
    },
    bad: &["services:\n  app:\n    image: a:1\n    environment:\n      NODE_TLS_REJECT_UNAUTHORIZED: 0\n"],
    good: &["services:\n  app:\n    image: a:1\n    environment:\n      NODE_TLS_REJECT_UNAUTHORIZED: 1\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for (line, name, value) in service.environment() {
            let why = environment::unsafe_transport(&name, &value)
                .or_else(|| environment::unsafe_loading(&name, &value));
            if let Some(why) = why {
                places.at(line, format!("`{name}` {why}"));
            }
        }
    }
}
