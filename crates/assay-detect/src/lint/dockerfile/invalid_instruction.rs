//! A line that is no instruction.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-invalid-instruction",
        aliases: &["DL3061"],
        title: "a line that is no instruction",
        severity: Severity::High,
        why: "The build fails, or does something else than was meant.",
        fix: "see the reference of Dockerfiles",
        reference: "",
    },
    bad: &["FORM a\n", "FROM a:1\nRUN\n", "RUN a\nFROM b:1\n"],
    good: &["ARG A=1\n# c\nFROM a:$A\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for (line, message) in &file.invalid {
        places.at(*line, message.clone());
    }
    for instruction in file.globals.iter().filter(|one| one.keyword != "ARG") {
        places.at(instruction.line, format!("`{}` before the first `FROM`", instruction.keyword));
    }
    if file.stages.is_empty() && file.globals.is_empty() && file.invalid.is_empty() {
        places.at(1, "there is no `FROM`");
    }
}
