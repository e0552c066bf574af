//! An image is not named by digest.

use super::Workload;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-unpinned-digest",
        aliases: &[],
        title: "an image is not named by digest",
        severity: Severity::Negligible,
        why: "A tag can be moved to another image; only a digest names what was tested.",
        fix: "add the digest: `nginx:1.27@sha256:…`",
        reference: "",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx:1@sha256:abc\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        let Some(image) = container.image().filter(|image| !image.contains(['$', '{'])) else { continue };
        if reference::parts(image).digest.is_none() {
            places.at(container.node.line_of("image"), format!("`{image}` has no digest"));
        }
    }
}
