//! An account without a password.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-empty-password",
        aliases: &["DKL-LI-0001"],
        title: "an account without a password",
        severity: Severity::High,
        why: "Whoever reaches a login, `su` or a service with PAM is that user.",
        fix: "lock it: `passwd -l NAME`",
        reference: "CIS Distribution Independent Linux Benchmark 6.2.1",
    },
    select: &[Select::Path("etc/shadow"), Select::Path("etc/passwd")],
    reads: true,
    bad: &[
        Example { path: "etc/shadow", mode: 0o640, content: "root::19000:0:99999:7:::\n" },
        Example { path: "etc/passwd", mode: 0o644, content: "a::0:0::/:/bin/sh\n" },
    ],
    good: &[
        Example {
            path: "etc/shadow",
            mode: 0o640,
            content: "root:*:19000::::::\nx:!:1::::::\ny:$6$a$b:1::::::\n",
        },
        Example { path: "etc/passwd", mode: 0o644, content: "root:x:0:0::/:/bin/sh\n" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    for (line, fields) in places.records(file) {
        if let [name, "", ..] = fields.as_slice()
            && !name.is_empty()
        {
            places.at(line, name);
        }
    }
}
