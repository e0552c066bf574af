//! A program of the system belongs to another user than root.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-writable-program",
        aliases: &[],
        title: "a program of the system belongs to another user than root",
        severity: Severity::Medium,
        why: "Who is that user can change what root runs.",
        fix: "`chown root FILE`",
        reference: "CIS Distribution Independent Linux Benchmark 6.1",
    },
    select: &[
        Select::Under("usr/bin/", ""),
        Select::Under("usr/sbin/", ""),
        Select::Under("bin/", ""),
        Select::Under("sbin/", ""),
        Select::Under("usr/local/bin/", ""),
        Select::Under("etc/init.d/", ""),
    ],
    reads: false,
    bad: &[],
    good: &[Example { path: "usr/bin/x", mode: 0o755, content: "x" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let daemon = ["usr/bin/at", "usr/sbin/exim4", "usr/bin/man", "usr/bin/mandb", "usr/lib/uucp"];
    if file.node.uid != 0 && file.node.mode & 0o111 != 0 && !daemon.contains(&file.path) {
        places.with("owner", format!("{}: {}", file.path, file.node.uid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_may_own_them() {
        assert_eq!(CHECK.found_of_user("usr/bin/x", 0o755, 1000), 1);
        assert_eq!(CHECK.found_of_user("usr/bin/x", 0o755, 0), 0);
    }
}
