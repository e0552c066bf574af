//! `alpine-synthetic`: an Alpine 3.11 root with old versions.

use super::Recipe;
use super::apk::{Package, Root, build};

pub(super) const RECIPE: Recipe = Recipe {
    name: "alpine-synthetic",
    about: "synthetic Alpine 3.11 root with openssl 1.1.1d-r2 (oracle: the table it was written from)",
    revision: 2,
    needs: &["skopeo"],
    forms: &[],
    build: |kit| build(kit, &ROOT),
};

const ROOT: Root = Root {
    os_release: "\
NAME=\"Alpine Linux\"
ID=alpine
VERSION_ID=3.11.6
PRETTY_NAME=\"Alpine Linux v3.11\"
HOME_URL=\"https://alpinelinux.org/\"
",
    alpine_release: Some("3.11.6\n"),
    database: "lib/apk/db/installed",
    packages: &[
        Package {
            name: "musl",
            version: "1.1.24-r2",
            origin: "musl",
            licence: "MIT",
            depends: "",
            provides: "so:libc.musl-x86_64.so.1=1",
            files: &["lib/ld-musl-x86_64.so.1"],
        },
        Package {
            name: "musl-utils",
            version: "1.1.24-r2",
            origin: "musl",
            licence: "MIT BSD GPL2+",
            depends: "scanelf so:libc.musl-x86_64.so.1",
            provides: "cmd:getconf cmd:getent cmd:iconv cmd:ldconfig cmd:ldd",
            files: &["sbin/ldconfig", "usr/bin/getconf", "usr/bin/getent"],
        },
        Package {
            name: "busybox",
            version: "1.31.1-r9",
            origin: "busybox",
            licence: "GPL-2.0-only",
            depends: "so:libc.musl-x86_64.so.1",
            provides: "/bin/sh cmd:busybox cmd:sh",
            files: &["bin/busybox", "etc/securetty"],
        },
        Package {
            name: "alpine-baselayout",
            version: "3.2.0-r3",
            origin: "alpine-baselayout",
            licence: "GPL-2.0-only",
            depends: "/bin/sh so:libc.musl-x86_64.so.1",
            provides: "cmd:mkmntdirs",
            files: &["etc/group", "etc/hosts", "etc/passwd", "sbin/mkmntdirs"],
        },
        Package {
            name: "libcrypto1.1",
            version: "1.1.1d-r2",
            origin: "openssl",
            licence: "OpenSSL",
            depends: "so:libc.musl-x86_64.so.1",
            provides: "so:libcrypto.so.1.1=1.1",
            files: &["lib/libcrypto.so.1.1"],
        },
        Package {
            name: "libssl1.1",
            version: "1.1.1d-r2",
            origin: "openssl",
            licence: "OpenSSL",
            depends: "so:libc.musl-x86_64.so.1 so:libcrypto.so.1.1",
            provides: "so:libssl.so.1.1=1.1",
            files: &["lib/libssl.so.1.1"],
        },
        Package {
            name: "apk-tools",
            version: "2.10.5-r0",
            origin: "apk-tools",
            licence: "GPL-2.0-only",
            depends: "so:libc.musl-x86_64.so.1 so:libcrypto.so.1.1 so:libssl.so.1.1 so:libz.so.1",
            provides: "so:libapk.so.3.10.1=0 cmd:apk",
            files: &["lib/libapk.so.3.10.1", "sbin/apk"],
        },
        Package {
            name: "zlib",
            version: "1.2.11-r3",
            origin: "zlib",
            licence: "Zlib",
            depends: "so:libc.musl-x86_64.so.1",
            provides: "so:libz.so.1=1.2.11",
            files: &["lib/libz.so.1.2.11"],
        },
        Package {
            name: "scanelf",
            version: "1.2.4-r0",
            origin: "pax-utils",
            licence: "GPL-2.0-only",
            depends: "so:libc.musl-x86_64.so.1",
            provides: "cmd:scanelf",
            files: &["usr/bin/scanelf"],
        },
        Package {
            name: "ca-certificates-cacert",
            version: "20191127-r2",
            origin: "ca-certificates",
            licence: "MPL-2.0 GPL-2.0-or-later",
            depends: "",
            provides: "",
            files: &["etc/ssl/cert.pem"],
        },
    ],
};
