//! A volume over a folder of the system.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-sensitive-volume",
        aliases: &["DKL-DI-0002"],
        title: "a volume over a folder of the system",
        severity: Severity::Medium,
        why: "What is mounted there replaces parts of the system, or the kernel's switches.",
        fix: "declare volumes below `/var/lib/…` or `/data`",
        reference: "CIS Docker Benchmark 5.6",
    },
    bad: &["FROM debian:12\nVOLUME /etc\n", "FROM debian:12\nVOLUME [\"/var/run/docker.sock\"]\n"],
    good: &["FROM debian:12\nVOLUME /data /var/lib/x\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for volume in file.instructions().filter(|one| one.keyword == "VOLUME") {
        for path in volume.words() {
            if let Some(why) =
                sensitive::host_path(&path).filter(|_| !path.starts_with("/root") && path != "/home")
            {
                places.at(volume.line, format!("`{path}`: {why}"));
            }
        }
    }
}
