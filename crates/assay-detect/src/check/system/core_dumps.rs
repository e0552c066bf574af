//! Programs may leave dumps of their memory.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-core-dumps",
        aliases: &[],
        title: "programs may leave dumps of their memory",
        severity: Severity::Negligible,
        why: "A dump holds keys and passwords.",
        fix: "write `* hard core 0` to `/etc/security/limits.d/core.conf`, and `Storage=none` to `/etc/systemd/coredump.conf`",
        reference: "CIS Debian Linux 12 Benchmark 1.5.3",
    },
    bad: &[&[("etc/security/limits.conf", "* soft nofile 1024\n")]],
    good: &[&[("etc/security/limits.d/a.conf", "* hard core 0\n")], &[("etc/fstab", "x\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let limited = system.all("limits").any(|line| {
        let words: Vec<&str> = line.value.split_whitespace().collect();
        matches!(words.as_slice(), [_, "hard" | "-", "core", "0", ..])
    });
    let stored = system.last("coredump", "Storage").is_some_and(|setting| setting.value == "none");
    if system.has("limits") && !limited && !stored {
        places.setting(None, "etc/security/limits.conf", "no `* hard core 0`");
    }
}
