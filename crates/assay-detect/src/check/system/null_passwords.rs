//! PAM lets accounts without a password in.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-null-passwords",
        aliases: &[],
        title: "PAM lets accounts without a password in",
        severity: Severity::Medium,
        why: "Whoever knows the name is in.",
        fix: "take `nullok` out of the lines of `pam_unix.so` in `/etc/pam.d`",
        reference: "CIS Debian Linux 12 Benchmark 5.3.3.4.1",
    },
    bad: &[&[("etc/pam.d/common-auth", "auth [success=1 default=ignore] pam_unix.so nullok\n")]],
    good: &[&[("etc/pam.d/common-auth", "auth required pam_unix.so\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for line in system
        .all("pam")
        .filter(|line| line.value.split_whitespace().any(|word| word == "nullok" || word == "nullok_secure"))
    {
        places.setting(Some(line), "", "nullok");
    }
}
