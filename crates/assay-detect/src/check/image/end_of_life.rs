//! The release of the system is past its end of life.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-end-of-life",
        aliases: &[],
        title: "the release of the system is past its end of life",
        severity: Severity::High,
        why: "The regular security fixes of its publisher have ended; most of what is found in it from now on stays in it.",
        fix: "build on a release that is kept",
        reference: "CIS Docker Benchmark 4.4",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    let os = seen.inventory.os.as_ref();
    if let Some((os, end)) = os.and_then(|os| Some((os, os.end_of_life?)))
        && seen.now.is_some_and(|now| end < now)
    {
        places.place("etc/os-release", None, format!("{} ended on {}", os.name, end.date_text()));
    }
}

#[cfg(test)]
use assay_model::Timestamp;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn the_day_decides() {
        let os =
            |end| Some(assay_model::Os { end_of_life: Some(Timestamp(end)), ..assay_model::Os::default() });
        check_inventory(&CHECK, |inventory| inventory.os = os(0), 1);
        check_inventory(&CHECK, |inventory| inventory.os = os(NOW.0 + 1), 0);
        check_inventory(&CHECK, |inventory| inventory.os = Some(assay_model::Os::default()), 0);
    }
}
