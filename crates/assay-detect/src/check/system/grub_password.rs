//! Who is at the console may change how the system starts.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-grub-password",
        aliases: &[],
        title: "who is at the console may change how the system starts",
        severity: Severity::Low,
        why: "`init=/bin/sh` is a shell of root without a password.",
        fix: "set a password with `grub-mkpasswd-pbkdf2` in `/etc/grub.d/40_custom`",
        reference: "CIS Debian Linux 12 Benchmark 1.4.1",
    },
    bad: &[&[("boot/grub/grub.cfg", "set timeout=5\n")]],
    good: &[
        &[("boot/grub/grub.cfg", "set superusers=\"root\"\npassword_pbkdf2 root grub.pbkdf2.sha512\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let set = system.all("grub").any(|line| line.key == "password_pbkdf2" || line.key == "password");
    if system.has("grub") && !set {
        places.setting(None, "boot/grub/grub.cfg", "no `password_pbkdf2`");
    }
}
