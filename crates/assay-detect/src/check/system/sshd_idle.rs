//! Connections that are idle stay.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-idle",
        aliases: &[],
        title: "connections that are idle stay",
        severity: Severity::Low,
        why: "A screen that is left is a way in.",
        fix: "Set `ClientAliveInterval 15` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.7",
    },
    bad: &[&[("etc/ssh/sshd_config", "Port 22\n")], &[("etc/ssh/sshd_config", "ClientAliveInterval 0\n")]],
    good: &[&[("etc/ssh/sshd_config", "ClientAliveInterval 15\n")], &[("etc/fstab", "x\n")]],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "clientaliveinterval");
    let value = setting.map_or("", |setting| setting.value.as_str()).to_ascii_lowercase();
    if matches!(value.as_str(), "" | "0") {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("clientaliveinterval {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
