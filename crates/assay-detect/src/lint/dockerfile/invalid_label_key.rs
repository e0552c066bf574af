//! A label's name is not as it should be.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-invalid-label-key",
        aliases: &["DL3048"],
        title: "a label's name is not as it should be",
        severity: Severity::Negligible,
        why: "Tools that select by labels do not find it.",
        fix: "use lower-case letters, digits, `.`, `-` and `/`, and a name of a domain of yours before it",
        reference: "",
    },
    bad: &["FROM debian:12\nLABEL \"My Label\"=x\n", "FROM debian:12\nLABEL com.docker.x=1\n"],
    good: &["FROM debian:12\nLABEL org.example.name=x version=1\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for label in file.instructions().filter(|one| one.keyword == "LABEL") {
        for (name, _) in label.pairs() {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_/".contains(&byte))
                && name.starts_with(|char: char| char.is_ascii_alphanumeric());
            let reserved = ["com.docker.", "io.docker.", "org.dockerproject."]
                .iter()
                .any(|start| name.starts_with(start));
            if !name.contains('$') && (!plain || reserved || name.contains("..")) {
                places.at(label.line, format!("`{name}`"));
            }
        }
    }
}
