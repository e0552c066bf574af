//! Two stages have one name.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-duplicate-stage-name",
        aliases: &["DL3024", "AVD-DS-0012"],
        title: "two stages have one name",
        severity: Severity::Medium,
        why: "Which one is meant later depends on the builder.",
        fix: "give each its own name",
        reference: "",
    },
    bad: &["FROM a:1 AS b\nFROM c:1 AS B\n"],
    good: &["FROM a:1 AS b\nFROM c:1 AS d\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for (index, stage) in file.stages.iter().enumerate() {
        if let Some(name) = stage.name.as_deref().filter(|name| file.is_stage_before(name, index)) {
            places.at(stage.from.line, format!("`{name}` is taken"));
        }
    }
}
