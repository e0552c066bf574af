//! A program in a folder for temporary files.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-executable-in-tmp",
        aliases: &[],
        title: "a program in a folder for temporary files",
        severity: Severity::Low,
        why: "Nothing installs programs there but attackers and forgotten builds.",
        fix: "delete it",
        reference: "",
    },
    select: &[Select::Under("tmp/", ""), Select::Under("var/tmp/", ""), Select::Under("dev/shm/", "")],
    reads: true,
    bad: &[
        Example { path: "tmp/x", mode: 0o755, content: "ELF...." },
        Example { path: "var/tmp/a.sh", mode: 0o755, content: "#!/bin/sh\n" },
    ],
    good: &[
        Example { path: "tmp/x", mode: 0o644, content: "#!/bin/sh\n" },
        Example { path: "tmp/a.txt", mode: 0o755, content: "hello" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let start = file.content.read_range(0, file.content.len().min(4), 4).unwrap_or_default();
    if file.node.mode & 0o111 != 0 && (start.starts_with(b"\x7fELF") || start.starts_with(b"#!")) {
        places.here();
    }
}
