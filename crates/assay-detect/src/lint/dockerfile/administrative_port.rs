//! A port of administration is exposed.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-administrative-port",
        aliases: &["AVD-DS-0004", "DS004"],
        title: "a port of administration is exposed",
        severity: Severity::Medium,
        why: "A shell or remote control inside a container goes around everything that decides who may do what.",
        fix: "leave the service out; use the engine's own `exec` and logs",
        reference: "CIS Docker Benchmark 4.3",
    },
    bad: &["FROM debian:12\nEXPOSE 22\n", "FROM debian:12\nEXPOSE 80 2375/tcp\n"],
    good: &["FROM debian:12\nEXPOSE 80 443/tcp 22/udp 8022\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for expose in file.instructions().filter(|one| one.keyword == "EXPOSE") {
        for word in expose.words() {
            let (number, protocol) = word.split_once('/').unwrap_or((&word, "tcp"));
            let service = number.parse().ok().and_then(sensitive::administrative);
            if let Some(service) = service.filter(|_| protocol.eq_ignore_ascii_case("tcp")) {
                places.at(expose.line, format!("port {number} is that of {service}"));
            }
        }
    }
}
