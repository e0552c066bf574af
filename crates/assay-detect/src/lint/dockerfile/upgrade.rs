//! All packages are upgraded.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-upgrade",
        aliases: &["DL3005", "DL3017", "DL3031", "DL3035", "DL3039", "DKL-DI-0003", "AVD-DS-0024"],
        title: "all packages are upgraded",
        severity: Severity::Low,
        why: "What comes out depends on the day of the build, and the base image's layers stay below the upgraded files.",
        fix: "build on a newer base image, and install what is needed by version",
        reference: "",
    },
    bad: &[
        "FROM debian:12\nRUN apt-get update && apt-get dist-upgrade -y\n",
        "FROM debian:12\nRUN apk upgrade --no-cache\n",
        "FROM debian:12\nRUN yum -y update\n",
    ],
    good: &["FROM debian:12\nRUN apt-get update\n", "FROM debian:12\nRUN yum -y update openssl-3.0\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for call in managers::calls(&run.script).iter().filter(|call| call.upgrades_all()) {
            places.at(call.command.line, format!("`{} {}`", call.manager.name, call.verb));
        }
    }
}
