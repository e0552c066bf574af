//! `sudo` is installed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-sudo",
        aliases: &["DKL-DI-0001"],
        title: "`sudo` is installed",
        severity: Severity::Low,
        why: "It is a way back to root that a container does not need.",
        fix: "leave it out",
        reference: "CIS Docker Benchmark 4.3",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    places.packages(seen.inventory, NAMES);
}

/// Names of packages; `*` stands for a version.
const NAMES: &[&str] = &["sudo", "sudo-ldap", "doas", "opendoas"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_names_of_packages() {
        check_package(&CHECK, "sudo", 1);
        check_package(&CHECK, "libsudo", 0);
    }
}
