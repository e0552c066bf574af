//! Passwords are kept with a weak hash.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-password-hash",
        aliases: &[],
        title: "passwords are kept with a weak hash",
        severity: Severity::Medium,
        why: "They are guessed by the thousand million a second.",
        fix: "set `ENCRYPT_METHOD YESCRYPT` in `/etc/login.defs`",
        reference: "CIS Debian Linux 12 Benchmark 5.4.1.4",
    },
    bad: &[&[("etc/login.defs", "ENCRYPT_METHOD MD5\n")], &[("etc/login.defs", "ENCRYPT_METHOD DES\n")]],
    good: &[
        &[("etc/login.defs", "ENCRYPT_METHOD YESCRYPT\n")],
        &[("etc/login.defs", "ENCRYPT_METHOD sha512\n")],
        &[("etc/login.defs", "X y\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("login.defs") {
        return;
    }
    let setting = system.last("login.defs", "ENCRYPT_METHOD");
    let value = setting.map_or("SHA512", |setting| setting.value.as_str());
    if !matches!(value.to_ascii_uppercase().as_str(), "YESCRYPT" | "SHA512" | "SHA256" | "BCRYPT") {
        places.setting(setting, "etc/login.defs", &format!("ENCRYPT_METHOD is {value}"));
    }
}
