//! An account has a password.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-password-set",
        aliases: &[],
        title: "an account has a password",
        severity: Severity::Medium,
        why: "It is the same in every container, and whoever has the image can guess it in peace.",
        fix: "lock it with `passwd -l NAME`, and give keys when the machine starts",
        reference: "CIS Docker Benchmark 4.10",
    },
    select: &[Select::Path("etc/shadow")],
    reads: true,
    bad: &[Example { path: "etc/shadow", mode: 0o640, content: "root:$6$abc$def:19000::::::\n" }],
    good: &[Example {
        path: "etc/shadow",
        mode: 0o640,
        content: "root:*:1::::::\nx:!$6$a$b:1::::::\nz::1::::::\n",
    }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    for (line, fields) in places.records(file) {
        if let [name, hash, ..] = fields.as_slice()
            && hash.starts_with('$')
        {
            places.at(line, name);
        }
    }
}
