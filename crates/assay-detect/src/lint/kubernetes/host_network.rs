//! A pod uses a namespace of the node: `hostNetwork`.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-host-network",
        aliases: &["AVD-KSV-0009"],
        title: "a pod uses a namespace of the node: `hostNetwork`",
        severity: Severity::High,
        why: "It reaches every service of the node, also those on its loopback, and the cloud's metadata in the node's name.",
        fix: "leave `hostNetwork` out",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.5",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostNetwork: true\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  hostNetwork: false\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.pod.is("hostNetwork", true) {
        places.at(workload.pod.line_of("hostNetwork"), "`hostNetwork: true`");
    }
}
