//! A key may log in that is part of the image.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-authorized-keys",
        aliases: &[],
        title: "a key may log in that is part of the image",
        severity: Severity::Medium,
        why: "Whoever has its private half gets into every machine made from the image.",
        fix: "give keys when the machine starts",
        reference: "CIS Docker Benchmark 4.10",
    },
    select: &[
        Select::Suffix(".ssh/authorized_keys"),
        Select::Suffix(".ssh/authorized_keys2"),
        Select::Under("etc/ssh/authorized_keys/", ""),
        Select::Path("etc/dropbear/authorized_keys"),
    ],
    reads: true,
    bad: &[Example { path: "root/.ssh/authorized_keys", mode: 0o600, content: "# x\nssh-ed25519 AAAA me\n" }],
    good: &[Example { path: "root/.ssh/authorized_keys", mode: 0o600, content: "# none\n" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let keys = places.text(file).map(|text| {
        text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).count()
    });
    if let Some(keys) = keys.filter(|keys| *keys > 0) {
        places.with("keys", format!("{}: {keys}", file.path));
    }
}
