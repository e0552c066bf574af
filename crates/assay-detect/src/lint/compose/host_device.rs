//! A device of the host is given to a service.

use super::Compose;
use crate::check::Check;
use crate::lint::{Lint, Places};
use assay_model::Severity;

pub(super) const LINT: Lint<Compose> = Lint {
    check: Check {
        id: "compose-host-device",
        aliases: &[],
        title: "a device of the host is given to a service",
        severity: Severity::Medium,
        why: "A disk or memory device is the whole host.",
        fix: "give the one device that is needed, with the rights that are needed",
        reference: "CIS Docker Benchmark 5.18",
    },
    bad: &["services:\n  app:\n    image: a:1\n    devices: [\"/dev/sda:/dev/sda\"]\n"],
    good: &["services:\n  app:\n    image: a:1\n    devices: [\"/dev/dri:/dev/dri\", \"/dev/fuse\"]\n"],
    find,
};

fn find(file: &Compose, places: &mut Places) {
    for service in &file.services {
        for device in service.node.items_of("devices") {
            let path = device
                .text()
                .or_else(|| device.text_of("source"))
                .unwrap_or_default()
                .split(':')
                .next()
                .unwrap_or_default();
            let harmless = [
                "/dev/dri",
                "/dev/fuse",
                "/dev/net/tun",
                "/dev/snd",
                "/dev/kvm",
                "/dev/ttyUSB",
                "/dev/ttyACM",
                "/dev/video",
                "/dev/null",
            ];
            if path.starts_with("/dev/") && !harmless.iter().any(|start| path.starts_with(start)) {
                places.at(device.line(), format!("`{path}` in `{}`", service.name));
            }
        }
    }
}
