//! A folder that everybody writes is mounted without its protection.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-mount-options",
        aliases: &[],
        title: "a folder that everybody writes is mounted without its protection",
        severity: Severity::Low,
        why: "Programs and devices put there work.",
        fix: "add `nodev,nosuid,noexec` to its line in `/etc/fstab`",
        reference: "CIS Debian Linux 12 Benchmark 1.1.2",
    },
    bad: &[
        &[("etc/fstab", "tmpfs /tmp tmpfs defaults 0 0\n")],
        &[("etc/fstab", "UUID=1 /var/tmp ext4 defaults,nodev 0 2\n")],
    ],
    good: &[
        &[("etc/fstab", "tmpfs /tmp tmpfs nodev,nosuid,noexec 0 0\n")],
        &[("etc/fstab", "UUID=1 / ext4 defaults 0 1\nUUID=2 /home ext4 nodev,nosuid 0 2\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for setting in system.all("fstab") {
        let fields: Vec<&str> = setting.value.split_whitespace().collect();
        let [mount, _, options, ..] = fields.as_slice() else { continue };
        let wanted: &[&str] = match *mount {
            "/tmp" | "/var/tmp" | "/dev/shm" => &["nodev", "nosuid", "noexec"],
            "/home" | "/var" | "/var/log" | "/var/log/audit" => &["nodev", "nosuid"],
            _ => continue,
        };
        let given: Vec<&str> = options.split(',').collect();
        let missing: Vec<&str> = wanted.iter().copied().filter(|option| !given.contains(option)).collect();
        if !missing.is_empty() {
            places.setting(Some(setting), "", &format!("{mount} lacks {}", missing.join(", ")));
        }
    }
}
