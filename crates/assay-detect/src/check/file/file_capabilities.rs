//! Programs with capabilities that come close to root (<https://man7.org/linux/man-pages/man7/capabilities.7.html>).
//!
//! `CAP_NET_RAW` of ping and `CAP_NET_BIND_SERVICE` of web servers are what capabilities are for.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-file-capabilities",
        aliases: &["CIS-DI-0008"],
        title: "programs with capabilities that come close to root",
        severity: Severity::Medium,
        why: "Whoever runs them gets the capability, also without being root.",
        fix: "take them off: `setcap -r FILE`",
        reference: "CIS Docker Benchmark 4.8",
    },
    select: &[Select::Capabilities],
    reads: false,
    bad: &[],
    good: &[Example { path: "usr/bin/ls", mode: 0o755, content: "x" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let dangerous =
        DANGEROUS.iter().filter(|(bit, _)| file.node.capabilities & (1 << bit) != 0).map(|(_, name)| *name);
    let names: Vec<&str> = dangerous.collect();
    if !names.is_empty() {
        places.with("capabilities", format!("{}: {}", file.path, names.join(", ")));
    }
}

/// Capabilities by number.
const DANGEROUS: &[(u32, &str)] = &[
    (0, "chown"),
    (1, "dac_override"),
    (2, "dac_read_search"),
    (3, "fowner"),
    (6, "setgid"),
    (7, "setuid"),
    (8, "setpcap"),
    (12, "net_admin"),
    (16, "sys_module"),
    (17, "sys_rawio"),
    (19, "sys_ptrace"),
    (21, "sys_admin"),
    (31, "setfcap"),
    (33, "mac_admin"),
    (38, "perfmon"),
    (39, "bpf"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_comes_close_to_root_is_told() {
        let check = |capabilities, found| {
            assert_eq!(CHECK.found_in(&Example { path: "x", mode: 0o755, content: "" }, capabilities), found);
        };
        check(1 << 21, 1);
        check((1 << 13) | (1 << 10), 0);
    }
}
