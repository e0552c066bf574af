//! A path of the node is mounted.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-host-path",
        aliases: &["AVD-KSV-0023"],
        title: "a path of the node is mounted",
        severity: Severity::High,
        why: "What is written there changes the node; what is read there may belong to other pods.",
        fix: "use a volume of the cluster, a ConfigMap or an emptyDir",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.12",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    hostPath: {path: /srv}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    emptyDir: {}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for volume in workload.pod.items_of("volumes") {
        if let Some(host) = volume.get("hostPath") {
            let path = host.text_of("path").unwrap_or_default();
            places.at(volume.line_of("hostPath"), format!("`{path}`"));
        }
    }
}
