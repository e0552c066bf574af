//! Who logs in is not warned.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-banner",
        aliases: &[],
        title: "who logs in is not warned",
        severity: Severity::Negligible,
        why: "In some countries only who was warned can be sued.",
        fix: "Set `Banner /etc/issue.net` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.5",
    },
    bad: &[&[("etc/ssh/sshd_config", "Port 22\n")]],
    good: &[&[("etc/ssh/sshd_config", "Banner /etc/issue.net\n")], &[("etc/fstab", "x\n")]],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "banner");
    let value = setting.map_or("", |setting| setting.value.as_str()).to_ascii_lowercase();
    if matches!(value.as_str(), "" | "none") {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("banner {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
