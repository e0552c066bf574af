//! What users make can be read by everybody.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-umask",
        aliases: &[],
        title: "what users make can be read by everybody",
        severity: Severity::Negligible,
        why: "Keys and settings are made with the rights of the day.",
        fix: "set `UMASK 027` in `/etc/login.defs`",
        reference: "CIS Debian Linux 12 Benchmark 5.4.3.3",
    },
    bad: &[&[("etc/login.defs", "UMASK 022\n")]],
    good: &[&[("etc/login.defs", "UMASK 027\n")], &[("etc/login.defs", "UMASK 077\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("login.defs") {
        return;
    }
    let setting = system.last("login.defs", "UMASK");
    let value = setting.map_or("022", |setting| setting.value.as_str());
    if u32::from_str_radix(value, 8).is_ok_and(|mask| mask & 0o007 != 0o007) {
        places.setting(setting, "etc/login.defs", &format!("UMASK is {value}"));
    }
}
