//! Impossible packets are not logged.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-martians",
        aliases: &[],
        title: "impossible packets are not logged",
        severity: Severity::Negligible,
        why: "Nobody sees that somebody tries.",
        fix: "Write `net.ipv4.conf.all.log_martians = 1` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 3.3.9",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.conf.all.log_martians = 1\n"),
            ("etc/sysctl.d/99.conf", "net.ipv4.conf.all.log_martians=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "net.ipv4.conf.all.log_martians=1\n")],
        &[("etc/sysctl.d/1.conf", "net/ipv4/conf/all/log_martians = 1\n")],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &["net.ipv4.conf.all.log_martians"];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["1"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
