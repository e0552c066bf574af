//! The history of commands is in the image.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-shell-history",
        aliases: &["DKL-LI-0003"],
        title: "the history of commands is in the image",
        severity: Severity::Low,
        why: "What was typed often holds addresses, names and passwords.",
        fix: "delete it in the instruction that makes it",
        reference: "CIS Docker Benchmark 4.10",
    },
    select: &[
        Select::Name(".bash_history"),
        Select::Name(".ash_history"),
        Select::Name(".zsh_history"),
        Select::Name(".sh_history"),
        Select::Name(".mysql_history"),
        Select::Name(".psql_history"),
        Select::Name(".rediscli_history"),
        Select::Name(".python_history"),
        Select::Name(".node_repl_history"),
        Select::Name(".sqlite_history"),
        Select::Name(".viminfo"),
        Select::Name(".lesshst"),
    ],
    reads: false,
    bad: &[Example { path: "root/.bash_history", mode: 0o600, content: "x" }],
    good: &[Example { path: "root/.bashrc", mode: 0o600, content: "x" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if !file.content.is_empty() {
        places.here();
    }
}
