//! An image has no tag, or `latest`.

use super::Compose;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-untagged-image",
        aliases: &[],
        title: "an image has no tag, or `latest`",
        severity: Severity::Medium,
        why: "It is another image tomorrow.",
        fix: "name a version, and better a digest",
        reference: "",
    },
    bad: &["services:\n  app:\n    image: nginx\n", "services:\n  app:\n    image: nginx:latest\n"],
    good: &[
        "services:\n  app:\n    image: a:1\n    tty: true\n",
        "services:\n  app:\n    image: ${IMAGE}\n",
        "services:\n  app:\n    build: .\n    image: mine\n",
    ],
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
        let parts = reference::parts(image);
        if parts.digest.is_none() && parts.tag.is_none_or(|tag| tag == "latest") {
            places.at(service.node.line_of("image"), format!("`{image}`"));
        }
    }
}
