//! A probe is sent to another host.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-probe-host",
        aliases: &[],
        title: "a probe is sent to another host",
        severity: Severity::Low,
        why: "The kubelet asks it in the node's name, past network policies.",
        fix: "leave `host` out",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    livenessProbe: {httpGet: {host: 169.254.169.254, port: 80}}\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    livenessProbe: {httpGet: {path: /, port: 80}}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n    readinessProbe: {httpGet: {host: 127.0.0.1, port: 80}}\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|name| container.node.get(name));
        let hooks = ["postStart", "preStop"].map(|name| container.node.at(&["lifecycle", name]));
        for probe in probes.into_iter().chain(hooks).flatten() {
            for action in ["httpGet", "tcpSocket"].into_iter().filter_map(|name| probe.get(name)) {
                let host = action.text_of("host").unwrap_or_default();
                if !matches!(host, "" | "127.0.0.1" | "::1" | "localhost") {
                    places.at(action.line_of("host"), format!("`{host}`"));
                }
            }
        }
    }
}
