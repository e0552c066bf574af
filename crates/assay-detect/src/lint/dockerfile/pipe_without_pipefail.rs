//! A failure within a pipe goes unnoticed.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-pipe-without-pipefail",
        aliases: &["DL4006"],
        title: "a failure within a pipe goes unnoticed",
        severity: Severity::Low,
        why: "A shell looks only at the last command of a pipe: a download that fails is a build that succeeds.",
        fix: "say `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]` before, or `set -o pipefail` in the script",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN wget -O - https://x | wc -l > /n\n"],
    good: &[
        "FROM debian:12\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN wget -O - https://x | wc -l > /n\n",
        "FROM debian:12\nRUN set -eux -o pipefail; a | b\n",
        "FROM debian:12\nRUN a || b\n",
        "FROM debian:12\nRUN [\"a\", \"|\", \"b\"]\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        let mut safe = false;
        for instruction in &stage.instructions {
            if instruction.keyword == "SHELL" {
                let words = instruction.words();
                safe = words.iter().any(|word| {
                    word == "pipefail"
                        || word.contains("powershell")
                        || word.contains("pwsh")
                        || word == "cmd"
                });
            }
            if instruction.keyword != "RUN" || safe {
                continue;
            }
            let set = instruction
                .script
                .commands
                .iter()
                .any(|command| command.words.iter().any(|word| word.contains("pipefail")));
            // What only prints cannot fail in a way that matters.
            let fails = |index: usize| {
                instruction
                    .script
                    .commands
                    .get(index)
                    .is_some_and(|command| !command.runs(&["echo", "printf", "yes", "cat"]))
            };
            let piped = instruction
                .script
                .commands
                .iter()
                .enumerate()
                .find(|(index, command)| command.piped && index.checked_sub(1).is_some_and(fails));
            if let Some((_, command)) = piped.filter(|_| !set) {
                places.at(command.line, "a pipe without `pipefail`");
            }
        }
    }
}
