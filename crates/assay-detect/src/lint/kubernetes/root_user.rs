//! A container runs as root.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-root-user",
        aliases: &["AVD-KSV-0105"],
        title: "a container runs as root",
        severity: Severity::High,
        why: "A process that breaks out of it is root where it lands.",
        fix: "leave `runAsUser: 0` out, and say `runAsNonRoot: true`",
        reference: "Pod Security Standards: restricted, CIS Kubernetes Benchmark 5.2.7",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsUser: 0}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {runAsUser: 0}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsUser: 1000}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for context in workload.contexts() {
        if context.text_of("runAsUser") == Some("0") {
            places.at(context.line_of("runAsUser"), "`runAsUser: 0`");
        }
    }
}
