//! No limit of memory.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-no-limits",
        aliases: &["AVD-KSV-0011", "AVD-KSV-0018"],
        title: "no limit of memory",
        severity: Severity::Low,
        why: "One container that runs wild takes the pods of the node with it.",
        fix: "set `resources.limits.memory`, and `cpu` where others must not wait",
        reference: "CIS Docker Benchmark 5.11",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    resources: {limits: {cpu: 1}}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    resources: {limits: {memory: 1Gi}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        if !container.ephemeral && container.node.at(&["resources", "limits", "memory"]).is_none() {
            places.at(
                container.node.line_of("resources"),
                format!("`{}` has no limit of memory", container.name),
            );
        }
    }
}
