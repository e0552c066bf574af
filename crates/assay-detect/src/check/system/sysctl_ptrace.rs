//! Any process may look into another of the same user.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-ptrace",
        aliases: &[],
        title: "any process may look into another of the same user",
        severity: Severity::Low,
        why: "One program that is broken into gives away the passwords of all.",
        fix: "Write `kernel.yama.ptrace_scope = 1` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 1.5.2",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "kernel.yama.ptrace_scope = 1\n"),
            ("etc/sysctl.d/99.conf", "kernel.yama.ptrace_scope=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "kernel.yama.ptrace_scope=1\n")],
        &[("etc/sysctl.d/1.conf", "kernel/yama/ptrace_scope = 3\n")],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &["kernel.yama.ptrace_scope"];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["1", "2", "3"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
