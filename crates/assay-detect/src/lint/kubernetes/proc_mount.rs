//! `/proc` is not masked.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-proc-mount",
        aliases: &["AVD-KSV-0027"],
        title: "`/proc` is not masked",
        severity: Severity::Medium,
        why: "It shows and changes what belongs to the kernel.",
        fix: "leave `procMount` out",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {procMount: Unmasked}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {procMount: Default}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        if let Some(context) = container
            .node
            .get("securityContext")
            .filter(|context| context.text_of("procMount").is_some_and(|mount| mount != "Default"))
        {
            places.at(context.line_of("procMount"), format!("`procMount` of `{}`", container.name));
        }
    }
}
