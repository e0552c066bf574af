//! Passwords are taken over SSH.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-passwords",
        aliases: &[],
        title: "passwords are taken over SSH",
        severity: Severity::Low,
        why: "They are guessed day and night by everybody.",
        fix: "Set `PasswordAuthentication no` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1",
    },
    bad: &[
        &[("etc/ssh/sshd_config", "PasswordAuthentication yes\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
    ],
    good: &[&[("etc/ssh/sshd_config", "PasswordAuthentication no\n")], &[("etc/fstab", "x\n")]],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "passwordauthentication");
    let value = setting.map_or("yes", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value != "no" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("passwordauthentication {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
