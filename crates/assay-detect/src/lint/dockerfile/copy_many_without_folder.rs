//! Several files are copied to what is no folder.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-copy-many-without-folder",
        aliases: &["DL3021", "AVD-DS-0011"],
        title: "several files are copied to what is no folder",
        severity: Severity::Medium,
        why: "The build fails.",
        fix: "end the destination with `/`",
        reference: "",
    },
    bad: &["FROM debian:12\nCOPY a b dest\n"],
    good: &["FROM debian:12\nCOPY a b dest/\nCOPY a b .\nCOPY a dest\nCOPY a b $DEST\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for copy in file
        .instructions()
        .filter(|one| matches!(one.keyword.as_str(), "COPY" | "ADD") && one.heredocs.is_empty())
    {
        let words = copy.words();
        if let [_, _, .., last] = words.as_slice()
            && !last.ends_with('/')
            && !matches!(last.as_str(), "." | "..")
            && !last.contains('$')
            && !last.ends_with('\\')
        {
            places.at(copy.line, format!("`{last}` does not end in `/`"));
        }
    }
}
