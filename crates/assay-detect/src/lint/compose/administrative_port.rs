//! A port of administration or of a data store is open to the network.

use super::Compose;
use crate::check::Check;
use crate::lint::sensitive;
use crate::lint::{Lint, Places};
use assay_model::Severity;
pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-administrative-port",
        aliases: &[],
        title: "a port of administration or of a data store is open to the network",
        severity: Severity::Medium,
        why: "Published ports are open on every address of the host, and go around many firewalls.",
        fix: "publish it on the loopback: `\"127.0.0.1:5432:5432\"`, or leave it to the network of the project",
        reference: "CIS Docker Benchmark 5.14",
    },
    bad: &[
        "services:\n  app:\n    image: a:1\n    ports: [\"5432:5432\"]\n",
        "services:\n  app:\n    image: a:1\n    ports:\n      - 22\n",
        "services:\n  app:\n    image: a:1\n    ports:\n      - target: 6379\n        published: 16379\n",
        "services:\n  app:\n    image: a:1\n    ports: [\"0.0.0.0:2375:2375/tcp\"]\n",
    ],
    good: &[
        "services:\n  app:\n    image: a:1\n    ports: [\"127.0.0.1:5432:5432\", \"80:80\"]\n",
        "services:\n  app:\n    image: a:1\n    ports:\n      - target: 6379\n        published: 1\n        host_ip: 127.0.0.1\n",
    ],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for port in service.node.items_of("ports") {
            let (address, target) = match port.text() {
                Some(text) => {
                    let text = text.split('/').next().unwrap_or(text);
                    let (before, target) = text.rsplit_once(':').unwrap_or(("", text));
                    let address = before.rsplit_once(':').map_or("", |(address, _)| address);
                    (address, target.to_owned())
                }
                None => (
                    port.text_of("host_ip").unwrap_or_default(),
                    port.text_of("target").unwrap_or_default().to_owned(),
                ),
            };
            let local = address.trim_matches(['[', ']']);
            let local = local.starts_with("127.") || local == "::1" || local == "localhost";
            if let Some(what) = target.parse().ok().and_then(sensitive::private).filter(|_| !local) {
                places.at(port.line(), format!("port {target} of `{}` is that of {what}", service.name));
            }
        }
    }
}
