//! A port of administration is exposed.

use crate::check::Check;
use crate::check::image::{ImageCheck, Places, Seen};
use crate::lint::sensitive;
use assay_model::Severity;

pub(super) const CHECK: ImageCheck = ImageCheck {
    check: Check {
        id: "image-administrative-port",
        aliases: &[],
        title: "a port of administration is exposed",
        severity: Severity::Medium,
        why: "A shell or remote control inside a container goes around everything that decides who may do what.",
        fix: "leave the service out; use the engine's own `exec` and logs",
        reference: "CIS Docker Benchmark 5.7, 5.8",
    },
    find,
};

fn find(seen: &Seen<'_>, places: &mut Places) {
    for port in &seen.image.config.exposed_ports {
        let (number, protocol) = port.split_once('/').unwrap_or((port, "tcp"));
        if let Some(what) =
            number.parse().ok().and_then(sensitive::administrative).filter(|_| protocol == "tcp")
        {
            places.config("/config/ExposedPorts", format!("port {number} is that of {what}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::image::testing::*;

    #[test]
    fn only_ports_of_administration() {
        let ports = |ports: &[&str]| ports.iter().map(|port| (*port).to_owned()).collect::<Vec<_>>();
        check(&CHECK, |image| image.config.exposed_ports = ports(&["22/tcp", "23"]), 2);
        check(&CHECK, |image| image.config.exposed_ports = ports(&["80/tcp", "22/udp"]), 0);
    }
}
