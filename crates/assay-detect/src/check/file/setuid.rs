//! Programs that distributions ship setuid or setgid.
//!
//! They are one finding with a list; what no distribution ships so is a worse one of its own.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::NodeKind;
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-setuid",
        aliases: &["CIS-DI-0008"],
        title: "programs that run as their owner or group",
        severity: Severity::Low,
        why: "Each gives whoever runs it the rights of another, mostly of root.",
        fix: "take the bit off what the service does not need: `chmod a-s FILE`; with `no-new-privileges` the others are of no use either",
        reference: "CIS Docker Benchmark 4.8",
    },
    select: &[Select::Mode(0o6000)],
    reads: false,
    bad: &[
        Example { path: "usr/bin/su", mode: 0o4755, content: "x" },
        Example { path: "usr/bin/chage", mode: 0o2755, content: "x" },
    ],
    good: &[
        Example { path: "usr/bin/ls", mode: 0o755, content: "x" },
        Example { path: "opt/x", mode: 0o4755, content: "x" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if file.node.kind == NodeKind::File && is_known(file.path) {
        places.mode(file);
    }
}

/// What distributions ship so, by the name of the program.
const KNOWN: &[&str] = &[
    "su",
    "mount",
    "umount",
    "passwd",
    "chsh",
    "chfn",
    "newgrp",
    "gpasswd",
    "chage",
    "expiry",
    "ping",
    "ping6",
    "sudo",
    "sudoedit",
    "wall",
    "write",
    "bsd-write",
    "unix_chkpwd",
    "pam_timestamp_check",
    "pam_extrausers_chkpwd",
    "unix_chkpwd",
    "ssh-keysign",
    "ssh-agent",
    "crontab",
    "at",
    "fusermount",
    "fusermount3",
    "pkexec",
    "polkit-agent-helper-1",
    "dbus-daemon-launch-helper",
    "newuidmap",
    "newgidmap",
    "ntfs-3g",
    "userhelper",
    "utempter",
    "bbsuid",
    "mount.nfs",
    "mount.cifs",
    "usernetctl",
    "chkstat",
    "staprun",
    "Xorg.wrap",
    "dotlockfile",
    "mlocate",
    "plocate",
    "locate",
    "postdrop",
    "postqueue",
    "screen",
    "vmware-user-suid-wrapper",
    "exim4",
    "sg",
    "ksu",
    "doas",
];

pub(super) fn is_known(path: &str) -> bool {
    let name = assay_model::path::file_name(path);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let usual = ["bin", "sbin", "usr/bin", "usr/sbin", "lib", "usr/lib", "usr/libexec", "lib64", "usr/lib64"];
    KNOWN.contains(&name)
        && usual.iter().any(|start| {
            folder == *start || folder.strip_prefix(start).is_some_and(|rest| rest.starts_with('/'))
        })
}
