//! Cloud-init sets a password, or lets passwords in.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-cloud-init-password",
        aliases: &[],
        title: "cloud-init sets a password, or lets passwords in",
        severity: Severity::Medium,
        why: "It is the same on every machine made from the image.",
        fix: "take `password`, `chpasswd` and `ssh_pwauth: true` out of `/etc/cloud/cloud.cfg`",
        reference: "",
    },
    bad: &[
        &[("etc/cloud/cloud.cfg", "ssh_pwauth: true\n")],
        &[("etc/cloud/cloud.cfg.d/9.cfg", "password: hunter2\n")],
        &[("etc/cloud/cloud.cfg", "users:\n  - name: x\n    plain_text_passwd: y\n")],
    ],
    good: &[&[("etc/cloud/cloud.cfg", "ssh_pwauth: false\nlock_passwd: true\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for line in system.all("cloud") {
        let on = matches!(line.value.as_str(), "true" | "True" | "yes" | "1");
        let bad = match line.key.as_str() {
            "password" | "plain_text_passwd" | "hashed_passwd" | "passwd" => true,
            "ssh_pwauth" => on,
            "lock_passwd" => !on && !line.value.is_empty(),
            _ => false,
        };
        if bad {
            places.setting(Some(line), "", &line.key);
        }
    }
}
