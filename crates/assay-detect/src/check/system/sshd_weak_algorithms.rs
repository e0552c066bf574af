//! SSH uses algorithms that are broken.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-weak-algorithms",
        aliases: &[],
        title: "SSH uses algorithms that are broken",
        severity: Severity::Medium,
        why: "Who records the connection may read or change it.",
        fix: "take them out of `Ciphers`, `MACs` and `KexAlgorithms`, or leave these settings out",
        reference: "CIS Debian Linux 12 Benchmark 5.1.6, 5.1.12, 5.1.15",
    },
    bad: &[
        &[("etc/ssh/sshd_config", "Ciphers aes256-ctr,3des-cbc\n")],
        &[("etc/ssh/sshd_config", "MACs hmac-md5\n")],
    ],
    good: &[&[("etc/ssh/sshd_config", "Ciphers aes256-gcm@openssh.com\nMACs -hmac-md5*\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for key in ["ciphers", "macs", "kexalgorithms"] {
        let Some(setting) = system.first("sshd", key) else { continue };
        // A list that begins with `-` takes away.
        let weak: Vec<&str> = setting
            .value
            .split(',')
            .filter(|name| {
                !setting.value.starts_with('-') && WEAK.contains(&name.trim_start_matches(['+', '^']))
            })
            .collect();
        if !weak.is_empty() {
            places.setting(Some(setting), "", &format!("{key}: {}", weak.join(", ")));
        }
    }
}

const WEAK: &[&str] = &[
    "3des-cbc",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    "arcfour",
    "blowfish-cbc",
    "cast128-cbc",
    "rijndael-cbc@lysator.liu.se",
    "hmac-md5",
    "hmac-md5-96",
    "hmac-sha1-96",
    "umac-64@openssh.com",
    "diffie-hellman-group1-sha1",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
];
