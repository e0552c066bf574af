//! Cloud-init lets root log in.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-cloud-init-root",
        aliases: &[],
        title: "cloud-init lets root log in",
        severity: Severity::Low,
        why: "Everybody knows the name, and nobody knows who it was.",
        fix: "set `disable_root: true` in `/etc/cloud/cloud.cfg`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.20",
    },
    bad: &[&[("etc/cloud/cloud.cfg", "disable_root: false\n")]],
    good: &[&[("etc/cloud/cloud.cfg", "disable_root: true\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for line in system.all("cloud").filter(|line| {
        line.key == "disable_root" && matches!(line.value.as_str(), "false" | "False" | "0" | "no")
    }) {
        places.setting(Some(line), "", "disable_root is false");
    }
}
