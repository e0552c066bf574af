//! Nothing keeps the clock right.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-time-not-synchronised",
        aliases: &[],
        title: "nothing keeps the clock right",
        severity: Severity::Negligible,
        why: "Logs of several machines cannot be put together, and certificates fail.",
        fix: "enable `systemd-timesyncd` or chrony",
        reference: "CIS Debian Linux 12 Benchmark 2.3",
    },
    bad: &[&[("etc/fstab", "x\n")]],
    good: &[&[("etc/chrony/chrony.conf", "pool x\n")], &[("etc/systemd/timesyncd.conf", "NTP=x\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("time") {
        places.setting(None, "etc", "neither chrony, ntpd nor systemd-timesyncd");
    }
}
