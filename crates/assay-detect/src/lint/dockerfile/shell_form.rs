//! `CMD` or `ENTRYPOINT` in shell form.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-shell-form",
        aliases: &["DL3025"],
        title: "`CMD` or `ENTRYPOINT` in shell form",
        severity: Severity::Low,
        why: "A shell stands between the engine and the program and swallows its signals: the container is killed, not stopped.",
        fix: "write it as a list: `CMD [\"program\", \"argument\"]`",
        reference: "",
    },
    bad: &["FROM debian:12\nCMD nginx -g off\n"],
    good: &["FROM debian:12\nCMD [\"nginx\", \"-g\", \"off\"]\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions().filter(|one| matches!(one.keyword.as_str(), "CMD" | "ENTRYPOINT"))
    {
        if instruction.json.is_none() && !instruction.arguments.is_empty() {
            places.at(instruction.line, format!("`{}` is no list", instruction.keyword));
        }
    }
}
