//! Both curl and wget are used.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-curl-and-wget",
        aliases: &["DL4001"],
        title: "both curl and wget are used",
        severity: Severity::Negligible,
        why: "Two programs for one purpose are twice the surface.",
        fix: "use one of them",
        reference: "CIS Docker Benchmark 4.3",
    },
    bad: &["FROM debian:12\nRUN wget -O a http://x\nRUN curl -o b http://y\n"],
    good: &[
        "FROM debian:12\nRUN curl -o a http://x\n",
        "FROM a:1\nRUN curl http://x\nFROM b:1\nRUN wget http://y\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        let uses = |name: &'static str| {
            let commands = stage
                .instructions
                .iter()
                .filter(|one| one.keyword == "RUN")
                .flat_map(|run| &run.script.commands);
            commands.filter(move |command| command.runs(&[name])).map(|command| command.line).next()
        };
        if let (Some(curl), Some(wget)) = (uses("curl"), uses("wget")) {
            places.at(curl.max(wget), "curl and wget in one stage");
        }
    }
}
