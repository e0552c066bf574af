//! A variable that is named like a secret has a value.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use crate::lint::sensitive;
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-secret-in-environment",
        aliases: &["CIS-DI-0010"],
        title: "a variable that is named like a secret has a value",
        severity: Severity::Medium,
        why: "Whoever can pull the image, or look at the container, has it.",
        fix: "take it out, change the secret, and give it to the container when it starts",
        reference: "CIS Docker Benchmark 4.10",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    for (index, variable) in seen.image.config.env.iter().enumerate() {
        let Some((name, value)) = variable.split_once('=') else { continue };
        if sensitive::is_secret_name(name) && sensitive::is_secret_value(value) {
            places.config(&format!("/config/Env/{index}"), format!("`{name}`"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn examples() {
        let env = |env: &[&str]| env.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        check(&CHECK, |image| image.config.env = env(&["DB_PASSWORD=hunter2"]), 1);
        check(
            &CHECK,
            |image| {
                image.config.env = env(&[
                    "DB_PASSWORD=",
                    "DB_PASSWORD_FILE=/x",
                    "GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D",
                ]);
            },
            0,
        );
    }
}
