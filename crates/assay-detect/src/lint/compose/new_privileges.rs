//! Programs may gain privileges.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-new-privileges",
        aliases: &[],
        title: "programs may gain privileges",
        severity: Severity::Low,
        why: "A setuid program makes root of any user inside.",
        fix: "add `security_opt: [\"no-new-privileges:true\"]`",
        reference: "CIS Docker Benchmark 5.26",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    tty: true\n",
        "services:\n  app:\n    image: a:1\n    security_opt: [\"no-new-privileges:false\"]\n",
    ],
    good: &[
        "services:\n  app:\n    image: a:1\n    security_opt:\n      - no-new-privileges:true\n",
        "services:\n  app:\n    image: a:1\n    security_opt: [no-new-privileges]\n",
    ],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        let options = service.node.items_of("security_opt");
        let set = options.iter().filter_map(|option| option.text()).any(|text| {
            matches!(text.replace('=', ":").as_str(), "no-new-privileges" | "no-new-privileges:true")
        });
        if !set {
            places.at(service.line, format!("`{}` has no `no-new-privileges`", service.name));
        }
    }
}
