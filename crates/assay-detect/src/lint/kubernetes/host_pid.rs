//! A pod uses a namespace of the node: `hostPID`.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-host-pid",
        aliases: &["AVD-KSV-0010"],
        title: "a pod uses a namespace of the node: `hostPID`",
        severity: Severity::High,
        why: "It sees the node's processes, their arguments and environment, and can stop them.",
        fix: "leave `hostPID` out",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.3",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostPID: true\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostPID: false\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.pod.is("hostPID", true) {
        places.at(workload.pod.line_of("hostPID"), "`hostPID: true`");
    }
}
