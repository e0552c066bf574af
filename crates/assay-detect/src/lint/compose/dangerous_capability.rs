//! A dangerous capability is added.

use super::Compose;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-dangerous-capability",
        aliases: &[],
        title: "a dangerous capability is added",
        severity: Severity::High,
        why: "It is close to being root of the host.",
        fix: "leave it out, or add the narrower one that is needed",
        reference: "CIS Docker Benchmark 5.4",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    cap_add:\n      - SYS_ADMIN\n",
        "services:\n  app:\n    image: a:1\n    cap_add: [ALL]\n",
        "services:\n  app:\n    image: a:1\n    cap_add: [cap_net_admin]\n",
    ],
    good: &["services:\n  app:\n    image: a:1\n    cap_add: [NET_BIND_SERVICE]\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for capability in service.node.items_of("cap_add") {
            let name = capability.text().unwrap_or_default().to_ascii_uppercase();
            let name = name.strip_prefix("CAP_").unwrap_or(&name);
            if sensitive::DANGEROUS_CAPABILITIES.contains(&name) {
                places.at(capability.line(), format!("`{name}` in `{}`", service.name));
            }
        }
    }
}
