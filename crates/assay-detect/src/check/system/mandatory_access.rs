//! Neither AppArmor nor SELinux is enforced.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-mandatory-access",
        aliases: &[],
        title: "neither AppArmor nor SELinux is enforced",
        severity: Severity::Low,
        why: "A service that is broken into may do all that its user may.",
        fix: "install AppArmor, or set `SELINUX=enforcing` in `/etc/selinux/config`",
        reference: "CIS Debian Linux 12 Benchmark 1.3.1",
    },
    bad: &[&[("etc/selinux/config", "SELINUX=permissive\n")], &[("etc/fstab", "x\n")]],
    good: &[
        &[("etc/selinux/config", "SELINUX=enforcing\n")],
        &[("etc/apparmor.d/usr.bin.x", "profile x {}\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let setting = system.last("selinux", "SELINUX");
    let enforced = setting.is_some_and(|setting| setting.value == "enforcing");
    if !enforced && !system.has("apparmor") {
        places.setting(setting, "etc", "neither is set up");
    }
}
