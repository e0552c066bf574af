//! Who does not log in may stay long.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck, seconds};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-grace",
        aliases: &[],
        title: "who does not log in may stay long",
        severity: Severity::Low,
        why: "Connections that wait take the place of others, and were a way to run code (CVE-2024-6387).",
        fix: "Set `LoginGraceTime 60` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.13",
    },
    bad: &[&[("etc/ssh/sshd_config", "LoginGraceTime 0\n")], &[("etc/ssh/sshd_config", "Port 22\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "LoginGraceTime 60\n")],
        &[("etc/ssh/sshd_config", "LoginGraceTime 1m\n")],
        &[("etc/fstab", "x\n")],
    ],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "logingracetime");
    let value = setting.map_or("120", |setting| setting.value.as_str()).to_ascii_lowercase();
    if seconds(&value).is_none_or(|seconds| seconds == 0 || seconds > 60) {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("logingracetime {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
