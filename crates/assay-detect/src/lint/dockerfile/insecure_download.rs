//! Certificates are not checked.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::environment;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-insecure-download",
        aliases: &[],
        title: "certificates are not checked",
        severity: Severity::High,
        why: "Whoever sits on the connection decides what is downloaded.",
        fix: "install `ca-certificates`, and name a private authority with `--cacert` instead of switching the check off",
        reference: "CIS Docker Benchmark 4.11",
    },
    bad: &[
        "FROM debian:12\nRUN curl -k https://x.example/a -o a\n",
        "FROM debian:12\nRUN wget --no-check-certificate https://x\n",
        "FROM debian:12\nRUN npm config set strict-ssl false\n",
        "FROM debian:12\nRUN pip install --trusted-host pypi.example a==1\n",
        "FROM debian:12\nENV NODE_TLS_REJECT_UNAUTHORIZED=0\n",
        "FROM debian:12\nRUN git -c http.sslVerify=false clone https://x\n",
    ],
    good: &[
        "FROM debian:12\nRUN curl --cacert ca.pem https://x -o a && git config --global http.sslVerify true\nENV PYTHONHTTPSVERIFY=1\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for instruction in file.instructions() {
        for command in &instruction.script.commands {
            let off = |word: &String| {
                let lower = word.to_ascii_lowercase();
                ["sslverify=false", "strict-ssl=false", "sslverify=0", "http.sslverify=false"]
                    .iter()
                    .any(|part| lower.contains(part))
            };
            let pair = command.words.windows(2).any(|pair| matches!(pair, [name, value] if matches!(name.to_ascii_lowercase().as_str(), "strict-ssl" | "http.sslverify" | "sslverify") && matches!(value.as_str(), "false" | "0" | "off")));
            let flag = match command.invoked() {
                Some(("curl", _)) => command.has(&["-k", "--insecure", "--proxy-insecure"]),
                Some(("wget", _)) => command.has(&["--no-check-certificate"]),
                Some(("pip" | "pip3" | "python" | "python3", _)) => command.has(&["--trusted-host"]),
                _ => false,
            };
            if flag || pair || command.words.iter().any(off) {
                places.at(command.line, "the check of certificates is switched off");
            }
        }
        if instruction.keyword == "ENV" {
            for (name, value) in instruction.expanded_pairs() {
                if let Some(why) =
                    value.as_deref().and_then(|value| environment::unsafe_transport(&name, value))
                {
                    places.at(instruction.line, format!("`{name}` {why}"));
                }
            }
        }
    }
}
