//! What a machine was told when it started is in the image.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-cloud-init-leftovers",
        aliases: &[],
        title: "what a machine was told when it started is in the image",
        severity: Severity::Medium,
        why: "User data often holds keys and passwords; the next machine takes itself for the first.",
        fix: "`cloud-init clean --logs --machine-id` before the image is made",
        reference: "",
    },
    bad: &[&[("var/lib/cloud/instances/i-1/user-data.txt", "#cloud-config\n")]],
    good: &[&[("etc/cloud/cloud.cfg", "x: y\n")]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    for file in system.files("cloud-data") {
        places.setting(None, &file.path, "user data of another machine");
    }
}
