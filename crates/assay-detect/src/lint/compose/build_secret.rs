//! A secret is given to the build as an argument.

use super::Compose;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-build-secret",
        aliases: &[],
        title: "a secret is given to the build as an argument",
        severity: Severity::High,
        why: "Arguments are in the history of the image.",
        fix: "use `build.secrets`",
        reference: "CIS Docker Benchmark 4.10",
    },
    bad: &["services:\n  app:\n    build:\n      context: .\n      args:\n        NPM_TOKEN: ${NPM_TOKEN}\n"],
    good: &["services:\n  app:\n    build:\n      context: .\n      args: [VERSION=1]\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for (line, name, _) in service.build_arguments() {
            if sensitive::is_secret_name(&name) {
                places.at(line, format!("`{name}` in `build.args` of `{}`", service.name));
            }
        }
    }
}
