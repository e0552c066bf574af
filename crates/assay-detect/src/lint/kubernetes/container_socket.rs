//! The socket of the container engine, or the node's system, is mounted.

use super::Workload;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-container-socket",
        aliases: &["AVD-KSV-0006"],
        title: "the socket of the container engine, or the node's system, is mounted",
        severity: Severity::Critical,
        why: "Whoever can use it is root of the node and of every pod on it.",
        fix: "leave the volume out",
        reference: "CIS Docker Benchmark 5.6, 5.32",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    hostPath: {path: /var/run/docker.sock}\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    hostPath: {path: /}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  volumes:\n  - name: v\n    hostPath: {path: /srv/data}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for host in workload.pod.items_of("volumes").iter().filter_map(|volume| volume.get("hostPath")) {
        let path = host.text_of("path").unwrap_or_default();
        if let Some(why) = sensitive::host_path(path) {
            places.at(host.line_of("path"), format!("`{path}`: {why}"));
        }
    }
}
