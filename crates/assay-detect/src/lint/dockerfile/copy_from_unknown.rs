//! `COPY --from` names no earlier stage.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-copy-from-unknown",
        aliases: &["DL3022"],
        title: "`COPY --from` names no earlier stage",
        severity: Severity::Medium,
        why: "It is then an image from a registry, fetched without anybody noticing.",
        fix: "name a stage that stands before, or an image with its digest",
        reference: "",
    },
    bad: &["FROM a:1\nCOPY --from=build /x /x\n", "FROM a:1\nCOPY --from=nginx:1.27 /x /x\n"],
    good: &[
        "FROM a:1 AS build\nFROM b:1\nCOPY --from=Build /x /x\nCOPY --from=0 /y /y\nCOPY --from=r.example/a:1@sha256:abc /z /z\nCOPY --from=$X /q /q\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for (index, stage) in file.stages.iter().enumerate() {
        for copy in stage.of("COPY") {
            let Some(from) = copy.flag("from").filter(|from| !from.contains(['$', '@'])) else { continue };
            let number = from.parse::<usize>().ok();
            // A later stage or itself is the business of `copy-from-self`.
            let known = number.is_some_and(|number| number <= index)
                || file.is_stage_before(from, index.saturating_add(1));
            if !known {
                places.at(copy.line, format!("`{from}` is no stage before this one"));
            }
        }
    }
}
