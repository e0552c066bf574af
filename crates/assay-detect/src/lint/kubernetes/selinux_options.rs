//! SELinux gets another type, user or role.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-selinux-options",
        aliases: &["AVD-KSV-0025"],
        title: "SELinux gets another type, user or role",
        severity: Severity::Medium,
        why: "Types such as `spc_t` are not confined.",
        fix: "leave `seLinuxOptions` out, or use `container_t`, `container_init_t`, `container_kvm_t` or `container_engine_t`",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {seLinuxOptions: {type: spc_t}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {seLinuxOptions: {role: sysadm_r}}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {seLinuxOptions: {type: container_t, level: \"s0:c1\"}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for options in workload.contexts().iter().filter_map(|context| context.get("seLinuxOptions")) {
        let kind = options.text_of("type").unwrap_or_default();
        if !matches!(kind, "" | "container_t" | "container_init_t" | "container_kvm_t" | "container_engine_t")
        {
            places.at(options.line_of("type"), format!("type `{kind}`"));
        }
        for key in ["user", "role"] {
            if let Some(value) = options.text_of(key).filter(|value| !value.is_empty()) {
                places.at(options.line_of(key), format!("{key} `{value}`"));
            }
        }
    }
}
