//! No firewall is set up.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-no-firewall",
        aliases: &[],
        title: "no firewall is set up",
        severity: Severity::Medium,
        why: "Every service that starts is open to the network.",
        fix: "install and enable nftables, ufw or firewalld with a policy that denies",
        reference: "CIS Debian Linux 12 Benchmark 4.1.1",
    },
    bad: &[
        &[("etc/ufw/ufw.conf", "ENABLED=no\n")],
        &[("etc/fstab", "x\n")],
        &[("etc/nftables.conf", "table inet filter {\n}\n")],
    ],
    good: &[
        &[("etc/ufw/ufw.conf", "ENABLED=yes\n")],
        &[("etc/nftables.conf", "chain input {\ntype filter hook input priority 0; policy drop;\n")],
        &[("etc/firewalld/firewalld.conf", "DefaultZone=public\n")],
        &[("etc/iptables/rules.v4", ":INPUT DROP [0:0]\n")],
    ],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    let ufw = system.last("ufw", "ENABLED").is_some_and(|setting| setting.value.eq_ignore_ascii_case("yes"));
    let denies = |class: &str| {
        system.all(class).any(|line| {
            line.value.contains("drop")
                || line.value.contains("reject")
                || line.value.contains("DROP")
                || line.value.contains("REJECT")
        })
    };
    if !ufw && !system.has("firewalld") && !denies("nftables") && !denies("iptables") {
        places.setting(None, "etc", "neither nftables, ufw, firewalld nor iptables with a rule that denies");
    }
}
