//! `ONBUILD` of an instruction that cannot be delayed.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-forbidden-onbuild",
        aliases: &["DL3043"],
        title: "`ONBUILD` of an instruction that cannot be delayed",
        severity: Severity::Medium,
        why: "The build of whatever uses this image fails.",
        fix: "leave it out",
        reference: "",
    },
    bad: &["FROM a:1\nONBUILD FROM b\n", "FROM a:1\nONBUILD MAINTAINER x\n"],
    good: &["FROM a:1\nONBUILD RUN x\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions().filter(|one| one.onbuild) {
        if matches!(instruction.keyword.as_str(), "FROM" | "MAINTAINER" | "ONBUILD") {
            places.at(instruction.line, format!("`ONBUILD {}`", instruction.keyword));
        }
    }
}
