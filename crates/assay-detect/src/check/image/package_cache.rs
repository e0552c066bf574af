//! Caches of package managers.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-package-cache",
        aliases: &["DKL-DI-0004", "DKL-DI-0005"],
        title: "caches of package managers",
        severity: Severity::Negligible,
        why: "They make the image larger, and tell outdated lists as if they were current.",
        fix: "clean up in the instruction that installs: `rm -rf /var/lib/apt/lists/*`, `apk add --no-cache`, `dnf clean all`",
        reference: "",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    for leftover in seen.inventory.leftovers.iter().filter(|leftover| leftover.bytes > 0) {
        let size = format!("{}: {} files, {} bytes", leftover.folder, leftover.files, leftover.bytes);
        places.place(&leftover.folder, leftover.layers.first().copied(), size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn every_folder_is_a_place() {
        let leftover = assay_model::Leftover {
            folder: "var/lib/apt/lists".to_owned(),
            bytes: 1,
            files: 1,
            layers: vec![0],
        };
        check_inventory(&CHECK, |inventory| inventory.leftovers = vec![leftover.clone()], 1);
        check_inventory(&CHECK, |_| {}, 0);
    }
}
