//! A program that no distribution ships so runs as its owner or group.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::NodeKind;
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-setuid-unusual",
        aliases: &["CIS-DI-0008"],
        title: "a program that no distribution ships so runs as its owner or group",
        severity: Severity::Medium,
        why: "It gives whoever runs it the rights of another; a copy of a shell with this bit is a way back in.",
        fix: "take the bit off: `chmod a-s FILE`",
        reference: "CIS Docker Benchmark 4.8",
    },
    select: &[Select::Mode(0o6000)],
    reads: false,
    bad: &[
        Example { path: "opt/x", mode: 0o4755, content: "x" },
        Example { path: "tmp/su", mode: 0o4755, content: "x" },
    ],
    good: &[
        Example { path: "usr/bin/su", mode: 0o4755, content: "x" },
        Example { path: "opt/y", mode: 0o755, content: "x" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if file.node.kind == NodeKind::File && !super::setuid::is_known(file.path) {
        places.mode(file);
    }
}
