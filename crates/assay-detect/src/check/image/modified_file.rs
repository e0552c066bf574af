//! Files that are no longer what their package installed, as a deep scan observes them.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;
use assay_model::observation::Topic;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-modified-file",
        aliases: &[],
        title: "a file is not what its package installed",
        severity: Severity::Medium,
        why: "Whoever changed it did so past the package manager: updates overwrite it or leave it, and nobody answers for what is in it.",
        fix: "install the package again, or put what was changed into a package or a path of your own",
        reference: "",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    for one in seen.inventory.observations.iter().filter(|one| one.topic == Topic::Modified) {
        let package = one.detail("package").unwrap_or_default();
        places.place(&one.path, one.layer, format!("of {package}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;
    use assay_model::{Detail, Observation};

    #[test]
    fn what_was_observed_is_said() {
        let observed = |topic| vec![Observation::new(topic, vec![Detail::new("package", "coreutils 9.1-1")])];
        check_inventory(&CHECK, |inventory| inventory.observations = observed(Topic::Modified), 1);
        check_inventory(&CHECK, |inventory| inventory.observations = observed(Topic::Hidden), 0);
    }
}
