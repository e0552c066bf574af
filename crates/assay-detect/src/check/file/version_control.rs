//! The history of a repository is in the image.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-version-control",
        aliases: &["DKL-LI-0003"],
        title: "the history of a repository is in the image",
        severity: Severity::Medium,
        why: "It holds every version of every file, also secrets that were taken out later.",
        fix: "name `.git` in `.dockerignore`",
        reference: "CIS Docker Benchmark 4.10",
    },
    select: &[
        Select::Suffix(".git/HEAD"),
        Select::Suffix(".svn/wc.db"),
        Select::Suffix(".hg/requires"),
        Select::Suffix(".bzr/branch-format"),
    ],
    reads: false,
    bad: &[Example { path: "app/.git/HEAD", mode: 0o644, content: "ref: x" }],
    good: &[Example { path: "app/git/HEAD", mode: 0o644, content: "x" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if file.path.split('/').rev().nth(1).is_some_and(|folder| folder.starts_with('.')) {
        places.here();
    }
}
