//! `EXPOSE` of what is no port.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-invalid-port",
        aliases: &["DL3011", "AVD-DS-0008"],
        title: "`EXPOSE` of what is no port",
        severity: Severity::Medium,
        why: "Ports are numbers up to 65535.",
        fix: "name a port",
        reference: "",
    },
    bad: &["FROM debian:12\nEXPOSE 80000\n"],
    good: &["FROM debian:12\nEXPOSE 80/tcp 8000-8010 $PORT\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for expose in file.instructions().filter(|one| one.keyword == "EXPOSE") {
        for word in expose.words() {
            let number = word.split('/').next().unwrap_or_default();
            let valid = |part: &str| part.contains('$') || part.parse::<u16>().is_ok();
            if !number.split('-').all(valid) {
                places.at(expose.line, format!("`{word}`"));
            }
        }
    }
}
