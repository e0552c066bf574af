//! The root file system can be written.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-writable-root",
        aliases: &["AVD-KSV-0014"],
        title: "the root file system can be written",
        severity: Severity::Low,
        why: "Whoever gets in can put programs there and change those of the service.",
        fix: "say `readOnlyRootFilesystem: true`, and mount an emptyDir where something has to be written",
        reference: "CIS Docker Benchmark 5.13",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {readOnlyRootFilesystem: false}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {readOnlyRootFilesystem: true}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        if !container
            .node
            .get("securityContext")
            .is_some_and(|context| context.is("readOnlyRootFilesystem", true))
        {
            places.at(
                container.node.line_of("securityContext"),
                format!("`{}` has no `readOnlyRootFilesystem: true`", container.name),
            );
        }
    }
}
