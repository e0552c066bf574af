//! Files are copied to a relative place, and no `WORKDIR` says where that is.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-copy-relative",
        aliases: &["DL3045"],
        title: "files are copied to a relative place, and no `WORKDIR` says where that is",
        severity: Severity::Low,
        why: "Where it leads depends on what the base image says.",
        fix: "set `WORKDIR` before, or write the destination from the root on",
        reference: "",
    },
    bad: &["FROM debian:12\nCOPY a app/\n"],
    good: &[
        "FROM debian:12\nWORKDIR /x\nCOPY a app/\n",
        "FROM debian:12\nCOPY a /app/\nCOPY a $X\n",
        "FROM a:1 AS b\nWORKDIR /x\nFROM b\nCOPY a .\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for (index, stage) in file.stages.iter().enumerate() {
        let known = |stage: &super::Stage| stage.of("WORKDIR").next().is_some();
        let earlier = file.stages.iter().take(index).any(|other| {
            other.name.as_deref() == Some(stage.image.to_ascii_lowercase().as_str()) && known(other)
        });
        if earlier {
            continue;
        }
        for instruction in &stage.instructions {
            if instruction.keyword == "WORKDIR" {
                break;
            }
            let words = instruction.words();
            let Some(last) = words
                .last()
                .filter(|_| matches!(instruction.keyword.as_str(), "COPY" | "ADD") && !instruction.onbuild)
            else {
                continue;
            };
            let windows = last.chars().nth(1) == Some(':');
            if !last.starts_with(['/', '$', '\\']) && !windows {
                places.at(instruction.line, format!("`{last}` is relative"));
            }
        }
    }
}
