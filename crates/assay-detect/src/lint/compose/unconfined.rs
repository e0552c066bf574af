//! A confinement of the kernel is switched off.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-unconfined",
        aliases: &[],
        title: "a confinement of the kernel is switched off",
        severity: Severity::High,
        why: "seccomp, AppArmor and SELinux keep an attacker from what a service never does.",
        fix: "leave the option out, or name a profile of your own",
        reference: "CIS Docker Benchmark 5.22",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    security_opt: [\"seccomp:unconfined\"]\n",
        "services:\n  app:\n    image: a:1\n    security_opt:\n      - apparmor=unconfined\n",
        "services:\n  app:\n    image: a:1\n    security_opt: [\"label:disable\"]\n",
    ],
    good: &["services:\n  app:\n    image: a:1\n    security_opt: [\"seccomp:profile.json\"]\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for option in service.node.items_of("security_opt") {
            let text = option.text().unwrap_or_default().replace('=', ":");
            if text.ends_with(":unconfined") || text == "label:disable" {
                places.at(option.line(), format!("`{text}` in `{}`", service.name));
            }
        }
    }
}
