//! A flood of connections is not met.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-syn-cookies",
        aliases: &[],
        title: "a flood of connections is not met",
        severity: Severity::Low,
        why: "One sender can keep everybody out.",
        fix: "Write `net.ipv4.tcp_syncookies = 1` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 3.3.10",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.tcp_syncookies = 1\n"),
            ("etc/sysctl.d/99.conf", "net.ipv4.tcp_syncookies=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "net.ipv4.tcp_syncookies=1\n")],
        &[("etc/sysctl.d/1.conf", "net/ipv4/tcp_syncookies = 1\n")],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &["net.ipv4.tcp_syncookies"];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["1"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
