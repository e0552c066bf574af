//! The image was made long ago.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-old-image",
        aliases: &[],
        title: "the image was made long ago",
        severity: Severity::Low,
        why: "What was fixed since is not in it, and what is not known to scanners neither.",
        fix: "build it again, on a newer base image",
        reference: "CIS Docker Benchmark 4.4",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    let age = seen.image.created.zip(seen.now).map(|(created, now)| now.0.saturating_sub(created.0) / 86_400);
    // Images that are built to be repeated carry the beginning of time, or of zip's.
    let made = seen.image.created.is_some_and(|created| created.0 > 400_000_000);
    if let Some(days) = age.filter(|days| made && *days > DAYS) {
        places.config("/created", format!("{days} days ago"));
    }
}

/// Policies mostly ask for less; a year is old by everybody's.
const DAYS: i64 = 365;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn a_year_is_long() {
        check(&CHECK, |image| image.created = Some(assay_model::Timestamp(NOW.0 - 400 * 86_400)), 1);
        check(&CHECK, |image| image.created = Some(assay_model::Timestamp(NOW.0 - 300 * 86_400)), 0);
        check(&CHECK, |image| image.created = Some(assay_model::Timestamp(0)), 0);
    }
}
