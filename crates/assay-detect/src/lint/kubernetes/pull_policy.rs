//! An image that may change is not pulled anew.

use super::Workload;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-pull-policy",
        aliases: &[],
        title: "an image that may change is not pulled anew",
        severity: Severity::Low,
        why: "A node that has an old image of this tag runs it, also when who pulled it may not be trusted.",
        fix: "say `imagePullPolicy: Always`, or name the image by digest",
        reference: "CIS Kubernetes Benchmark 5.5.1",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx:latest\n    imagePullPolicy: IfNotPresent\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    imagePullPolicy: Never\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx:1@sha256:abc\n    imagePullPolicy: IfNotPresent\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    imagePullPolicy: IfNotPresent\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        let parts = reference::parts(container.image().unwrap_or_default());
        let policy = container.node.text_of("imagePullPolicy").unwrap_or_default();
        let moving = parts.tag.is_none_or(|tag| tag == "latest") && policy == "IfNotPresent";
        if parts.digest.is_none() && (moving || policy == "Never") {
            places
                .at(container.node.line_of("imagePullPolicy"), format!("`{policy}` in `{}`", container.name));
        }
    }
}
