//! The image is named `latest`.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use crate::lint::reference;
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-latest-tag",
        aliases: &["DKL-DI-0006"],
        title: "the image is named `latest`",
        severity: Severity::Low,
        why: "It is another image tomorrow: nothing says which one was scanned, and which one runs.",
        fix: "give it a version, and name it by digest where it runs",
        reference: "CIS Docker Benchmark 5.28",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    let parts = reference::parts(&seen.image.reference);
    let named =
        !seen.image.reference.is_empty() && seen.image.index_digest.or(seen.image.manifest_digest).is_some();
    // Paths of archives and layouts are no names of images.
    let is_path = seen.image.reference.starts_with(['/', '.'])
        || seen.image.reference.contains(":/")
        || seen.image.reference.contains(".tar");
    if named && !is_path && parts.digest.is_none() && parts.tag == Some("latest") {
        places.config("", format!("`{}`", seen.image.reference));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn only_the_tag_counts() {
        let named = |name: &str| {
            let name = name.to_owned();
            move |image: &mut assay_model::Image| {
                image.reference = name;
                image.manifest_digest = Some(digest());
            }
        };
        check(&CHECK, named("r.example/a:latest"), 1);
        check(&CHECK, named("r.example/a:1"), 0);
        check(&CHECK, named("/images/latest"), 0);
    }
}
