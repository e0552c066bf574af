//! A secret stands in the file.

use super::Compose;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-secret-in-environment",
        aliases: &[],
        title: "a secret stands in the file",
        severity: Severity::High,
        why: "Whoever reads the file, or the container's settings, has it.",
        fix: "use `secrets:`, or a variable that is given when the project starts: `${DB_PASSWORD}`",
        reference: "CIS Docker Benchmark 4.10",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    environment:\n      DB_PASSWORD: hunter2\n",
        "services:\n  app:\n    image: a:1\n    environment:\n      - API_TOKEN=abcdef\n",
    ],
    good: &[
        "services:\n  app:\n    image: a:1\n    environment:\n      DB_PASSWORD: ${DB_PASSWORD}\n      DB_PASSWORD_FILE: /run/secrets/x\n      TOKEN:\n",
    ],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for (line, name, value) in service.environment() {
            if sensitive::is_secret_name(&name) && sensitive::is_secret_value(&value) {
                places.at(line, format!("`{name}` in `{}`", service.name));
            }
        }
    }
}
