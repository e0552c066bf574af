//! A container of Windows is a process of the host.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-host-process",
        aliases: &["AVD-KSV-0103"],
        title: "a container of Windows is a process of the host",
        severity: Severity::Critical,
        why: "It runs on the node itself, without a container around it.",
        fix: "leave `windowsOptions.hostProcess` out",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {windowsOptions: {hostProcess: true}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {windowsOptions: {hostProcess: true}}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    securityContext: {windowsOptions: {hostProcess: false}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    let contexts = workload.contexts();
    for options in contexts.iter().filter_map(|context| context.get("windowsOptions")) {
        if options.is("hostProcess", true) {
            places.at(options.line_of("hostProcess"), "`hostProcess: true`");
        }
    }
}
