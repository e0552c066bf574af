//! `rpm-bdb`: an AlmaLinux 8 root with rpm's Berkeley DB.

use super::Recipe;
use super::rpm::{Binary, Database, Root, Source, build};

pub(super) const RECIPE: Recipe = Recipe {
    name: "rpm-bdb",
    about: "synthetic AlmaLinux 8 root, rpm database in Berkeley DB (oracle: rpm -qa)",
    revision: 1,
    needs: &["rpmbuild", "rpm", "sqlite3", "db5.3_load", "skopeo"],
    forms: &[],
    build: |kit| build(kit, &ROOT),
};

const ROOT: Root = Root {
    database: Database::Bdb,
    vendor: "AlmaLinux",
    os_release: "\
NAME=\"AlmaLinux\"
VERSION=\"8.7 (Stone Smilodon)\"
ID=\"almalinux\"
ID_LIKE=\"rhel centos fedora\"
VERSION_ID=\"8.7\"
PLATFORM_ID=\"platform:el8\"
PRETTY_NAME=\"AlmaLinux 8.7 (Stone Smilodon)\"
CPE_NAME=\"cpe:/o:almalinux:almalinux:8::baseos\"
",
    files: &[("etc/redhat-release", "AlmaLinux release 8.7 (Stone Smilodon)\n")],
    sources: &[
        Source {
            name: "sudo",
            epoch: None,
            version: "1.8.29",
            release: "8.el8",
            licence: "ISC",
            module: None,
            binaries: &[Binary("sudo", "x86_64", &["/usr/bin/sudo", "/etc/sudoers"])],
        },
        Source {
            name: "openssl",
            epoch: Some(1),
            version: "1.1.1k",
            release: "6.el8_5",
            licence: "OpenSSL and ASL 2.0",
            module: None,
            binaries: &[
                Binary("openssl", "x86_64", &["/usr/bin/openssl"]),
                Binary("openssl-libs", "x86_64", &["/usr/lib64/libssl.so.1.1.1k"]),
            ],
        },
        Source {
            name: "nodejs",
            epoch: Some(1),
            version: "14.21.1",
            release: "2.module_el8.7.0+3370+ee2ee0bf",
            licence: "MIT and ASL 2.0 and ISC and BSD",
            module: Some("nodejs:14:8070020221207164159:bd1311ed"),
            binaries: &[Binary("nodejs", "x86_64", &["/usr/bin/node"])],
        },
        Source {
            name: "bind",
            epoch: Some(32),
            version: "9.11.36",
            release: "5.el8",
            licence: "MPLv2.0",
            module: None,
            binaries: &[
                Binary("bind-libs", "x86_64", &["/usr/lib64/libdns.so.1115"]),
                Binary("bind-license", "noarch", &["/usr/share/licenses/bind-license/COPYRIGHT"]),
            ],
        },
        // Enough owned files that the header needs several overflow pages of 4096 bytes.
        Source {
            name: "setup",
            epoch: None,
            version: "2.12.2",
            release: "7.el8",
            licence: "Public Domain",
            module: None,
            binaries: &[Binary(
                "setup",
                "noarch",
                &[
                    "/etc/group",
                    "/etc/hosts",
                    "/etc/passwd",
                    "/etc/profile",
                    "/etc/protocols",
                    "/etc/services",
                ],
            )],
        },
    ],
};
