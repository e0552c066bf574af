//! `MAINTAINER` is out of use.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-maintainer",
        aliases: &["DL4000", "AVD-DS-0022"],
        title: "`MAINTAINER` is out of use",
        severity: Severity::Negligible,
        why: "Builders no longer keep it.",
        fix: "write `LABEL org.opencontainers.image.authors=…`",
        reference: "",
    },
    bad: &["FROM a:1\nMAINTAINER me\n"],
    good: &["FROM a:1\nLABEL org.opencontainers.image.authors=me\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions().filter(|one| one.keyword == "MAINTAINER") {
        places.at(instruction.line, "`MAINTAINER`");
    }
}
