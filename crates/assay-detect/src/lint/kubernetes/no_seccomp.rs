//! No seccomp profile.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-no-seccomp",
        aliases: &["AVD-KSV-0030", "AVD-KSV-0104"],
        title: "no seccomp profile",
        severity: Severity::Low,
        why: "Unless the kubelet sets one, every system call is allowed.",
        fix: "say `seccompProfile: {type: RuntimeDefault}` for the pod",
        reference: "Pod Security Standards: restricted, CIS Kubernetes Benchmark 5.6.2",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {seccompProfile: {type: Localhost, localhostProfile: x}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {seccompProfile: {type: RuntimeDefault}}\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  os: {name: windows}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.is_windows() {
        return;
    }
    for container in &workload.containers {
        if workload.effective(container, "seccompProfile").is_none() {
            places.at(
                container.node.line_of("securityContext"),
                format!("`{}` has no `seccompProfile`", container.name),
            );
        }
    }
}
