//! `rpm-ndb`: a SUSE Linux Enterprise 15 root with rpm's ndb database.

use super::Recipe;
use super::rpm::{Binary, Database, Root, Source, build};

pub(super) const RECIPE: Recipe = Recipe {
    name: "rpm-ndb",
    about: "synthetic SLES 15 SP4 root, rpm database in ndb (oracle: rpm -qa before the conversion)",
    revision: 1,
    needs: &["rpmbuild", "rpm", "sqlite3", "skopeo"],
    forms: &[],
    build: |kit| build(kit, &ROOT),
};

const ROOT: Root = Root {
    database: Database::Ndb,
    vendor: "SUSE LLC <https://www.suse.com/>",
    os_release: "\
NAME=\"SLES\"
VERSION=\"15-SP4\"
VERSION_ID=\"15.4\"
PRETTY_NAME=\"SUSE Linux Enterprise Server 15 SP4\"
ID=\"sles\"
ID_LIKE=\"suse\"
CPE_NAME=\"cpe:/o:suse:sles:15:sp4\"
",
    files: &[],
    sources: &[
        Source {
            name: "openssl-1_1",
            epoch: None,
            version: "1.1.1l",
            release: "150400.7.13.1",
            licence: "OpenSSL",
            module: None,
            binaries: &[
                Binary("openssl-1_1", "x86_64", &["/usr/bin/openssl-1_1"]),
                Binary(
                    "libopenssl1_1",
                    "x86_64",
                    &["/usr/lib64/libssl.so.1.1", "/usr/lib64/libcrypto.so.1.1"],
                ),
            ],
        },
        Source {
            name: "zlib",
            epoch: None,
            version: "1.2.11",
            release: "150000.3.33.1",
            licence: "Zlib",
            module: None,
            binaries: &[Binary("libz1", "x86_64", &["/lib64/libz.so.1.2.11"])],
        },
        Source {
            name: "bash",
            epoch: None,
            version: "4.4",
            release: "150400.25.22",
            licence: "GPL-3.0-or-later",
            module: None,
            binaries: &[Binary("bash", "x86_64", &["/bin/bash"]), Binary("bash-sh", "x86_64", &["/bin/sh"])],
        },
        Source {
            name: "curl",
            epoch: None,
            version: "7.79.1",
            release: "150400.5.3.1",
            licence: "curl",
            module: None,
            binaries: &[
                Binary("curl", "x86_64", &["/usr/bin/curl"]),
                Binary("libcurl4", "x86_64", &["/usr/lib64/libcurl.so.4"]),
            ],
        },
        Source {
            name: "ca-certificates",
            epoch: None,
            version: "2+git20210309.21162a6",
            release: "2.1",
            licence: "GPL-2.0-or-later",
            module: None,
            binaries: &[Binary("ca-certificates", "x86_64", &["/usr/sbin/update-ca-certificates"])],
        },
    ],
};
