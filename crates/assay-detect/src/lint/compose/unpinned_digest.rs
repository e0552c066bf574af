//! An image is not named by digest.

use super::Compose;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-unpinned-digest",
        aliases: &[],
        title: "an image is not named by digest",
        severity: Severity::Negligible,
        why: "A tag can be moved to another image; only a digest names what was tested.",
        fix: "add the digest: `image: nginx:1.27@sha256:…`",
        reference: "",
    },
    bad: &["services:\n  app:\n    image: a:1\n    tty: true\n"],
    good: &["services:\n  app:\n    image: a:1@sha256:abc\n", "services:\n  app:\n    image: a:${TAG}\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        let Some(image) = service
            .node
            .text_of("image")
            .filter(|image| !image.contains('$') && service.node.get("build").is_none())
        else {
            continue;
        };
        if reference::parts(image).digest.is_none() {
            places.at(service.node.line_of("image"), format!("`{image}` has no digest"));
        }
    }
}
