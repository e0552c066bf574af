//! A kernel setting that is not safe is changed.

use super::Workload;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-unsafe-sysctl",
        aliases: &["AVD-KSV-0026"],
        title: "a kernel setting that is not safe is changed",
        severity: Severity::Medium,
        why: "It changes the node, or takes isolation away.",
        fix: "leave it out",
        reference: "Pod Security Standards: baseline",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {sysctls: [{name: kernel.msgmax, value: \"1\"}]}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  securityContext: {sysctls: [{name: net.ipv4.ip_unprivileged_port_start, value: \"0\"}]}\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    const SAFE: &[&str] = &[
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
    ];
    for sysctl in
        workload.pod.get("securityContext").map(|context| context.items_of("sysctls")).unwrap_or_default()
    {
        let name = sysctl.text_of("name").unwrap_or_default();
        if !SAFE.contains(&name) {
            places.at(sysctl.line(), format!("`{name}`"));
        }
    }
}
