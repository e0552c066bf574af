//! An image has no tag, or `latest`.

use super::Workload;
use crate::check::Check;
use crate::lint::reference;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Workload> = Lint {
    check: Check {
        id: "kubernetes-untagged-image",
        aliases: &["AVD-KSV-0013"],
        title: "an image has no tag, or `latest`",
        severity: Severity::Medium,
        why: "It is another image tomorrow, and not the same on every node.",
        fix: "name a version, and better a digest",
        reference: "",
    },
    bad: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: r.example:5000/nginx:latest\n",
    ],
    good: &[
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: a:1\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: nginx@sha256:abc\n",
    ],
    find,
};

fn find(workload: &Workload, places: &mut Places) {
    for container in &workload.containers {
        let Some(image) = container.image().filter(|image| !image.contains(['$', '{'])) else { continue };
        let parts = reference::parts(image);
        if parts.digest.is_none() && parts.tag.is_none_or(|tag| tag == "latest") {
            places.at(container.node.line_of("image"), format!("`{image}`"));
        }
    }
}
