//! Files are made writable for everybody.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-world-writable",
        aliases: &[],
        title: "files are made writable for everybody",
        severity: Severity::Medium,
        why: "Any process of the container can replace them, also one that an attacker runs as another user.",
        fix: "give the files to the user that writes them with `COPY --chown` and leave others only what they need: `chmod 755`",
        reference: "CIS Distribution Independent Linux Benchmark 6.1.10",
    },
    bad: &[
        "FROM debian:12\nRUN chmod -R 777 /app\n",
        "FROM debian:12\nCOPY --chmod=0666 a /a\n",
        "FROM debian:12\nRUN chmod a+rwx /x\n",
    ],
    good: &["FROM debian:12\nRUN chmod 755 /app && chmod 1777 /tmp\nCOPY --chmod=644 a /a\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions() {
        if let Some(mode) = instruction.flag("chmod").filter(|mode| everybody(mode)) {
            places.at(instruction.line, format!("`--chmod={mode}`"));
        }
        for command in instruction.script.commands.iter().filter(|command| command.runs(&["chmod"])) {
            if let Some(mode) = command.operands().first().filter(|mode| everybody(mode)) {
                places.at(command.line, format!("`chmod {mode}`"));
            }
        }
    }
}

/// Whether a mode lets others write, without the sticky bit that keeps them from each other's files.
fn everybody(mode: &str) -> bool {
    if let Ok(bits) = u32::from_str_radix(mode, 8) {
        return bits & 0o002 != 0 && bits & 0o1000 == 0;
    }
    mode.split(',').any(|part| {
        let (who, what) = part.split_once(['+', '=']).unwrap_or(("", ""));
        who.contains(['a', 'o']) && what.contains('w') && !what.contains('t')
    })
}
