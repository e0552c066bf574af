//! Settings of the kernel (sysctl.d(5)): each check wants keys to have one of a few values, and what is not set has none of them.

use crate::check::Check;
use crate::check::system::{Find, SystemCheck};
use assay_model::Severity;

pub(super) const ASLR: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-aslr",
        aliases: &[],
        title: "the places of code in memory are not settled to be random",
        severity: Severity::Low,
        why: "Attacks that need to know addresses work.",
        fix: "write `kernel.randomize_va_space = 2` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 1.5.1",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "kernel.randomize_va_space = 2\n"),
            ("etc/sysctl.d/99.conf", "kernel.randomize_va_space=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "kernel.randomize_va_space=2\n")],
        &[("etc/sysctl.d/1.conf", "kernel/randomize_va_space = 2\n")],
    ],
    find: Find::Sysctl { keys: &["kernel.randomize_va_space"], good: &["2"] },
};

pub(super) const DUMPS: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-dumps",
        aliases: &[],
        title: "programs that run as their owner leave dumps",
        severity: Severity::Low,
        why: "A dump holds what only root may read.",
        fix: "write `fs.suid_dumpable = 0` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 1.5.3",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "fs.suid_dumpable = 0\n"),
            ("etc/sysctl.d/99.conf", "fs.suid_dumpable=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "fs.suid_dumpable=0\n")],
        &[("etc/sysctl.d/1.conf", "fs/suid_dumpable = 0\n")],
    ],
    find: Find::Sysctl { keys: &["fs.suid_dumpable"], good: &["0"] },
};

pub(super) const FORWARDING: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-forwarding",
        aliases: &[],
        title: "the machine may forward packets",
        severity: Severity::Negligible,
        why: "It becomes a way around a firewall. Routers and hosts of containers need it.",
        fix: "write `net.ipv4.ip_forward = 0` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 3.3.1",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.ip_forward = 0\n"),
            ("etc/sysctl.d/99.conf", "net.ipv4.ip_forward=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "net.ipv4.ip_forward=0\n")],
        &[("etc/sysctl.d/1.conf", "net/ipv4/ip_forward = 0\n")],
    ],
    find: Find::Sysctl { keys: &["net.ipv4.ip_forward"], good: &["0"] },
};

pub(super) const KERNEL_ADDRESSES: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-kernel-addresses",
        aliases: &[],
        title: "everybody may read addresses of the kernel",
        severity: Severity::Low,
        why: "Attacks on the kernel need them.",
        fix: "write `kernel.kptr_restrict = 1`, `kernel.dmesg_restrict = 1` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 1.5",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "kernel.kptr_restrict = 1\n"),
            ("etc/sysctl.d/99.conf", "kernel.kptr_restrict=77\nkernel.dmesg_restrict=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "kernel.kptr_restrict=1\nkernel.dmesg_restrict=1\n")],
        &[("etc/sysctl.d/1.conf", "kernel/kptr_restrict = 2\nkernel/dmesg_restrict = 2\n")],
    ],
    find: Find::Sysctl { keys: &["kernel.kptr_restrict", "kernel.dmesg_restrict"], good: &["1", "2"] },
};

pub(super) const MARTIANS: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-martians",
        aliases: &[],
        title: "impossible packets are not logged",
        severity: Severity::Negligible,
        why: "Nobody sees that somebody tries.",
        fix: "write `net.ipv4.conf.all.log_martians = 1` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 3.3.9",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.conf.all.log_martians = 1\n"),
            ("etc/sysctl.d/99.conf", "net.ipv4.conf.all.log_martians=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "net.ipv4.conf.all.log_martians=1\n")],
        &[("etc/sysctl.d/1.conf", "net/ipv4/conf/all/log_martians = 1\n")],
    ],
    find: Find::Sysctl { keys: &["net.ipv4.conf.all.log_martians"], good: &["1"] },
};

pub(super) const PTRACE: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-ptrace",
        aliases: &[],
        title: "any process may look into another of the same user",
        severity: Severity::Low,
        why: "One program that is broken into gives away the passwords of all.",
        fix: "write `kernel.yama.ptrace_scope = 1` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 1.5.2",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "kernel.yama.ptrace_scope = 1\n"),
            ("etc/sysctl.d/99.conf", "kernel.yama.ptrace_scope=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "kernel.yama.ptrace_scope=1\n")],
        &[("etc/sysctl.d/1.conf", "kernel/yama/ptrace_scope = 3\n")],
    ],
    find: Find::Sysctl { keys: &["kernel.yama.ptrace_scope"], good: &["1", "2", "3"] },
};

pub(super) const REDIRECTS: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-redirects",
        aliases: &[],
        title: "others on the network may change where packets go",
        severity: Severity::Low,
        why: "Whoever is on the network can read along.",
        fix: "write `net.ipv4.conf.all.accept_redirects = 0`, `net.ipv4.conf.all.send_redirects = 0`, `net.ipv6.conf.all.accept_redirects = 0`, `net.ipv4.conf.all.secure_redirects = 0` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 3.3.2, 3.3.5, 3.3.6",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.conf.all.accept_redirects = 0\n"),
            (
                "etc/sysctl.d/99.conf",
                "net.ipv4.conf.all.accept_redirects=77\nnet.ipv4.conf.all.send_redirects=77\nnet.ipv6.conf.all.accept_redirects=77\nnet.ipv4.conf.all.secure_redirects=77\n",
            ),
        ],
    ],
    good: &[
        &[(
            "etc/sysctl.d/1.conf",
            "net.ipv4.conf.all.accept_redirects=0\nnet.ipv4.conf.all.send_redirects=0\nnet.ipv6.conf.all.accept_redirects=0\nnet.ipv4.conf.all.secure_redirects=0\n",
        )],
        &[(
            "etc/sysctl.d/1.conf",
            "net/ipv4/conf/all/accept_redirects = 0\nnet/ipv4/conf/all/send_redirects = 0\nnet/ipv6/conf/all/accept_redirects = 0\nnet/ipv4/conf/all/secure_redirects = 0\n",
        )],
    ],
    find: Find::Sysctl {
        keys: &[
            "net.ipv4.conf.all.accept_redirects",
            "net.ipv4.conf.all.send_redirects",
            "net.ipv6.conf.all.accept_redirects",
            "net.ipv4.conf.all.secure_redirects",
        ],
        good: &["0"],
    },
};

pub(super) const REVERSE_PATH: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-reverse-path",
        aliases: &[],
        title: "where packets come from is not checked",
        severity: Severity::Low,
        why: "Others can pass themselves off as somebody of the inner network.",
        fix: "write `net.ipv4.conf.all.rp_filter = 1` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 3.3.7",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.conf.all.rp_filter = 1\n"),
            ("etc/sysctl.d/99.conf", "net.ipv4.conf.all.rp_filter=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "net.ipv4.conf.all.rp_filter=1\n")],
        &[("etc/sysctl.d/1.conf", "net/ipv4/conf/all/rp_filter = 2\n")],
    ],
    find: Find::Sysctl { keys: &["net.ipv4.conf.all.rp_filter"], good: &["1", "2"] },
};

pub(super) const SOURCE_ROUTE: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-source-route",
        aliases: &[],
        title: "packets may choose their own way",
        severity: Severity::Low,
        why: "They reach what a firewall hides.",
        fix: "write `net.ipv4.conf.all.accept_source_route = 0`, `net.ipv6.conf.all.accept_source_route = 0` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 3.3.8",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.conf.all.accept_source_route = 0\n"),
            (
                "etc/sysctl.d/99.conf",
                "net.ipv4.conf.all.accept_source_route=77\nnet.ipv6.conf.all.accept_source_route=77\n",
            ),
        ],
    ],
    good: &[
        &[(
            "etc/sysctl.d/1.conf",
            "net.ipv4.conf.all.accept_source_route=0\nnet.ipv6.conf.all.accept_source_route=0\n",
        )],
        &[(
            "etc/sysctl.d/1.conf",
            "net/ipv4/conf/all/accept_source_route = 0\nnet/ipv6/conf/all/accept_source_route = 0\n",
        )],
    ],
    find: Find::Sysctl {
        keys: &["net.ipv4.conf.all.accept_source_route", "net.ipv6.conf.all.accept_source_route"],
        good: &["0"],
    },
};

pub(super) const SYN_COOKIES: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sysctl-syn-cookies",
        aliases: &[],
        title: "a flood of connections is not met",
        severity: Severity::Low,
        why: "One sender can keep everybody out.",
        fix: "write `net.ipv4.tcp_syncookies = 1` to `/etc/sysctl.d/60-hardening.conf`",
        reference: "CIS Debian Linux 12 Benchmark 3.3.10",
    },
    bad: &[
        &[("etc/sysctl.conf", "# none\n"), ("etc/fstab", "/dev/a / ext4 defaults 0 1\n")],
        &[
            ("etc/sysctl.d/9.conf", "net.ipv4.tcp_syncookies = 1\n"),
            ("etc/sysctl.d/99.conf", "net.ipv4.tcp_syncookies=77\n"),
        ],
    ],
    good: &[
        &[("etc/sysctl.d/1.conf", "net.ipv4.tcp_syncookies=1\n")],
        &[("etc/sysctl.d/1.conf", "net/ipv4/tcp_syncookies = 1\n")],
    ],
    find: Find::Sysctl { keys: &["net.ipv4.tcp_syncookies"], good: &["1"] },
};
