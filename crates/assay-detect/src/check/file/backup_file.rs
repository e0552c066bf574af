//! Copies of files that editors and people leave.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-backup-file",
        aliases: &["DKL-LI-0003"],
        title: "copies of files that editors and people leave",
        severity: Severity::Negligible,
        why: "Web servers hand them out as text, and they hold what the current file no longer does.",
        fix: "delete them, and name them in `.dockerignore`",
        reference: "",
    },
    select: &[
        Select::NameAffixes("", "~"),
        Select::Suffix(".bak"),
        Select::Suffix(".swp"),
        Select::Suffix(".orig"),
        Select::Suffix(".sql.gz"),
        Select::Suffix(".dump"),
    ],
    reads: false,
    bad: &[
        Example { path: "var/www/config.php~", mode: 0o644, content: "x" },
        Example { path: "app/db.sql.gz", mode: 0o644, content: "x" },
    ],
    good: &[
        Example { path: "usr/share/x/a.orig", mode: 0o644, content: "x" },
        Example { path: "var/backups/dpkg.status.bak", mode: 0o644, content: "x" },
    ],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    let own = [
        "app/",
        "srv/",
        "opt/",
        "home/",
        "root/",
        "var/www/",
        "data/",
        "workspace/",
        "code/",
        "usr/src/app/",
        "usr/share/nginx/html/",
    ];
    let installed = ["/node_modules/", "/site-packages/", "/vendor/", "/share/", "/.cache/"];
    if own.iter().any(|folder| file.path.starts_with(folder))
        && !installed.iter().any(|folder| file.path.contains(folder))
    {
        places.here();
    }
}
