//! A password is kept with a weak hash.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-weak-password-hash",
        aliases: &[],
        title: "a password is kept with a weak hash",
        severity: Severity::Medium,
        why: "DES and MD5 hashes are guessed by the thousand million a second.",
        fix: "set `ENCRYPT_METHOD YESCRYPT` in `/etc/login.defs`, and the password anew",
        reference: "CIS Debian Linux 12 Benchmark 5.4.1.4",
    },
    select: &[Select::Path("etc/shadow"), Select::Path("etc/passwd")],
    reads: true,
    bad: &[
        Example { path: "etc/shadow", mode: 0o640, content: "root:$1$abc$def:19000::::::\n" },
        Example { path: "etc/passwd", mode: 0o644, content: "a:abJnggxhB/yWI:0:0::/:/bin/sh\n" },
    ],
    good: &[Example {
        path: "etc/shadow",
        mode: 0o640,
        content: "root:$y$j9T$a$b:1::::::\nx:*LOCKED*:1::::::\ny:!:1:::::\n",
    }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    for (line, fields) in places.records(file) {
        if let [name, hash, ..] = fields.as_slice() {
            let des = hash.len() == 13
                && hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./".contains(&byte));
            if hash.starts_with("$1$") || des {
                places.at(line, name);
            }
        }
    }
}
