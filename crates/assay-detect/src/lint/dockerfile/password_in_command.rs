//! A password is set by a command.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-password-in-command",
        aliases: &[],
        title: "a password is set by a command",
        severity: Severity::High,
        why: "The command line is in the history of the image, and the password is the same in every container.",
        fix: "lock the account, and give credentials to the container when it starts",
        reference: "CIS Docker Benchmark 4.10",
    },
    bad: &[
        "FROM debian:12\nRUN echo 'root:toor' | chpasswd\n",
        "FROM debian:12\nRUN useradd -p $1$abc app\n",
        "FROM debian:12\nRUN sshpass -p secret ssh x\n",
    ],
    good: &[
        "FROM debian:12\nRUN useradd -r app && passwd -l root\n",
        "FROM debian:12\nRUN echo \"root:$PW\" | chpasswd\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for (index, command) in run.script.commands.iter().enumerate() {
            let literal = |words: &[String]| {
                words.iter().any(|word| {
                    word.split_once(':').is_some_and(|(user, password)| {
                        !user.is_empty() && !password.starts_with(['$', '*', '!']) && !password.is_empty()
                    })
                })
            };
            let sets = match command.invoked() {
                Some(("echo" | "printf", words)) => {
                    literal(words) && run.script.after(index).any(|next| next.runs(&["chpasswd"]))
                }
                Some(("useradd" | "usermod", words)) => {
                    let value = words
                        .iter()
                        .position(|word| word == "-p" || word == "--password")
                        .and_then(|at| words.get(at.saturating_add(1)));
                    value.is_some_and(|value| !matches!(value.as_str(), "!" | "*" | "" | "x" | "!!"))
                }
                Some(("sshpass", words)) => words.iter().any(|word| word.starts_with("-p")),
                _ => false,
            };
            if sets {
                places.at(command.line, "a password stands in a command");
            }
        }
    }
}
