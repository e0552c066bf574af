//! Another account than root has the number 0.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-second-root",
        aliases: &[],
        title: "another account than root has the number 0",
        severity: Severity::High,
        why: "It is root under another name, and easily overlooked.",
        fix: "give it a number of its own",
        reference: "CIS Distribution Independent Linux Benchmark 6.2.2",
    },
    select: &[Select::Path("etc/passwd")],
    reads: true,
    bad: &[Example {
        path: "etc/passwd",
        mode: 0o644,
        content: "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n",
    }],
    good: &[Example {
        path: "etc/passwd",
        mode: 0o644,
        content: "root:x:0:0::/:/bin/sh\nx:x:1:0::/:/bin/sh\n",
    }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    for (line, fields) in places.records(file) {
        if let [name, _, "0", ..] = fields.as_slice()
            && *name != "root"
        {
            places.at(line, name);
        }
    }
}
