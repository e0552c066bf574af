//! Containers of a pod see each other's processes.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-shared-processes",
        aliases: &[],
        title: "containers of a pod see each other's processes",
        severity: Severity::Low,
        why: "One that is broken into reads the memory and files of the others.",
        fix: "leave `shareProcessNamespace` out",
        reference: "",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  shareProcessNamespace: true\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  shareProcessNamespace: false\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.pod.is("shareProcessNamespace", true) {
        places.at(workload.pod.line_of("shareProcessNamespace"), "`shareProcessNamespace: true`");
    }
}
