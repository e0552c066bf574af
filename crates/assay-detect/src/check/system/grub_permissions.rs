//! Everybody may read how the system starts.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-grub-permissions",
        aliases: &[],
        title: "everybody may read how the system starts",
        severity: Severity::Low,
        why: "It may hold the hash of the boot password.",
        fix: "`chmod 600 /boot/grub/grub.cfg`",
        reference: "CIS Debian Linux 12 Benchmark 1.4.2",
    },
    bad: &[],
    good: &[&[("boot/grub/grub.cfg", "set timeout=5\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for file in system.files("grub").filter(|file| file.mode & 0o077 != 0) {
        places.setting(None, &file.path, &format!("mode {:04o}", file.mode & 0o7777));
    }
}
