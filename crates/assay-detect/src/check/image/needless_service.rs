//! A service of whole machines is installed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-needless-service",
        aliases: &[],
        title: "a service of whole machines is installed",
        severity: Severity::Negligible,
        why: "A container runs one service; what else is there is only there to be attacked.",
        fix: "leave it out",
        reference: "CIS Distribution Independent Linux Benchmark 2.2",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    places.packages(seen.inventory, NAMES);
}

/// Names of packages; `*` stands for a version.
const NAMES: &[&str] = &[
    "cups",
    "cups-daemon",
    "avahi-daemon",
    "avahi",
    "isc-dhcp-server",
    "dhcp-server",
    "slapd",
    "openldap-servers",
    "nfs-kernel-server",
    "nfs-utils",
    "rpcbind",
    "bind9",
    "bind",
    "samba",
    "snmpd",
    "net-snmp",
    "squid",
    "dovecot-core",
    "dovecot",
    "exim4",
    "exim4-daemon-light",
    "postfix",
    "sendmail",
    "xserver-xorg-core",
    "xorg-x11-server-Xorg",
    "bluez",
    "autofs",
    "cron",
    "cronie",
    "rsyslog",
    "systemd-sysv",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_names_of_packages() {
        check_package(&CHECK, "cups", 1);
        check_package(&CHECK, "libcups2", 0);
    }
}
