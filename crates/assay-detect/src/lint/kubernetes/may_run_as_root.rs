//! A container may run as root.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-may-run-as-root",
        aliases: &["AVD-KSV-0012", "AVD-KSV-0118"],
        title: "a container may run as root",
        severity: Severity::Medium,
        why: "A process that breaks out of a container that runs as root is root where it lands.",
        fix: "say `runAsNonRoot: true`",
        reference: "Pod Security Standards: restricted, CIS Kubernetes Benchmark 5.2.7",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsNonRoot: false}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsNonRoot: true}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {runAsNonRoot: true}\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsUser: 1000}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        let not_root =
            workload.effective(container, "runAsNonRoot").and_then(|node| node.text()) == Some("true");
        let user = workload
            .effective(container, "runAsUser")
            .and_then(|node| node.text())
            .is_some_and(|user| user != "0");
        if !not_root && !user {
            places.at(
                container.node.line_of("securityContext"),
                format!("`{}` has no `runAsNonRoot: true`", container.name),
            );
        }
    }
}
