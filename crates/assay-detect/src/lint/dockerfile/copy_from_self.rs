//! `COPY --from` names its own stage.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-copy-from-self",
        aliases: &["DL3023", "AVD-DS-0006"],
        title: "`COPY --from` names its own stage",
        severity: Severity::Medium,
        why: "The build fails.",
        fix: "name an earlier stage",
        reference: "",
    },
    bad: &["FROM a:1 AS b\nCOPY --from=b /x /y\n"],
    good: &["FROM a:1 AS b\nFROM c:1 AS d\nCOPY --from=b /x /y\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for (index, stage) in file.stages.iter().enumerate() {
        for copy in stage.of("COPY") {
            let from = copy.flag("from").unwrap_or_default();
            let own = stage.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(from))
                || from.parse() == Ok(index);
            if own {
                places.at(copy.line, format!("`{from}` is this stage"));
            }
        }
    }
}
