//! A secret is in `ARG` or `ENV`.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-secret-in-variable",
        aliases: &["CIS-DI-0010", "AVD-DS-0031"],
        title: "a secret is in `ARG` or `ENV`",
        severity: Severity::High,
        why: "Values of `ENV` are in the configuration, those of `ARG` in the history of the image, for everybody who can pull it.",
        fix: "hand it to the build with `RUN --mount=type=secret,id=NAME`, and to the container when it starts",
        reference: "CIS Docker Benchmark 4.10",
    },
    bad: &[
        "FROM debian:12\nENV DB_PASSWORD=hunter2\n",
        "FROM debian:12\nARG GITHUB_TOKEN\n",
        "FROM debian:12\nENV API_KEY abcdef123456\n",
    ],
    good: &["FROM debian:12\nENV DB_PASSWORD_FILE=/run/secrets/db\nARG TOKEN_URL=x\nENV PASSWORD=\"\"\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions().filter(|one| matches!(one.keyword.as_str(), "ARG" | "ENV")) {
        for (name, value) in instruction.expanded_pairs() {
            let given = match &value {
                // What the build is given with `--build-arg` stays in the history.
                None => true,
                Some(value) => {
                    sensitive::is_secret_value(value)
                        && !(instruction.keyword == "ENV" && value.starts_with('$'))
                }
            };
            if given && sensitive::is_secret_name(&name) {
                places.at(instruction.line, format!("`{name}` in `{}`", instruction.keyword));
            }
        }
    }
}
