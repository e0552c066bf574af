//! No request of CPU and memory.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-no-requests",
        aliases: &["AVD-KSV-0015", "AVD-KSV-0016"],
        title: "no request of CPU and memory",
        severity: Severity::Negligible,
        why: "The scheduler cannot tell what fits on a node, and stops this pod first.",
        fix: "set `resources.requests`",
        reference: "",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    resources: {requests: {cpu: 1, memory: 1Gi}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    resources: {limits: {cpu: 1, memory: 1Gi}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        // A limit is also the request.
        let set = |key: &str| {
            ["requests", "limits"].iter().any(|kind| container.node.at(&["resources", kind, key]).is_some())
        };
        if !(container.ephemeral || set("cpu") && set("memory")) {
            places.at(container.node.line_of("resources"), format!("`{}` has no requests", container.name));
        }
    }
}
