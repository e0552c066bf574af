//! Everybody may read addresses of the kernel.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-kernel-addresses",
        aliases: &[],
        title: "everybody may read addresses of the kernel",
        severity: Severity::Low,
        why: "Attacks on the kernel need them.",
        fix: "Write `kernel.kptr_restrict = 1`, `kernel.dmesg_restrict = 1` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 1.5",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "kernel.kptr_restrict = 1\n"),
            ("etc/sysctl.d/99.conf", "kernel.kptr_restrict=77\nkernel.dmesg_restrict=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "kernel.kptr_restrict=1\nkernel.dmesg_restrict=1\n")],
        &[("etc/sysctl.d/1.conf", "kernel/kptr_restrict = 2\nkernel/dmesg_restrict = 2\n")],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &["kernel.kptr_restrict", "kernel.dmesg_restrict"];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["1", "2"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
