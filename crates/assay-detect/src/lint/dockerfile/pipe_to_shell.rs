//! A download is run unseen.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::shell::SHELLS;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-pipe-to-shell",
        aliases: &[],
        title: "a download is run unseen",
        severity: Severity::High,
        why: "Whoever controls the address, or the connection, runs commands in the build; nothing notices when the text changes.",
        fix: "download to a file, check its digest with `sha256sum -c`, then run it",
        reference: "CIS Docker Benchmark 4.11",
    },
    bad: &[
        "FROM debian:12\nRUN curl -fsSL https://x.example/i.sh | bash\n",
        "FROM debian:12\nRUN bash <(wget -qO- http://x.example)\n",
        "FROM debian:12\nRUN sh -c \"$(curl -fsSL https://x.example/i.sh)\"\n",
        "FROM debian:12\nRUN curl https://x | gunzip | sudo sh -s\n",
    ],
    good: &[
        "FROM debian:12\nRUN curl -o i.sh https://x.example/i.sh && sha256sum -c sums && sh i.sh\n",
        "FROM debian:12\nRUN curl https://x | tar xz\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    let interpreters: Vec<&str> =
        SHELLS.iter().copied().chain(["python", "python3", "perl", "ruby", "node", "php"]).collect();
    for run in file.runs() {
        let script = &run.script;
        for (index, command) in
            script.commands.iter().enumerate().filter(|(_, command)| command.runs(DOWNLOADERS))
        {
            let piped = script.after(index).any(|next| next.runs(&interpreters) && reads_input(next));
            let host = command.parent.and_then(|parent| script.commands.get(parent));
            let substituted =
                host.is_some_and(|host| host.runs(&interpreters) || host.runs(&["eval", "source", "."]));
            if piped || substituted {
                places.at(command.line, "what is downloaded goes straight to an interpreter");
            }
        }
    }
}

const DOWNLOADERS: &[&str] = &["curl", "wget", "fetch", "aria2c"];

/// Whether an interpreter reads its program from standard input: it is given none.
fn reads_input(command: &crate::lint::shell::Command) -> bool {
    command.has(&["-s"])
        || command.operands().iter().all(|operand| *operand == "-") && !command.has(&["-c", "-e", "-m"])
}
