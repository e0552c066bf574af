//! A service without encryption is installed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-legacy-service",
        aliases: &[],
        title: "a service without encryption is installed",
        severity: Severity::Medium,
        why: "Passwords and data cross the network in the open.",
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
    "telnetd",
    "telnet-server",
    "inetutils-telnetd",
    "rsh-server",
    "rsh-redone-server",
    "tftpd",
    "tftpd-hpa",
    "tftp-server",
    "atftpd",
    "vsftpd",
    "proftpd",
    "proftpd-basic",
    "proftpd-core",
    "ypserv",
    "nis",
    "talkd",
    "talk-server",
    "xinetd",
    "inetutils-inetd",
    "openbsd-inetd",
    "rsync-daemon",
    "finger-server",
    "cyrus-sasl-sample",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_names_of_packages() {
        check_package(&CHECK, "vsftpd", 1);
        check_package(&CHECK, "telnet", 0);
    }
}
