//! Folders that everybody can write, without the sticky bit.

use crate::check::Check;
use crate::check::file::{Example, FileCheck, Places};
use assay_analyze::NodeKind;
use assay_analyze::{File, Select};
use assay_model::Severity;

pub(super) const CHECK: FileCheck = FileCheck {
    check: Check {
        id: "image-world-writable-folder",
        aliases: &[],
        title: "folders that everybody can write, without the sticky bit",
        severity: Severity::Medium,
        why: "Everybody can delete and replace the files of others there.",
        fix: "`chmod o-w FOLDER`, or `chmod +t FOLDER` where all must write",
        reference: "CIS Distribution Independent Linux Benchmark 1.1.21",
    },
    select: &[Select::Mode(0o002)],
    reads: false,
    bad: &[],
    good: &[Example { path: "a", mode: 0o777, content: "x" }],
    find,
};

fn find(file: &File<'_>, places: &mut Places<'_, '_>) {
    if file.node.kind == NodeKind::Folder && file.node.mode & 0o1000 == 0 {
        places.mode(file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sticky_bit_makes_it_right() {
        assert_eq!(CHECK.found_in_folder("srv/x", 0o777), 1);
        assert_eq!(CHECK.found_in_folder("tmp", 0o1777), 0);
    }
}
