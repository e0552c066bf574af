//! Other machines are believed who logs in.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-host-based",
        aliases: &[],
        title: "other machines are believed who logs in",
        severity: Severity::Medium,
        why: "Who has one machine has all.",
        fix: "Set `HostbasedAuthentication no` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.10",
    },
    bad: &[&[("etc/ssh/sshd_config", "HostbasedAuthentication yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "HostbasedAuthentication no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "hostbasedauthentication");
    let value = setting.map_or("no", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value == "yes" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("hostbasedauthentication {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
