//! The journal does not survive a restart.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-volatile-journal",
        aliases: &[],
        title: "the journal does not survive a restart",
        severity: Severity::Low,
        why: "Who restarts the machine wipes the traces.",
        fix: "set `Storage=persistent` in `/etc/systemd/journald.conf`",
        reference: "CIS Debian Linux 12 Benchmark 6.1.1.4",
    },
    bad: &[
        &[("etc/systemd/journald.conf", "Storage=volatile\n")],
        &[("etc/systemd/journald.conf", "Compress=yes\n")],
    ],
    good: &[
        &[("etc/systemd/journald.conf.d/a.conf", "Storage=persistent\n")],
        &[("etc/systemd/journald.conf", "Compress=yes\n"), ("etc/rsyslog.conf", "*.* /var/log/syslog\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let setting = system.last("journald", "Storage");
    let persistent = setting.is_some_and(|setting| setting.value == "persistent");
    if system.has("journald") && !persistent && !system.has("rsyslog") {
        places.setting(setting, "etc/systemd/journald.conf", "Storage is not `persistent`");
    }
}
