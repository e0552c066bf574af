//! The image runs as root.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-root-user",
        aliases: &["CIS-DI-0001", "AVD-DS-0002"],
        title: "the image runs as root",
        severity: Severity::Low,
        why: "A process that breaks out of a container that runs as root is root where it lands.",
        fix: "create a user and name it by number in a last `USER` instruction: `USER 65532:65532`",
        reference: "CIS Docker Benchmark 4.1",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    let user = seen.image.config.user.split(':').next().unwrap_or_default();
    if matches!(user, "" | "0" | "root") {
        places.config(
            "/config/User",
            if user.is_empty() { "no user is set".to_owned() } else { format!("`{user}`") },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn a_user_by_name_or_number_is_right() {
        check(&CHECK, |image| image.config.user = "1000:0".to_owned(), 0);
        check(&CHECK, |image| image.config.user = "app".to_owned(), 0);
        check(&CHECK, |image| image.config.user = "0:0".to_owned(), 1);
        check(&CHECK, |_| {}, 1);
    }
}
