//! Others than root may read or change the tables of cron.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-cron-permissions",
        aliases: &[],
        title: "others than root may read or change the tables of cron",
        severity: Severity::Low,
        why: "They say what runs when, and who may write them is root.",
        fix: "`chmod og-rwx /etc/crontab`",
        reference: "CIS Debian Linux 12 Benchmark 2.4.1.2",
    },
    bad: &[],
    good: &[&[("etc/crontab", "x\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for file in system.files("cron").filter(|file| file.mode & 0o022 != 0) {
        places.setting(None, &file.path, &format!("mode {:04o}", file.mode & 0o7777));
    }
}
