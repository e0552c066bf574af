//! A service that runs as root.
//!
//! Without `user` the image decides; that is the image's finding.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-root-user",
        aliases: &[],
        title: "a service runs as root",
        severity: Severity::Medium,
        why: "A process that breaks out of a container that runs as root is root where it lands.",
        fix: "name a user by number: `user: \"65532:65532\"`",
        reference: "CIS Docker Benchmark 4.1",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    user: root\n",
        "services:\n  app:\n    image: a:1\n    user: \"0:0\"\n",
    ],
    good: &[
        "services:\n  app:\n    image: a:1\n    user: \"1000:1000\"\n",
        "services:\n  app:\n    image: a:1\n    tty: true\n",
    ],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        if let Some(user) =
            service.node.text_of("user").filter(|user| matches!(user.split(':').next(), Some("root" | "0")))
        {
            places.at(service.node.line_of("user"), format!("`user: {user}` in `{}`", service.name));
        }
    }
}
