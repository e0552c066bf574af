//! Programs may gain privileges.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-privilege-escalation",
        aliases: &["AVD-KSV-0001"],
        title: "programs may gain privileges",
        severity: Severity::Medium,
        why: "A setuid program makes root of any user inside.",
        fix: "say `allowPrivilegeEscalation: false`",
        reference: "Pod Security Standards: restricted, CIS Kubernetes Benchmark 5.2.6",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {allowPrivilegeEscalation: true}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {allowPrivilegeEscalation: false}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  os: {name: windows}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if workload.is_windows() {
        return;
    }
    for container in &workload.containers {
        let context = container.node.get("securityContext");
        if !context.is_some_and(|context| context.is("allowPrivilegeEscalation", false)) {
            let line = context.map_or(container.line, |context| context.line_of("allowPrivilegeEscalation"));
            places.at(line, format!("`{}` may gain privileges", container.name));
        }
    }
}
