//! An archive is copied and then unpacked.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-copy-then-extract",
        aliases: &["DL3010"],
        title: "an archive is copied and then unpacked",
        severity: Severity::Negligible,
        why: "The archive stays in a layer of its own.",
        fix: "let `ADD` unpack it",
        reference: "",
    },
    bad: &["FROM debian:12\nCOPY a.tar.gz /tmp/\nRUN tar xzf /tmp/a.tar.gz\n"],
    good: &[
        "FROM debian:12\nCOPY a.tar.gz /tmp/\n",
        "FROM debian:12\nADD a.tar.gz /x/\n",
        "FROM debian:12\nCOPY --from=b a.tgz /t/\nRUN tar xf /t/a.tgz\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for stage in &file.stages {
        let copies = stage.of("COPY").filter(|copy| copy.flag("from").is_none());
        let archives: Vec<(u32, String)> = copies
            .flat_map(|copy| copy.words().into_iter().map(|word| (copy.line, word)))
            .filter(|(_, word)| {
                [".tar", ".tgz", ".tar.gz", ".tar.xz", ".tar.bz2"].iter().any(|end| word.ends_with(end))
            })
            .collect();
        for (line, word) in archives {
            let name = word.rsplit('/').next().unwrap_or(&word);
            let unpacked = stage.of("RUN").flat_map(|run| &run.script.commands).any(|command| {
                command.runs(&["tar", "bsdtar"]) && command.words.iter().any(|word| word.ends_with(name))
            });
            if unpacked {
                places.at(line, format!("`{name}` is unpacked later"));
            }
        }
    }
}
