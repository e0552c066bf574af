//! Who guesses passwords is not locked out.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-password-lockout",
        aliases: &[],
        title: "who guesses passwords is not locked out",
        severity: Severity::Low,
        why: "Guessing can go on.",
        fix: "add `pam_faillock.so` to `/etc/pam.d/common-auth`",
        reference: "CIS Debian Linux 12 Benchmark 5.3.3.1",
    },
    bad: &[&[("etc/pam.d/common-auth", "auth required pam_unix.so\n")]],
    good: &[&[("etc/pam.d/common-auth", "auth required pam_faillock.so preauth\n")], &[("etc/fstab", "x\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if system.has("pam")
        && !system
            .all("pam")
            .any(|line| line.value.contains("pam_faillock.so") || line.value.contains("pam_tally"))
    {
        places.setting(None, "etc/pam.d", "no `pam_faillock`");
    }
}
