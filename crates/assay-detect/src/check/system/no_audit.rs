//! What is done is not recorded.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-no-audit",
        aliases: &[],
        title: "what is done is not recorded",
        severity: Severity::Low,
        why: "After a break-in nobody can say what was done.",
        fix: "install and enable `auditd`",
        reference: "CIS Debian Linux 12 Benchmark 6.2.1.1",
    },
    bad: &[&[("etc/fstab", "x\n")]],
    good: &[&[("etc/audit/auditd.conf", "max_log_file = 8\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("auditd") {
        places.setting(None, "etc/audit", "no `auditd`");
    }
}
