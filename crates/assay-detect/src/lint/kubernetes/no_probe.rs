//! No readiness or liveness probe.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-no-probe",
        aliases: &["AVD-KSV-0019"],
        title: "no readiness or liveness probe",
        severity: Severity::Negligible,
        why: "The cluster cannot tell a container that hangs from one that works.",
        fix: "add `readinessProbe`",
        reference: "CIS Docker Benchmark 4.6",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    readinessProbe: {tcpSocket: {port: 80}}\n",
        "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: c, image: a:1}]}}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    if matches!(workload.kind.as_str(), "Job" | "CronJob") {
        return;
    }
    for container in &workload.containers {
        let probed = ["readinessProbe", "livenessProbe", "startupProbe"]
            .iter()
            .any(|probe| container.node.get(probe).is_some());
        if !container.init && !container.ephemeral && !probed {
            places.at(container.line, format!("`{}` has no probe", container.name));
        }
    }
}
