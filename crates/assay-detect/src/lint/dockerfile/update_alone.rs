//! Package lists are fetched in an instruction of their own.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-update-alone",
        aliases: &["CIS-DI-0007", "AVD-DS-0017"],
        title: "package lists are fetched in an instruction of their own",
        severity: Severity::Medium,
        why: "The layer is kept by the build cache, so that later instructions install from old lists and miss fixes.",
        fix: "fetch and install in one `RUN`: `apt-get update && apt-get install …`",
        reference: "CIS Docker Benchmark 4.7",
    },
    bad: &[
        "FROM debian:12\nRUN apt-get update\nRUN apt-get install -y x=1\n",
        "FROM debian:12\nRUN apk update\n",
    ],
    good: &["FROM debian:12\nRUN apt-get update && apt-get install -y x=1\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        let calls = managers::calls(&run.script);
        let lists =
            calls.iter().find(|call| call.verb == "update" && matches!(call.manager.name, "apt-get" | "apk"));
        let used = calls.iter().any(|call| {
            call.installs()
                || call.upgrades_all()
                || matches!(call.verb, "build-dep" | "download" | "source" | "satisfy")
        });
        // Scripts that are called may install.
        let other = run.script.commands.iter().any(|command| {
            command.words.first().is_some_and(|word| word.contains('/') || word.ends_with(".sh"))
        });
        if let Some(call) = lists.filter(|_| !used && !other) {
            places.at(call.command.line, format!("`{} update` and nothing is installed", call.manager.name));
        }
    }
}
