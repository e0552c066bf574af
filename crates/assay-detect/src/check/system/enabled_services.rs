//! Services are enabled that few machines need.

use crate::check::Check;
use crate::check::system::{Find, Places, System, SystemCheck};
use assay_model::Severity;

pub(super) const CHECK: SystemCheck = SystemCheck {
    check: Check {
        id: "system-enabled-services",
        aliases: &[],
        title: "services are enabled that few machines need",
        severity: Severity::Low,
        why: "Each is one more way in.",
        fix: "`systemctl disable --now NAME`, or remove the package",
        reference: "CIS Debian Linux 12 Benchmark 2.1",
    },
    bad: &[&[(
        "etc/systemd/system/multi-user.target.wants/vsftpd.service",
        "-> /lib/systemd/system/vsftpd.service\n",
    )]],
    good: &[&[(
        "etc/systemd/system/multi-user.target.wants/ssh.service",
        "-> /lib/systemd/system/ssh.service\n",
    )]],
    find: Find::By(find),
};

fn find(system: &System, places: &mut Places) {
    const NEEDLESS: &[&str] = &[
        "avahi-daemon",
        "cups",
        "isc-dhcp-server",
        "dhcpd",
        "slapd",
        "nfs-server",
        "rpcbind",
        "named",
        "bind9",
        "vsftpd",
        "proftpd",
        "httpd",
        "smb",
        "smbd",
        "snmpd",
        "squid",
        "dovecot",
        "telnet",
        "tftpd-hpa",
        "rsync",
        "ypserv",
        "xinetd",
        "autofs",
        "bluetooth",
        "rsh",
    ];
    for file in system.files("wants") {
        let name = file.path.rsplit('/').next().unwrap_or_default();
        let stem = name.strip_suffix(".service").or_else(|| name.strip_suffix(".socket")).unwrap_or(name);
        if NEEDLESS.contains(&stem) {
            places.setting(None, &file.path, name);
        }
    }
}
