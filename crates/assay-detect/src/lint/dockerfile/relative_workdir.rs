//! `WORKDIR` is relative.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-relative-workdir",
        aliases: &["DL3000", "AVD-DS-0009"],
        title: "`WORKDIR` is relative",
        severity: Severity::Low,
        why: "Where it leads depends on what the base image says.",
        fix: "write it from the root on",
        reference: "",
    },
    bad: &["FROM debian:12\nWORKDIR app\n"],
    good: &["FROM debian:12\nWORKDIR /app\nWORKDIR $HOME/x\nWORKDIR \"C:\\\\app\"\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for workdir in file.instructions().filter(|one| one.keyword == "WORKDIR") {
        let path = workdir.expanded.trim_matches(['"', '\'']);
        let windows = path.chars().nth(1) == Some(':');
        if !path.starts_with(['/', '$', '\\']) && !windows {
            places.at(workdir.line, format!("`{path}`"));
        }
    }
}
