//! A port of administration is served.

use super::Workload;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-administrative-port",
        aliases: &[],
        title: "a port of administration is served",
        severity: Severity::Medium,
        why: "A shell or remote control inside a container goes around everything that decides who may do what.",
        fix: "leave the service out; use `kubectl exec` and logs",
        reference: "CIS Docker Benchmark 5.7",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    ports: [{containerPort: 22}]\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    ports: [{containerPort: 8080}, {containerPort: 22, protocol: UDP}]\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        for port in container
            .node
            .items_of("ports")
            .iter()
            .filter(|port| port.text_of("protocol").unwrap_or("TCP") == "TCP")
        {
            let number = port.text_of("containerPort").and_then(|number| number.parse().ok());
            if let Some((number, what)) =
                number.and_then(|number| Some((number, sensitive::administrative(number)?)))
            {
                places.at(port.line_of("containerPort"), format!("port {number} is that of {what}"));
            }
        }
    }
}
