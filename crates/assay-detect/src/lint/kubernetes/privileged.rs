//! A container is privileged.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-privileged",
        aliases: &["AVD-KSV-0017"],
        title: "a container is privileged",
        severity: Severity::Critical,
        why: "It has every capability and every device: it is root of the node.",
        fix: "leave `privileged` out, and add the one capability that is needed",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.2",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {privileged: true}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {privileged: false}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        if let Some(context) =
            container.node.get("securityContext").filter(|context| context.is("privileged", true))
        {
            places.at(context.line_of("privileged"), format!("`{}` is privileged", container.name));
        }
    }
}
