//! The places of code in memory are not settled to be random.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-aslr",
        aliases: &[],
        title: "the places of code in memory are not settled to be random",
        severity: Severity::Low,
        why: "Attacks that need to know addresses work.",
        fix: "Write `kernel.randomize_va_space = 2` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 1.5.1",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "kernel.randomize_va_space = 2\n"),
            ("etc/sysctl.d/99.conf", "kernel.randomize_va_space=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "kernel.randomize_va_space=2\n")],
        &[("etc/sysctl.d/1.conf", "kernel/randomize_va_space = 2\n")],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &["kernel.randomize_va_space"];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["2"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
