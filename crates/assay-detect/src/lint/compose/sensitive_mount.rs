//! A folder of the host's system is mounted.

use super::Compose;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-sensitive-mount",
        aliases: &[],
        title: "a folder of the host's system is mounted",
        severity: Severity::High,
        why: "What changes there changes the host; what is read there are its secrets.",
        fix: "mount the one file that is needed, read-only, or use a volume",
        reference: "CIS Docker Benchmark 5.6",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    volumes:\n      - /etc:/host/etc\n",
        "services:\n  app:\n    image: a:1\n    volumes:\n      - \"/:/rootfs:ro\"\n",
    ],
    good: &[
        "services:\n  app:\n    image: a:1\n    volumes:\n      - ./etc:/etc/app\n      - /srv/data:/data\n      - /etc/localtime:/etc/localtime:ro\n",
    ],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for (line, source) in service.binds() {
            if let Some(why) = sensitive::host_path(&source).filter(|_| !source.ends_with(".sock")) {
                places.at(line, format!("`{source}` in `{}`: {why}", service.name));
            }
        }
    }
}
