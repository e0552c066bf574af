//! Accounts without a password may log in over SSH.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-empty-passwords",
        aliases: &[],
        title: "accounts without a password may log in over SSH",
        severity: Severity::Critical,
        why: "Whoever knows the name is in.",
        fix: "Set `PermitEmptyPasswords no` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.19",
    },
    bad: &[&[("etc/ssh/sshd_config", "PermitEmptyPasswords yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "PermitEmptyPasswords no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "permitemptypasswords");
    let value = setting.map_or("no", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value == "yes" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("permitemptypasswords {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
