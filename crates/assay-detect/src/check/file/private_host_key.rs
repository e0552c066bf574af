//! The private key of an SSH server is in the image.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-private-host-key",
        aliases: &[],
        title: "the private key of an SSH server is in the image",
        severity: Severity::High,
        why: "Every machine made from it has the same: whoever has the image can pass itself off as each of them.",
        fix: "delete `/etc/ssh/ssh_host_*`, and let each machine make its own when it starts",
        reference: "CIS Docker Benchmark 4.10",
    },
    select: &[Select::NameAffixes("ssh_host_", "_key")],
    reads: true,
    bad: &[Example {
        path: "etc/ssh/ssh_host_rsa_key",
        mode: 0o600,
        content: "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n",
    }],
    good: &[Example { path: "etc/ssh/ssh_host_rsa_key", mode: 0o600, content: "\n" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if places.text(file).is_some_and(|text| text.contains("PRIVATE KEY")) {
        places.here();
    }
}
