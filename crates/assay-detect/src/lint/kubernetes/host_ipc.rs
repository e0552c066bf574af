//! A pod uses a namespace of the node: `hostIPC`.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-host-ipc",
        aliases: &["AVD-KSV-0008"],
        title: "a pod uses a namespace of the node: `hostIPC`",
        severity: Severity::High,
        why: "It reads and writes the shared memory of the node's processes.",
        fix: "leave `hostIPC` out",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.4",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostIPC: true\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostIPC: false\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.pod.is("hostIPC", true) {
        places.at(workload.pod.line_of("hostIPC"), "`hostIPC: true`");
    }
}
