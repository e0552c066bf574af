//! Caches of a package manager stay in the layer.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-package-cache-left",
        aliases: &[
            "DL3009",
            "DL3019",
            "DL3032",
            "DL3036",
            "DL3040",
            "DL3042",
            "DL3060",
            "DKL-DI-0004",
            "DKL-DI-0005",
        ],
        title: "caches of a package manager stay in the layer",
        severity: Severity::Low,
        why: "They make the image larger and tell outdated lists as if they were current.",
        fix: "clean up in the same `RUN`, or keep caches out with `RUN --mount=type=cache`",
        reference: "",
    },
    bad: &[
        "FROM debian:12\nRUN apt-get update && apt-get install -y a=1\n",
        "FROM debian:12\nRUN apk add a=1\n",
        "FROM debian:12\nRUN pip install a==1\n",
        "FROM debian:12\nRUN yum install -y a-1.0\n",
    ],
    good: &[
        "FROM debian:12\nRUN apt-get update && apt-get install -y a=1 && rm -rf /var/lib/apt/lists/*\n",
        "FROM debian:12\nRUN apk add --no-cache a=1\n",
        "FROM debian:12\nRUN --mount=type=cache,target=/root/.cache pip install a==1\n",
        "FROM debian:12\nENV PIP_NO_CACHE_DIR=1\nRUN pip install a==1\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    let pip_off =
        file.instructions().filter(|one| one.keyword == "ENV").flat_map(super::Instruction::pairs).any(
            |(name, value)| {
                name == "PIP_NO_CACHE_DIR"
                    && value.is_some_and(|value| !matches!(value.as_str(), "" | "0" | "off" | "false" | "no"))
            },
        );
    for run in file.runs() {
        let mounted = run.flags.iter().any(|(name, value)| {
            name == "mount" && (value.contains("type=cache") || value.contains("type=tmpfs"))
        });
        let removes = |part: &str| {
            let rm = |command: &&crate::lint::shell::Command| command.runs(&["rm", "find"]);
            run.script
                .commands
                .iter()
                .filter(rm)
                .any(|command| command.words.iter().any(|word| word.contains(part)))
        };
        let calls = managers::calls(&run.script);
        let cleans = |name: &str| {
            calls.iter().any(|call| {
                call.manager.name == name && matches!(call.verb, "clean" | "autoclean" | "purge" | "cache")
            })
        };
        if mounted {
            continue;
        }
        for call in &calls {
            let left = match call.manager.name {
                "apt-get" => call.verb == "update" && !removes("/var/lib/apt"),
                "apk" => call.installs() && !call.command.has(&["--no-cache"]) && !removes("/var/cache/apk"),
                "pip" => {
                    call.installs()
                        && !pip_off
                        && !call.command.has(&["--no-cache-dir", "--no-cache"])
                        && !removes(".cache")
                        && !cleans("pip")
                }
                name @ ("yum" | "dnf" | "zypper") => {
                    call.installs() && !cleans(name) && !cleans("yum") && !removes("/var/cache")
                }
                _ => false,
            };
            if left {
                places
                    .at(call.command.line, format!("`{} {}` leaves its cache", call.manager.name, call.verb));
            }
        }
    }
}
