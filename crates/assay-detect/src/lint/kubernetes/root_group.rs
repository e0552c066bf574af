//! A container runs in root's group.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-root-group",
        aliases: &["AVD-KSV-0116"],
        title: "a container runs in root's group",
        severity: Severity::Low,
        why: "Files that only root's group may read or write are open to it.",
        fix: "set `runAsGroup` and `fsGroup` to another group",
        reference: "",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsGroup: 0}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {fsGroup: 0}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {runAsGroup: 1000}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for context in workload.contexts() {
        for key in ["runAsGroup", "fsGroup"] {
            if context.text_of(key) == Some("0") {
                places.at(context.line_of(key), format!("`{key}: 0`"));
            }
        }
    }
}
