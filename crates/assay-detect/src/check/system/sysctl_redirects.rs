//! Others on the network may change where packets go.

use crate::check::Check;
use crate::check::system::{Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-redirects",
        aliases: &[],
        title: "others on the network may change where packets go",
        severity: Severity::Low,
        why: "Whoever is on the network can read along.",
        fix: "Write `net.ipv4.conf.all.accept_redirects = 0`, `net.ipv4.conf.all.send_redirects = 0`, `net.ipv6.conf.all.accept_redirects = 0`, `net.ipv4.conf.all.secure_redirects = 0` to `/etc/sysctl.d/60-hardening.conf`.",
        reference: "CIS Debian Linux 12 Benchmark 3.3.2, 3.3.5, 3.3.6",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.conf.all.accept_redirects = 0\n"),
            (
                "etc/sysctl.d/99.conf",
                "net.ipv4.conf.all.accept_redirects=77\nnet.ipv4.conf.all.send_redirects=77\nnet.ipv6.conf.all.accept_redirects=77\nnet.ipv4.conf.all.secure_redirects=77\n",
            ),
        ],
    ],
    good: &[
        &[(
            "etc/sysctl.d/1.conf",
            "net.ipv4.conf.all.accept_redirects=0\nnet.ipv4.conf.all.send_redirects=0\nnet.ipv6.conf.all.accept_redirects=0\nnet.ipv4.conf.all.secure_redirects=0\n",
        )],
        &[(
            "etc/sysctl.d/1.conf",
            "net/ipv4/conf/all/accept_redirects = 0\nnet/ipv4/conf/all/send_redirects = 0\nnet/ipv6/conf/all/accept_redirects = 0\nnet/ipv4/conf/all/secure_redirects = 0\n",
        )],
    ],
    find,
};

/// The settings that are asked for.
const KEYS: &[&str] = &[
    "net.ipv4.conf.all.accept_redirects",
    "net.ipv4.conf.all.send_redirects",
    "net.ipv6.conf.all.accept_redirects",
    "net.ipv4.conf.all.secure_redirects",
];

fn find(system: &System, places: &mut Places) {
    for key in KEYS {
        let setting = system.last("sysctl", key);
        let value = setting.map(|setting| setting.value.as_str());
        if !value.is_some_and(|value| ["0"].contains(&value)) {
            places.setting(setting, "etc/sysctl.d", &format!("{key} is {}", value.unwrap_or("not set")));
        }
    }
}
