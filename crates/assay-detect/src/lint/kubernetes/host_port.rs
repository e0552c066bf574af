//! A port of the node is taken.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-host-port",
        aliases: &["AVD-KSV-0024"],
        title: "a port of the node is taken",
        severity: Severity::Medium,
        why: "It goes around network policies, and only one such pod fits on a node.",
        fix: "use a Service",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.13",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    ports: [{containerPort: 80, hostPort: 80}]\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    ports: [{containerPort: 80, hostPort: 0}]\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        for port in container.node.items_of("ports") {
            if let Some(number) = port.text_of("hostPort").filter(|number| *number != "0") {
                places.at(port.line_of("hostPort"), format!("`hostPort: {number}` in `{}`", container.name));
            }
        }
    }
}
