//! Passwords hold for ever.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-password-age",
        aliases: &[],
        title: "passwords hold for ever",
        severity: Severity::Negligible,
        why: "One that got out stays good.",
        fix: "set `PASS_MAX_DAYS 365` in `/etc/login.defs`",
        reference: "CIS Debian Linux 12 Benchmark 5.4.1.1",
    },
    bad: &[&[("etc/login.defs", "PASS_MAX_DAYS 99999\n")], &[("etc/login.defs", "X y\n")]],
    good: &[&[("etc/login.defs", "PASS_MAX_DAYS 365\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("login.defs") {
        return;
    }
    let setting = system.last("login.defs", "PASS_MAX_DAYS");
    let value = setting.map_or("99999", |setting| setting.value.as_str());
    if value.parse::<i64>().is_ok_and(|days| !(1..=365).contains(&days)) {
        places.setting(setting, "etc/login.defs", &format!("PASS_MAX_DAYS is {value}"));
    }
}
