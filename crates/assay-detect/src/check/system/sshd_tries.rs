//! Many tries are given per connection.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-tries",
        aliases: &[],
        title: "many tries are given per connection",
        severity: Severity::Low,
        why: "Guessing is faster.",
        fix: "Set `MaxAuthTries 4` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.16",
    },
    bad: &[&[("etc/ssh/sshd_config", "MaxAuthTries 10\n")], &[("etc/ssh/sshd_config", "Port 22\n")]],
    good: &[&[("etc/ssh/sshd_config", "MaxAuthTries 4\n")], &[("etc/fstab", "x\n")]],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "maxauthtries");
    let value = setting.map_or("6", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value.parse::<u32>().is_ok_and(|tries| tries > 4) {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("maxauthtries {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
