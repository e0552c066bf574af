//! The image runs as root.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-root-user",
        aliases: &["DL3002", "CIS-DI-0001", "AVD-DS-0002", "DS002"],
        title: "the image runs as root",
        severity: Severity::Medium,
        why: "A process that breaks out of a container that runs as root is root where it lands.",
        fix: "create a user and name it by number in a last `USER` instruction: `USER 65532:65532`",
        reference: "CIS Docker Benchmark 4.1",
    },
    bad: &[
        "FROM debian:12\n",
        "FROM debian:12\nUSER app\nRUN x\nUSER root\n",
        "FROM a:1 AS b\nUSER 0:0\nFROM b\nCMD [\"x\"]\n",
    ],
    good: &[
        "FROM debian:12\nUSER 1000\n",
        "FROM a:1 AS b\nUSER app\nFROM b\n",
        "FROM scratch\nUSER nobody\n",
        "FROM gcr.io/distroless/static:nonroot\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    let result = file.result();
    let user = result.iter().flat_map(|stage| stage.of("USER").next_back()).next();
    match user {
        Some(user) => {
            let name = user.expanded.split(':').next().unwrap_or_default().trim_matches('"').trim();
            if matches!(name, "root" | "0") {
                places.at(user.line, format!("the last user is `{name}`"));
            }
        }
        None => {
            // Images named so set their user themselves.
            let nonroot =
                result.last().is_some_and(|stage| stage.image.contains("nonroot") || stage.is_unknown());
            if let Some(stage) = result.first().filter(|_| !nonroot) {
                places.at(
                    stage.from.line,
                    "no `USER`: what runs is root, unless the base image says otherwise",
                );
            }
        }
    }
}
