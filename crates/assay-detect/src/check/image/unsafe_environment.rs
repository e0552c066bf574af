//! An environment variable takes protection away.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use crate::lint::environment;
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-unsafe-environment",
        aliases: &[],
        title: "an environment variable takes protection away",
        severity: Severity::High,
        why: "It switches checks off for every program of the container.",
        fix: "leave the variable out",
        reference: "",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    for (index, variable) in seen.image.config.env.iter().enumerate() {
        let Some((name, value)) = variable.split_once('=') else { continue };
        let why =
            environment::unsafe_transport(name, value).or_else(|| environment::unsafe_loading(name, value));
        if let Some(why) = why {
            places.config(&format!("/config/Env/{index}"), format!("`{name}` {why}"));
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
        check(&CHECK, |image| image.config.env = env(&["PATH=/bin", "NODE_TLS_REJECT_UNAUTHORIZED=0"]), 1);
        check(
            &CHECK,
            |image| image.config.env = env(&["PATH=/usr/bin:/bin", "NODE_TLS_REJECT_UNAUTHORIZED=1"]),
            0,
        );
    }
}
