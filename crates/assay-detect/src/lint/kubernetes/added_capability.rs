//! A capability beyond the usual ones is added.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-added-capability",
        aliases: &["AVD-KSV-0022", "AVD-KSV-0005"],
        title: "a capability beyond the usual ones is added",
        severity: Severity::High,
        why: "Capabilities such as `SYS_ADMIN` are close to being root of the node.",
        fix: "leave it out, or add the narrower one that is needed",
        reference: "Pod Security Standards: baseline, CIS Kubernetes Benchmark 5.2.8",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {capabilities: {add: [SYS_ADMIN]}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {capabilities: {add: [NET_RAW]}}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {capabilities: {add: [NET_BIND_SERVICE], drop: [ALL]}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        let Some(added) = container.node.at(&["securityContext", "capabilities", "add"]) else { continue };
        for capability in added.items() {
            let name = capability.text().unwrap_or_default();
            let plain = name.strip_prefix("CAP_").unwrap_or(name);
            if !USUAL.contains(&plain) {
                places.at(capability.line(), format!("`{name}` in `{}`", container.name));
            }
        }
    }
}

/// What the standard's baseline allows.
const USUAL: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];
