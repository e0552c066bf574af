//! Two accounts or groups share a number or a name.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;
use std::collections::BTreeSet;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-duplicate-id",
        aliases: &["DKL-LI-0002"],
        title: "two accounts or groups share a number or a name",
        severity: Severity::Low,
        why: "What belongs to one belongs to the other.",
        fix: "give each its own",
        reference: "CIS Distribution Independent Linux Benchmark 6.2.16",
    },
    select: &[Select::Path("etc/passwd"), Select::Path("etc/group")],
    reads: true,
    bad: &[
        Example { path: "etc/passwd", mode: 0o644, content: "a:x:5:5::/:/x\nb:x:5:5::/:/x\n" },
        Example { path: "etc/group", mode: 0o644, content: "a:x:5:\na:x:6:\n" },
    ],
    good: &[
        Example { path: "etc/passwd", mode: 0o644, content: "a:x:5:5::/:/x\nb:x:6:5::/:/x\n" },
        Example { path: "etc/passwd", mode: 0o644, content: "root:x:0:0::/:/x\ntoor:x:0:0::/:/x\n" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let mut names = BTreeSet::new();
    let mut numbers = BTreeSet::new();
    for (line, fields) in places.records(file) {
        if let [name, _, number, ..] = fields.as_slice() {
            // Another root is a finding of its own.
            let twice = !numbers.insert((*number).to_owned()) && *number != "0";
            if !names.insert((*name).to_owned()) || twice {
                places.at(line, name);
            }
        }
    }
}
