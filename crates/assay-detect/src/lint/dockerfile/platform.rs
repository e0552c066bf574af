//! A base image is bound to one platform.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-platform",
        aliases: &["DL3029"],
        title: "a base image is bound to one platform",
        severity: Severity::Negligible,
        why: "The image is then of that platform wherever it is built.",
        fix: "leave `--platform` out, or use `$BUILDPLATFORM` in stages that only build",
        reference: "",
    },
    bad: &["FROM --platform=linux/amd64 a:1\n"],
    good: &["FROM --platform=$BUILDPLATFORM a:1\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        if let Some(platform) = stage.from.flag("platform").filter(|platform| !platform.contains('$')) {
            places.at(stage.from.line, format!("`--platform={platform}`"));
        }
    }
}
