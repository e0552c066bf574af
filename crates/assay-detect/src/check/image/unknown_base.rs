//! The base image is not known.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-unknown-base",
        aliases: &[],
        title: "the base image is not known",
        severity: Severity::Negligible,
        why: "Nobody can say whether what it brings is kept by somebody, and whether a newer one would fix what is found.",
        fix: "Build on an image of a publisher you know, and say which with `--base` or its annotations.",
        reference: "CIS Docker Benchmark 4.2",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    if seen.image.base.is_none() && seen.image.layers.len() > 1 && !seen.inventory.packages.is_empty() {
        places.config("", "none of its layers are those of a known image");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn images_of_one_layer_have_none() {
        check(&CHECK, |_| {}, 0);
    }
}
