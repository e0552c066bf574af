//! The socket of the container engine is mounted.

use super::Compose;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-container-socket",
        aliases: &[],
        title: "the socket of the container engine is mounted",
        severity: Severity::Critical,
        why: "Whoever can use it starts a privileged container: it is root of the host, also when it is mounted read-only.",
        fix: "use a proxy that allows single calls, or an engine without root",
        reference: "CIS Docker Benchmark 5.32",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock:ro\n",
        "services:\n  app:\n    image: a:1\n    volumes:\n      - type: bind\n        source: /run/containerd/containerd.sock\n        target: /x\n",
    ],
    good: &["services:\n  app:\n    image: a:1\n    volumes:\n      - data:/var/run/docker\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for (line, source) in service.binds() {
            if source.ends_with(".sock") && sensitive::host_path(&source).is_some() {
                places.at(line, format!("`{source}` in `{}`", service.name));
            }
        }
    }
}
