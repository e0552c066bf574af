//! Seccomp is switched off.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-seccomp-off",
        aliases: &["AVD-KSV-0104"],
        title: "seccomp is switched off",
        severity: Severity::High,
        why: "System calls that no service needs are the usual way out of a container.",
        fix: "say `seccompProfile: {type: RuntimeDefault}`",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {seccompProfile: {type: Unconfined}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {seccompProfile: {type: Unconfined}}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {seccompProfile: {type: RuntimeDefault}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for profile in workload.contexts().iter().filter_map(|context| context.get("seccompProfile")) {
        if profile.text_of("type") == Some("Unconfined") {
            places.at(profile.line_of("type"), "`Unconfined`");
        }
    }
}
