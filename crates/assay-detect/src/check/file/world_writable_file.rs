//! Files that everybody can write.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::NodeKind;
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-world-writable-file",
        aliases: &[],
        title: "files that everybody can write",
        severity: Severity::Medium,
        why: "Any process of the container can change them, also one that an attacker runs as another user.",
        fix: "`chmod o-w FILE`, and give the file to the user that writes it",
        reference: "CIS Distribution Independent Linux Benchmark 6.1.10",
    },
    select: &[Select::Mode(0o002)],
    reads: false,
    bad: &[Example { path: "app/x", mode: 0o666, content: "x" }],
    good: &[Example { path: "app/x", mode: 0o664, content: "x" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let open = ["tmp/", "var/tmp/", "dev/", "proc/", "sys/", "run/"]
        .iter()
        .any(|folder| file.path.starts_with(folder));
    if file.node.kind == NodeKind::File && !open {
        places.mode(file);
    }
}
