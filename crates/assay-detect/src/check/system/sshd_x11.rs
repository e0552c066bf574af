//! X11 is forwarded over SSH.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-x11",
        aliases: &[],
        title: "X11 is forwarded over SSH",
        severity: Severity::Low,
        why: "Whoever is root on the server sees and types on the screen of who logs in.",
        fix: "Set `X11Forwarding no` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.11",
    },
    bad: &[&[("etc/ssh/sshd_config", "X11Forwarding yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "X11Forwarding no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "x11forwarding");
    let value = setting.map_or("no", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value == "yes" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("x11forwarding {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
