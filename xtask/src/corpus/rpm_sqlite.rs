//! `rpm-sqlite`: an AlmaLinux 9 root with rpm's sqlite database.

use super::Recipe;
use super::rpm::{Binary, Database, Root, Source, build};

pub(super) const RECIPE: Recipe = Recipe {
    name: "rpm-sqlite",
    about: "synthetic AlmaLinux 9 root, rpm database in sqlite (oracle: rpm -qa)",
    revision: 1,
    needs: &["rpmbuild", "rpm", "sqlite3", "skopeo"],
    forms: &[],
    build: |kit| build(kit, &ROOT),
};

const ROOT: Root = Root {
    database: Database::Sqlite,
    vendor: "AlmaLinux",
    os_release: "\
NAME=\"AlmaLinux\"
VERSION=\"9.0 (Emerald Puma)\"
ID=\"almalinux\"
ID_LIKE=\"rhel centos fedora\"
VERSION_ID=\"9.0\"
PLATFORM_ID=\"platform:el9\"
PRETTY_NAME=\"AlmaLinux 9.0 (Emerald Puma)\"
CPE_NAME=\"cpe:/o:almalinux:almalinux:9::baseos\"
",
    files: &[("etc/redhat-release", "AlmaLinux release 9.0 (Emerald Puma)\n")],
    sources: &[
        Source {
            name: "openssl",
            epoch: Some(1),
            version: "3.0.1",
            release: "42.el9_0",
            licence: "ASL 2.0",
            module: None,
            binaries: &[
                Binary("openssl", "x86_64", &["/usr/bin/openssl"]),
                Binary(
                    "openssl-libs",
                    "x86_64",
                    &["/usr/lib64/libcrypto.so.3.0.1", "/usr/lib64/libssl.so.3.0.1"],
                ),
            ],
        },
        Source {
            name: "sudo",
            epoch: None,
            version: "1.9.5p2",
            release: "7.el9",
            licence: "ISC",
            module: None,
            binaries: &[Binary("sudo", "x86_64", &["/usr/bin/sudo", "/etc/sudoers"])],
        },
        Source {
            name: "bash",
            epoch: None,
            version: "5.1.8",
            release: "4.el9",
            licence: "GPLv3+",
            module: None,
            binaries: &[Binary("bash", "x86_64", &["/usr/bin/bash"])],
        },
        Source {
            name: "glibc",
            epoch: None,
            version: "2.34",
            release: "28.el9_0.2",
            licence: "LGPLv2+ and LGPLv2+ with exceptions and GPLv2+",
            module: None,
            binaries: &[
                Binary("glibc", "x86_64", &["/usr/lib64/libc.so.6"]),
                Binary("glibc-common", "x86_64", &["/usr/bin/locale"]),
                Binary("glibc-minimal-langpack", "x86_64", &[]),
            ],
        },
        Source {
            name: "nodejs",
            epoch: Some(1),
            version: "18.9.1",
            release: "1.module_el9.1.0+8+503f6fbd",
            licence: "MIT and ASL 2.0 and ISC and BSD",
            module: Some("nodejs:18:9010020221009220316:rhel9"),
            binaries: &[
                Binary("nodejs", "x86_64", &["/usr/bin/node"]),
                Binary("nodejs-docs", "noarch", &["/usr/share/doc/nodejs/index.html"]),
            ],
        },
        Source {
            name: "tzdata",
            epoch: None,
            version: "2022a",
            release: "1.el9",
            licence: "Public Domain",
            module: None,
            binaries: &[Binary("tzdata", "x86_64", &["/usr/share/zoneinfo/UTC"])],
        },
    ],
};
