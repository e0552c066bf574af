//! Root may log in over SSH.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-root-login",
        aliases: &[],
        title: "root may log in over SSH",
        severity: Severity::Medium,
        why: "Everybody knows the name, and nobody knows who it was.",
        fix: "Set `PermitRootLogin no` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.20",
    },
    bad: &[
        &[("etc/ssh/sshd_config", "PermitRootLogin yes\n")],
        &[("etc/ssh/sshd_config", "PermitRootLogin yes\nPermitRootLogin no\n")],
    ],
    good: &[
        &[("etc/ssh/sshd_config", "PermitRootLogin no\n")],
        &[("etc/ssh/sshd_config", "# x\nPermitRootLogin=prohibit-password\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "permitrootlogin");
    let value = setting.map_or("prohibit-password", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value == "yes" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("permitrootlogin {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
