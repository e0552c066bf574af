//! SSH goes around PAM.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-pam",
        aliases: &[],
        title: "SSH goes around PAM",
        severity: Severity::Low,
        why: "Locked accounts, limits and second factors do not count.",
        fix: "Set `UsePAM yes` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.22",
    },
    bad: &[&[("etc/ssh/sshd_config", "UsePAM no\n")]],
    good: &[&[("etc/ssh/sshd_config", "UsePAM yes\n")], &[("etc/fstab", "x\n")]],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "usepam");
    let value = setting.map_or("yes", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value == "no" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("usepam {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
