//! A download is used without a check of its digest or signature.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-unverified-download",
        aliases: &[],
        title: "a download is used without a check of its digest or signature",
        severity: Severity::Low,
        why: "Another file at the same address goes unnoticed, and the build cannot be repeated.",
        fix: "check it in the same instruction with `sha256sum -c`, `gpg --verify` or `cosign verify-blob`, or use `ADD --checksum`",
        reference: "CIS Docker Benchmark 4.11",
    },
    bad: &[
        "FROM debian:12\nRUN curl -fsSLo /usr/bin/x https://x.example/x && chmod +x /usr/bin/x\n",
        "FROM debian:12\nRUN wget https://x.example/a.tgz && tar xf a.tgz\n",
        "FROM debian:12\nRUN curl https://x.example/a.tgz | tar xz\n",
    ],
    good: &[
        "FROM debian:12\nRUN curl -o a.tgz https://x.example/a && echo \"abc a.tgz\" | sha256sum -c && tar xf a.tgz\n",
        "FROM debian:12\nRUN curl -f http://localhost:8080/health\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        let commands = &run.script.commands;
        let checks = commands.iter().any(|command| {
            command.runs(&[
                "sha256sum",
                "sha512sum",
                "sha1sum",
                "shasum",
                "gpg",
                "gpgv",
                "cosign",
                "minisign",
                "md5sum",
                "b2sum",
                "signify",
                "openssl",
            ])
        });
        let uses = |command: &crate::lint::shell::Command| {
            command.runs(&["tar", "unzip", "dpkg", "rpm", "install", "bsdtar", "gunzip", "7z", "unxz"])
                || (command.runs(&["chmod"])
                    && command
                        .operands()
                        .first()
                        .is_some_and(|mode| mode.contains('x') || mode.contains('7') || mode.contains('5')))
                || (command.runs(&["sh", "bash"]) && !command.operands().is_empty() && !command.has(&["-c"]))
        };
        if checks || !commands.iter().any(uses) {
            continue;
        }
        if let Some(command) = commands.iter().find(|command| {
            command.runs(&["curl", "wget"]) && command.words.iter().any(|word| word.contains("://"))
        }) {
            places.at(command.line, "nothing in this instruction checks what is downloaded");
        }
    }
}
