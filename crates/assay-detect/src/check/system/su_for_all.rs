//! Everybody may try `su`.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-su-for-all",
        aliases: &[],
        title: "everybody may try `su`",
        severity: Severity::Negligible,
        why: "Who has a password of root needs no account of an administrator.",
        fix: "uncomment `auth required pam_wheel.so` in `/etc/pam.d/su`",
        reference: "CIS Debian Linux 12 Benchmark 5.2.7",
    },
    bad: &[&[("etc/pam.d/su", "auth sufficient pam_rootok.so\n")]],
    good: &[&[("etc/pam.d/su", "auth required pam_wheel.so use_uid\n")], &[("etc/pam.d/common-auth", "x\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let su: Vec<_> = system.all("pam").filter(|line| line.path == "etc/pam.d/su").collect();
    if !su.is_empty() && !su.iter().any(|line| line.value.contains("pam_wheel.so")) {
        places.setting(None, "etc/pam.d/su", "no `pam_wheel`");
    }
}
