//! `wolfi-synthetic`: a Wolfi root with old versions.

use super::Recipe;
use super::apk::{Package, Root, build};

pub(super) const RECIPE: Recipe = Recipe {
    name: "wolfi-synthetic",
    about: "synthetic Wolfi root (oracle: the table it was written from)",
    revision: 1,
    needs: &["skopeo"],
    forms: &[],
    build: |kit| build(kit, &ROOT),
};

const ROOT: Root = Root {
    os_release: "\
ID=wolfi
NAME=\"Wolfi\"
PRETTY_NAME=\"Wolfi\"
VERSION_ID=\"20230201\"
HOME_URL=\"https://wolfi.dev\"
",
    alpine_release: None,
    database: "usr/lib/apk/db/installed",
    packages: &[
        Package {
            name: "wolfi-baselayout",
            version: "20230201-r6",
            origin: "wolfi-baselayout",
            licence: "MIT",
            depends: "ca-certificates-bundle",
            provides: "",
            files: &["etc/group", "etc/passwd"],
        },
        Package {
            name: "ca-certificates-bundle",
            version: "20230506-r1",
            origin: "ca-certificates",
            licence: "MPL-2.0 AND MIT",
            depends: "",
            provides: "ca-certificates-cacert=20230506-r1",
            files: &["etc/ssl/certs/ca-certificates.crt"],
        },
        Package {
            name: "zlib",
            version: "1.2.12-r0",
            origin: "zlib",
            licence: "Zlib",
            depends: "so:libc.so.6",
            provides: "so:libz.so.1=1",
            files: &["lib/libz.so.1.2.12"],
        },
        Package {
            name: "curl",
            version: "8.3.0-r0",
            origin: "curl",
            licence: "MIT",
            depends: "so:libc.so.6 so:libcurl.so.4",
            provides: "cmd:curl=8.3.0-r0",
            files: &["usr/bin/curl"],
        },
        Package {
            name: "libcurl-openssl4",
            version: "8.3.0-r0",
            origin: "curl",
            licence: "MIT",
            depends: "so:libc.so.6 so:libz.so.1",
            provides: "so:libcurl.so.4=4",
            files: &["usr/lib/libcurl.so.4.8.0"],
        },
        Package {
            name: "glibc",
            version: "2.38-r4",
            origin: "glibc",
            licence: "LGPL-2.1-or-later",
            depends: "glibc-locale-posix wolfi-baselayout",
            provides: "so:libc.so.6=6",
            files: &["lib64/libc.so.6"],
        },
        Package {
            name: "glibc-locale-posix",
            version: "2.38-r4",
            origin: "glibc",
            licence: "LGPL-2.1-or-later",
            depends: "",
            provides: "",
            files: &["usr/lib/locale/C.utf8/LC_CTYPE"],
        },
    ],
};
