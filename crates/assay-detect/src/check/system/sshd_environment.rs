//! Who logs in may set the environment of programs.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-environment",
        aliases: &[],
        title: "who logs in may set the environment of programs",
        severity: Severity::Medium,
        why: "With `LD_PRELOAD` a restricted account runs anything.",
        fix: "Set `PermitUserEnvironment no` in `/etc/ssh/sshd_config`.",
        reference: "CIS Debian Linux 12 Benchmark 5.1.21",
    },
    bad: &[&[("etc/ssh/sshd_config", "PermitUserEnvironment yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "PermitUserEnvironment no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find,
};

fn find(system: &System, places: &mut Places) {
    if !system.has("sshd") {
        return;
    }
    let setting = system.first("sshd", "permituserenvironment");
    let value = setting.map_or("no", |setting| setting.value.as_str()).to_ascii_lowercase();
    if value == "yes" {
        places.setting(
            setting,
            "etc/ssh/sshd_config",
            &format!("permituserenvironment {}", if value.is_empty() { "is not set" } else { &value }),
        );
    }
}
