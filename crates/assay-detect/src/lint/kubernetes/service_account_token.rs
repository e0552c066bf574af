//! The token of the service account is mounted.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-service-account-token",
        aliases: &["AVD-KSV-0036"],
        title: "the token of the service account is mounted",
        severity: Severity::Low,
        why: "Whoever gets in can talk to the API server in the pod's name; most services never do.",
        fix: "say `automountServiceAccountToken: false`, unless the service uses the API",
        reference: "CIS Kubernetes Benchmark 5.1.6",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  automountServiceAccountToken: true\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  automountServiceAccountToken: false\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if !workload.pod.is("automountServiceAccountToken", false) {
        places.at(
            workload.pod.line_of("automountServiceAccountToken"),
            "no `automountServiceAccountToken: false`",
        );
    }
}
