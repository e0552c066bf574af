//! No health check.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-missing-healthcheck",
        aliases: &["CIS-DI-0006"],
        title: "no health check",
        severity: Severity::Low,
        why: "The engine cannot tell a service that hangs from one that works. Kubernetes does not look at it.",
        fix: "add `HEALTHCHECK CMD …`",
        reference: "CIS Docker Benchmark 4.6",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    if seen.image.config.health_check.is_empty() {
        places.config("/config/Healthcheck", "there is none");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn a_check_is_enough() {
        check(&CHECK, |image| image.config.health_check = vec!["CMD".to_owned()], 0);
        check(&CHECK, |_| {}, 1);
    }
}
