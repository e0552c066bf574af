//! `sudo` asks for no password.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-sudo-without-password",
        aliases: &[],
        title: "`sudo` asks for no password",
        severity: Severity::Medium,
        why: "Whoever runs anything as that user is root.",
        fix: "take `NOPASSWD` out, or `sudo` altogether",
        reference: "CIS Debian Linux 12 Benchmark 5.2.4",
    },
    select: &[Select::Path("etc/sudoers"), Select::Under("etc/sudoers.d/", "")],
    reads: true,
    bad: &[
        Example { path: "etc/sudoers.d/app", mode: 0o440, content: "app ALL=(ALL) NOPASSWD: ALL\n" },
        Example { path: "etc/sudoers", mode: 0o440, content: "Defaults !authenticate\n" },
    ],
    good: &[Example {
        path: "etc/sudoers",
        mode: 0o440,
        content: "# x NOPASSWD: ALL\nroot ALL=(ALL:ALL) ALL\n",
    }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let lines = places.lines(file);
    for (line, text) in
        lines.into_iter().filter(|(_, text)| text.contains("NOPASSWD:") || text.contains("!authenticate"))
    {
        places.at(line, &text);
    }
}
