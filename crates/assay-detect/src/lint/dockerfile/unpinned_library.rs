//! Libraries or tools of a language are installed without a version.

use super::Dockerfile;
use crate::check::Check;
use crate::lint::managers;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Dockerfile> = Lint {
    check: Check {
        id: "dockerfile-unpinned-library",
        aliases: &["DL3013", "DL3016", "DL3028", "DL3062"],
        title: "libraries or tools of a language are installed without a version",
        severity: Severity::Low,
        why: "What comes out depends on the day of the build, and a hijacked release is installed at once.",
        fix: "name versions, or install from a lockfile (`npm ci`, `pip install --require-hashes -r …`)",
        reference: "CIS Docker Benchmark 4.11",
    },
    bad: &[
        "FROM debian:12\nRUN pip install flask\n",
        "FROM debian:12\nRUN npm install -g yarn\n",
        "FROM debian:12\nRUN gem install rails\n",
        "FROM debian:12\nRUN go install x.org/y@latest\n",
        "FROM debian:12\nRUN cargo install ripgrep\n",
    ],
    good: &[
        "FROM debian:12\nRUN pip install flask==3.0.0 -r r.txt && npm ci && npm install -g yarn@1.22.22 && go install x.org/y@v1.2.3\n",
    ],
    find,
};

fn find(file: &Dockerfile, places: &mut Places) {
    for run in file.runs() {
        for call in managers::calls(&run.script).iter().filter(|call| !call.manager.system && call.installs())
        {
            let unpinned = call.unpinned();
            if !unpinned.is_empty() {
                places.at(
                    call.command.line,
                    format!(
                        "`{}` installs {} without a version",
                        call.manager.name,
                        managers::shown(&unpinned)
                    ),
                );
            }
        }
    }
}
