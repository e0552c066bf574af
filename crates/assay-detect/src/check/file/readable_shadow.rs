//! The hashes of passwords can be read by everybody.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-readable-shadow",
        aliases: &[],
        title: "the hashes of passwords can be read by everybody",
        severity: Severity::High,
        why: "Whoever runs anything in it can guess them in peace.",
        fix: "`chmod 640 /etc/shadow`",
        reference: "CIS Distribution Independent Linux Benchmark 6.1.3",
    },
    select: &[
        Select::Path("etc/shadow"),
        Select::Path("etc/gshadow"),
        Select::Path("etc/shadow-"),
        Select::Path("etc/gshadow-"),
    ],
    reads: false,
    bad: &[Example { path: "etc/shadow", mode: 0o644, content: "x" }],
    good: &[
        Example { path: "etc/shadow", mode: 0o640, content: "x" },
        Example { path: "etc/shadow", mode: 0o0, content: "x" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if file.node.mode & 0o006 != 0 {
        places.mode(file);
    }
}
