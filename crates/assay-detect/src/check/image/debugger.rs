//! Tools to look into processes and networks are installed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-debugger",
        aliases: &[],
        title: "tools to look into processes and networks are installed",
        severity: Severity::Low,
        why: "They are what an attacker would bring.",
        fix: "leave them out; debug with an ephemeral container",
        reference: "CIS Docker Benchmark 4.3",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    places.packages(seen.inventory, NAMES);
}

/// Names of packages; `*` stands for a version.
const NAMES: &[&str] = &[
    "gdb",
    "strace",
    "ltrace",
    "tcpdump",
    "nmap",
    "nmap-ncat",
    "netcat",
    "netcat-openbsd",
    "netcat-traditional",
    "ncat",
    "socat",
    "wireshark",
    "tshark",
    "hping3",
    "masscan",
    "john",
    "hydra",
    "metasploit-framework",
    "sqlmap",
    "lldb",
    "lldb-*",
    "ngrep",
    "dsniff",
    "ettercap-text-only",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_names_of_packages() {
        check_package(&CHECK, "netcat-openbsd", 1);
        check_package(&CHECK, "libgdbm6", 0);
    }
}
