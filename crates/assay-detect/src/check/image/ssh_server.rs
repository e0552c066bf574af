//! An SSH server is installed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-ssh-server",
        aliases: &[],
        title: "an SSH server is installed",
        severity: Severity::Medium,
        why: "A way in beside the engine's own, with its own keys and users, that nobody watches.",
        fix: "leave it out; use the engine's own `exec`",
        reference: "CIS Docker Benchmark 5.7",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    places.packages(seen.inventory, NAMES);
}

/// Names of packages; `*` stands for a version.
const NAMES: &[&str] = &["openssh-server", "dropbear", "dropbear-bin", "openssh-server-pam", "tinyssh"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn by_the_names_of_packages() {
        check_package(&CHECK, "openssh-server", 1);
        check_package(&CHECK, "openssh-client", 0);
    }
}
