//! A command makes no sense in a build.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-pointless-command",
        aliases: &["DL3001"],
        title: "a command makes no sense in a build",
        severity: Severity::Negligible,
        why: "It shows or changes the running system, which a build does not have.",
        fix: "leave it out",
        reference: "",
    },
    bad: &["FROM debian:12\nRUN service nginx start\n", "FROM debian:12\nRUN systemctl start x\n"],
    good: &["FROM debian:12\nRUN echo ps\n", "FROM debian:12\nRUN systemctl enable x\n"],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    let names = [
        "ssh", "vim", "nano", "shutdown", "reboot", "service", "ps", "free", "top", "htop", "kill", "mount",
        "ifconfig", "sysctl", "dmesg",
    ];
    for run in file.runs() {
        for command in &run.script.commands {
            let starts = command.runs(&["systemctl"])
                && command
                    .operands()
                    .first()
                    .is_some_and(|verb| matches!(*verb, "start" | "restart" | "reload" | "daemon-reload"));
            if starts || command.runs(&names) {
                places.at(
                    command.line,
                    format!("`{}`", command.invoked().map(|(name, _)| name).unwrap_or_default()),
                );
            }
        }
    }
}
