//! Nothing says how good a password must be.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-password-quality",
        aliases: &[],
        title: "nothing says how good a password must be",
        severity: Severity::Low,
        why: "People choose what is guessed first.",
        fix: "install `libpam-pwquality`, and set `minlen = 14` in `/etc/security/pwquality.conf`",
        reference: "CIS Debian Linux 12 Benchmark 5.3.3.2",
    },
    bad: &[
        &[("etc/pam.d/common-password", "password requisite pam_unix.so obscure\n")],
        &[
            ("etc/pam.d/common-password", "password requisite pam_pwquality.so retry=3\n"),
            ("etc/security/pwquality.conf", "minlen = 6\n"),
        ],
    ],
    good: &[
        &[
            ("etc/pam.d/common-password", "password requisite pam_pwquality.so retry=3\n"),
            ("etc/security/pwquality.conf", "minlen = 14\n"),
        ],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    if !system.has("pam") {
        return;
    }
    let module = system.all("pam").find(|line| {
        ["pam_pwquality.so", "pam_passwdqc.so", "pam_cracklib.so"]
            .iter()
            .any(|module| line.value.contains(module))
    });
    let Some(module) = module else {
        return places.setting(None, "etc/pam.d", "neither `pam_pwquality` nor `pam_passwdqc`");
    };
    let set = system.last("pwquality", "minlen");
    let in_line = module.value.split_whitespace().find_map(|word| word.strip_prefix("minlen="));
    let length = in_line.or(set.map(|set| set.value.as_str())).and_then(|length| length.parse::<u32>().ok());
    if module.value.contains("pam_pwquality.so") && length.is_none_or(|length| length < 12) {
        places.setting(
            set.or(Some(module)),
            "",
            &format!("minlen is {}", length.map_or("not set".to_owned(), |length| length.to_string())),
        );
    }
}
