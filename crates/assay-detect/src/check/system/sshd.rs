//! Settings of the SSH server (sshd_config(5)) of which a value alone, or what holds when nothing is said, is bad.

use crate::check::Check;
use crate::check::system::{Find, SystemCheck, seconds};
use assay_model::Severity;

pub(super) const BANNER: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-banner",
        aliases: &[],
        title: "who logs in is not warned",
        severity: Severity::Negligible,
        why: "In some countries only who was warned can be sued.",
        fix: "set `Banner /etc/issue.net` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.5",
    },
    bad: &[&[("etc/ssh/sshd_config", "Port 22\n")]],
    good: &[&[("etc/ssh/sshd_config", "Banner /etc/issue.net\n")], &[("etc/fstab", "x\n")]],
    find: Find::Sshd { key: "banner", default: "", is_bad: |value| matches!(value, "" | "none") },
};

pub(super) const EMPTY_PASSWORDS: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-empty-passwords",
        aliases: &[],
        title: "accounts without a password may log in over SSH",
        severity: Severity::Critical,
        why: "Whoever knows the name is in.",
        fix: "set `PermitEmptyPasswords no` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.19",
    },
    bad: &[&[("etc/ssh/sshd_config", "PermitEmptyPasswords yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "PermitEmptyPasswords no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::Sshd { key: "permitemptypasswords", default: "no", is_bad: |value| value == "yes" },
};

pub(super) const ENVIRONMENT: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-environment",
        aliases: &[],
        title: "who logs in may set the environment of programs",
        severity: Severity::Medium,
        why: "With `LD_PRELOAD` a restricted account runs anything.",
        fix: "set `PermitUserEnvironment no` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.21",
    },
    bad: &[&[("etc/ssh/sshd_config", "PermitUserEnvironment yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "PermitUserEnvironment no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::Sshd { key: "permituserenvironment", default: "no", is_bad: |value| value == "yes" },
};

pub(super) const GRACE: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-grace",
        aliases: &[],
        title: "who does not log in may stay long",
        severity: Severity::Low,
        why: "Connections that wait take the place of others, and were a way to run code (CVE-2024-6387).",
        fix: "set `LoginGraceTime 60` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.13",
    },
    bad: &[&[("etc/ssh/sshd_config", "LoginGraceTime 0\n")], &[("etc/ssh/sshd_config", "Port 22\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "LoginGraceTime 60\n")],
        &[("etc/ssh/sshd_config", "LoginGraceTime 1m\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::Sshd {
        key: "logingracetime",
        default: "120",
        is_bad: |value| seconds(value).is_none_or(|seconds| seconds == 0 || seconds > 60),
    },
};

pub(super) const HOST_BASED: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-host-based",
        aliases: &[],
        title: "other machines are believed who logs in",
        severity: Severity::Medium,
        why: "Who has one machine has all.",
        fix: "set `HostbasedAuthentication no` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.10",
    },
    bad: &[&[("etc/ssh/sshd_config", "HostbasedAuthentication yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "HostbasedAuthentication no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::Sshd { key: "hostbasedauthentication", default: "no", is_bad: |value| value == "yes" },
};

pub(super) const IDLE: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-idle",
        aliases: &[],
        title: "connections that are idle stay",
        severity: Severity::Low,
        why: "A screen that is left is a way in.",
        fix: "set `ClientAliveInterval 15` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.7",
    },
    bad: &[&[("etc/ssh/sshd_config", "Port 22\n")], &[("etc/ssh/sshd_config", "ClientAliveInterval 0\n")]],
    good: &[&[("etc/ssh/sshd_config", "ClientAliveInterval 15\n")], &[("etc/fstab", "x\n")]],
    find: Find::Sshd { key: "clientaliveinterval", default: "", is_bad: |value| matches!(value, "" | "0") },
};

pub(super) const PAM: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-pam",
        aliases: &[],
        title: "SSH goes around PAM",
        severity: Severity::Low,
        why: "Locked accounts, limits and second factors do not count.",
        fix: "set `UsePAM yes` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.22",
    },
    bad: &[&[("etc/ssh/sshd_config", "UsePAM no\n")]],
    good: &[&[("etc/ssh/sshd_config", "UsePAM yes\n")], &[("etc/fstab", "x\n")]],
    find: Find::Sshd { key: "usepam", default: "yes", is_bad: |value| value == "no" },
};

pub(super) const PASSWORDS: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-passwords",
        aliases: &[],
        title: "passwords are taken over SSH",
        severity: Severity::Low,
        why: "They are guessed day and night by everybody.",
        fix: "set `PasswordAuthentication no` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1",
    },
    bad: &[
        &[("etc/ssh/sshd_config", "PasswordAuthentication yes\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
    ],
    good: &[&[("etc/ssh/sshd_config", "PasswordAuthentication no\n")], &[("etc/fstab", "x\n")]],
    find: Find::Sshd { key: "passwordauthentication", default: "yes", is_bad: |value| value != "no" },
};

pub(super) const ROOT_LOGIN: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-root-login",
        aliases: &[],
        title: "root may log in over SSH",
        severity: Severity::Medium,
        why: "Everybody knows the name, and nobody knows who it was.",
        fix: "set `PermitRootLogin no` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.20",
    },
    bad: &[
        &[("etc/ssh/sshd_config", "PermitRootLogin yes\n")],
        &[("etc/ssh/sshd_config", "PermitRootLogin yes\nPermitRootLogin no\n")],
    ],
    good: &[
        &[("etc/ssh/sshd_config", "PermitRootLogin no\n")],
        &[("etc/ssh/sshd_config", "# x\nPermitRootLogin=prohibit-password\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::Sshd { key: "permitrootlogin", default: "prohibit-password", is_bad: |value| value == "yes" },
};

pub(super) const TRIES: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-tries",
        aliases: &[],
        title: "many tries are given per connection",
        severity: Severity::Low,
        why: "Guessing is faster.",
        fix: "set `MaxAuthTries 4` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.16",
    },
    bad: &[&[("etc/ssh/sshd_config", "MaxAuthTries 10\n")], &[("etc/ssh/sshd_config", "Port 22\n")]],
    good: &[&[("etc/ssh/sshd_config", "MaxAuthTries 4\n")], &[("etc/fstab", "x\n")]],
    find: Find::Sshd {
        key: "maxauthtries",
        default: "6",
        is_bad: |value| value.parse::<u32>().is_ok_and(|tries| tries > 4),
    },
};

pub(super) const X11: SystemCheck = SystemCheck {
    check: Check {
        id: "system-sshd-x11",
        aliases: &[],
        title: "X11 is forwarded over SSH",
        severity: Severity::Low,
        why: "Whoever is root on the server sees and types on the screen of who logs in.",
        fix: "set `X11Forwarding no` in `/etc/ssh/sshd_config`",
        reference: "CIS Debian Linux 12 Benchmark 5.1.11",
    },
    bad: &[&[("etc/ssh/sshd_config", "X11Forwarding yes\n")]],
    good: &[
        &[("etc/ssh/sshd_config", "X11Forwarding no\n")],
        &[("etc/ssh/sshd_config", "Port 22\n")],
        &[("etc/fstab", "x\n")],
    ],
    find: Find::Sshd { key: "x11forwarding", default: "no", is_bad: |value| value == "yes" },
};
