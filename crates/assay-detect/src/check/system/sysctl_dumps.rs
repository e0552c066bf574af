//! Programs that run as their owner leave dumps.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-dumps",
        aliases: &[],
        title: "programs that run as their owner leave dumps",
        severity: Severity::Low,
        why: "A dump holds what only root may read.",
        fix: "Write `fs.suid_dumpable = 0` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 1.5.3",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "fs.suid_dumpable = 0\n"),
            ("etc/sysctl.d/99.conf", "fs.suid_dumpable=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "fs.suid_dumpable=0\n")],
        &[("etc/sysctl.d/1.conf", "fs/suid_dumpable = 0\n")],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &["fs.suid_dumpable"];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["0"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
