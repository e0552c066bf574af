//! A secret stands in the manifest.

use super::Workload;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-secret-in-environment",
        aliases: &[],
        title: "a secret stands in the manifest",
        severity: Severity::High,
        why: "Whoever may read the workload, or the repository, has it.",
        fix: "use `valueFrom.secretKeyRef`, or mount the secret as a file",
        reference: "CIS Kubernetes Benchmark 5.4.1",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    env: [{name: DB_PASSWORD, value: hunter2}]\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    env:\n    - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: x, key: y}}}\n    - {name: DB_PASSWORD_FILE, value: /x}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        for variable in container.node.items_of("env") {
            let name = variable.text_of("name").unwrap_or_default();
            if sensitive::is_secret_name(name)
                && variable.text_of("value").is_some_and(sensitive::is_secret_value)
            {
                places.at(variable.line_of("value"), format!("`{name}` in `{}`", container.name));
            }
        }
    }
}
