//! Capabilities are not all dropped.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-capabilities-kept",
        aliases: &["AVD-KSV-0003", "AVD-KSV-0106"],
        title: "capabilities are not all dropped",
        severity: Severity::Low,
        why: "Engines give more than most services need: `NET_RAW`, `CHOWN`, `SETUID`.",
        fix: "say `capabilities: {drop: [ALL]}`, and add what is missed",
        reference: "Pod Security Standards: restricted, CIS Kubernetes Benchmark 5.2.9",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {capabilities: {drop: [NET_RAW]}}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {capabilities: {drop: [ALL]}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  os: {name: windows}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.is_windows() {
        return;
    }
    for container in &workload.containers {
        let dropped = container.node.at(&["securityContext", "capabilities", "drop"]);
        let all = dropped.is_some_and(|dropped| {
            dropped
                .items()
                .iter()
                .any(|item| item.text().is_some_and(|text| text.eq_ignore_ascii_case("all")))
        });
        if !all {
            places.at(
                container.node.line_of("securityContext"),
                format!("`{}` does not drop `ALL`", container.name),
            );
        }
    }
}
