//! A program is made setuid or setgid.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-setuid",
        aliases: &["CIS-DI-0008"],
        title: "a program is made setuid or setgid",
        severity: Severity::Medium,
        why: "Whoever runs it gets the rights of its owner; each is a way to root.",
        fix: "leave the bit off; give single rights with file capabilities where there is no other way",
        reference: "CIS Docker Benchmark 4.8",
    },
    bad: &[
        "FROM debian:12\nRUN chmod u+s /x\n",
        "FROM debian:12\nRUN chmod 4755 /x\n",
        "FROM debian:12\nCOPY --chmod=6755 a /a\n",
    ],
    good: &[
        "FROM debian:12\nRUN chmod 0755 /x && chmod a-s /y && chmod 1777 /t\n",
        "FROM debian:12\nRUN chmod 2775 /shared\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions() {
        if let Some(mode) = instruction.flag("chmod").filter(|mode| sets(mode)) {
            places.at(instruction.line, format!("`--chmod={mode}`"));
        }
        for command in instruction.script.commands.iter().filter(|command| command.runs(&["chmod"])) {
            if let Some(mode) = command.operands().first().filter(|mode| sets(mode)) {
                places.at(command.line, format!("`chmod {mode}`"));
            }
        }
    }
}

/// Whether a mode sets the setuid bit; setgid alone is usual for shared folders when it is written as a number.
fn sets(mode: &str) -> bool {
    if let Ok(bits) = u32::from_str_radix(mode, 8) {
        return bits & 0o4000 != 0;
    }
    mode.split(',').any(|part| part.split_once(['+', '=']).is_some_and(|(_, what)| what.contains('s')))
}
