//! `/tmp` is part of the root file system.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-separate-tmp",
        aliases: &[],
        title: "`/tmp` is part of the root file system",
        severity: Severity::Low,
        why: "Whoever fills it stops the machine, and programs put there work.",
        fix: "give it a line of its own in `/etc/fstab`, or enable `tmp.mount`",
        reference: "CIS Debian Linux 12 Benchmark 1.1.2.1.1",
    },
    bad: &[&[("etc/fstab", "UUID=1 / ext4 defaults 0 1\n")]],
    good: &[
        &[("etc/fstab", "UUID=1 / ext4 x 0 1\ntmpfs /tmp tmpfs x 0 0\n")],
        &[("etc/fstab", "UUID=1 / ext4 x 0 1\n"), ("etc/systemd/system/tmp.mount", "[Mount]\nWhat=tmpfs\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let mounts = |place: &str| {
        system.all("fstab").any(|setting| setting.value.split_whitespace().next() == Some(place))
    };
    if mounts("/")
        && !mounts("/tmp")
        && !system.has("tmp.mount")
        && !system.files("wants").any(|file| file.path.ends_with("/tmp.mount"))
    {
        places.setting(None, "etc/fstab", "no line for /tmp");
    }
}
