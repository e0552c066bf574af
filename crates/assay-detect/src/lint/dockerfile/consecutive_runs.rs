//! Several `RUN` in a row.
//!
//! hadolint tells the second already; two are often kept apart for the build cache.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-consecutive-runs",
        aliases: &["DL3059"],
        title: "several `RUN` follow each other",
        severity: Severity::Negligible,
        why: "Each is a layer, and what one deletes stays in the layer before.",
        fix: "join them with `&&` where they belong together",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN a\nRUN b\nRUN c\n"],
    good: &[
        "FROM debian:12\nRUN a\nCOPY x /x\nRUN b\n",
        "FROM debian:12\nRUN a\nRUN --mount=type=cache,target=/c b\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        let plain = |instruction: &&super::Instruction| {
            instruction.keyword == "RUN" && instruction.flags.is_empty() && !instruction.onbuild
        };
        let mut runs = 0usize;
        for instruction in &stage.instructions {
            runs = if plain(&instruction) { runs.saturating_add(1) } else { 0 };
            if runs == 3 {
                places.at(instruction.line, "the third `RUN` in a row");
            }
        }
    }
}
