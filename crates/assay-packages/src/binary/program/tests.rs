//! Tests of the recognition of programs: what their strings prove, near misses, large files, and who owns them.

use super::*;
use crate::testing::{check, check_total, run};

/// An executable with these strings, each between zeros, somewhere behind its header.
fn elf(strings: &[&str]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(64, 0);
    for string in strings {
        bytes.extend(string.as_bytes());
        bytes.push(0);
    }
    bytes
}

#[track_caller]
fn found(path: &str, strings: &[&str], want: &str) {
    check(&Programs, path, &elf(strings), want);
}

#[test]
fn programs_say_their_version() {
    found("usr/lib/libcrypto.so.3", &["OpenSSL 3.0.19 27 Jan 2026", "3.0.19"], "openssl 3.0.19\n");
    found("usr/lib/libcrypto.so.1.1", &["OpenSSL 1.1.1w  11 Sep 2023"], "openssl 1.1.1w\n");
    found("usr/lib/libcrypto.so.1.0.0", &["OpenSSL 1.0.2k-fips  26 Jan 2017"], "openssl 1.0.2k\n");
    found("usr/lib/libcrypto.so.3", &["OpenSSL 3.2.0-beta1 26 Oct 2023"], "openssl 3.2.0-beta1\n");
    found("usr/sbin/nginx", &["nginx/1.22.1", "nginx version: nginx/1.22.1"], "nginx 1.22.1\n");
    found("usr/sbin/haproxy", &[" version 2.6.12-1+deb12u4, released 2023/12/16"], "haproxy 2.6.12\n");
    found("usr/sbin/haproxy", &[" version 2.9-dev3, released 2023/08/12"], "haproxy 2.9-dev3\n");
    found("usr/sbin/sshd", &["OpenSSH_7.7*", "OpenSSH_9.2", "OpenSSH_9.2p1 Debian-2"], "openssh 9.2p1\n");
    found(
        "usr/sbin/mysqld",
        &["for 10.1.1-MariaDB-x", "10.11.6-MariaDB-1:10.11.6+maria~ubu2204"],
        "mariadb 10.11.6\n",
    );
    found(
        "usr/sbin/mysqld",
        &["/pb2/build/sb_0-1/mysql-5.6.24/sql/mysqld.cc", "5.6.24", "3.23.57", "1.2.3"],
        "mysql 5.6.24\n",
    );
    found("usr/sbin/mysqld", &["%s  Ver %s for %s", "8.0.36", "3.23.57"], "mysql 8.0.36\n");
    found("usr/local/bin/envoy", &["1.40.0", "1.0.0", "1.3.1"], "envoy 1.40.0\n");
    found("bin/busybox", &["BusyBox v1.36.1 (2023-05-18)", "BusyBox v1.36.1"], "busybox 1.36.1\n");
    found(
        "usr/lib/libxml2.so.2",
        &["xmlns:::", "\u{ff}::20914", "2", "21", "20000", "120914"],
        "libxml2 2.9.14\n",
    );
    found("usr/lib/libxml2.so.2", &["21203-GITv2.12.3"], "libxml2 2.12.3\n");
    found(
        "usr/lib/libMagickCore-7.Q16.so.10",
        &["ImageMagick 7.1.1-21 Q16-HDRI x86_64"],
        "imagemagick 7.1.1-21\n",
    );
    found(
        "usr/local/bin/postgres",
        &["postgres (PostgreSQL) 17rc1", "PostgreSQL 9.1."],
        "postgresql 17rc1\n",
    );
    found("usr/bin/sudo", &["1.9.13p3", "1.4.1"], "sudo 1.9.13p3\n");
    found("usr/bin/wget", &["1.2.13", "1.21.3"], "wget 1.21.3\n");
    found("usr/local/bin/git", &["git/2.43.0.rc1", "git/%s"], "git 2.43.0.rc1\n");
    found(
        "lib/libc.so.6",
        &["GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright"],
        "glibc 2.36\n",
    );
}

#[test]
fn a_release_in_the_name_tells_which_string_is_meant() {
    let strings = ["3.11.7", "3.12.1", "3.11.", "3.11.7.8", "x3.11.9"];
    found("usr/local/lib/libpython3.11.so.1.0", &strings, "python 3.11.7\n");
    found("usr/local/bin/python3.12", &strings, "python 3.12.1\n");
    found("usr/local/bin/python3.13", &["3.13.0rc2"], "python 3.13.0rc2\n");
    // A string that ends another one shares its bytes; only without one of its own that counts.
    found("usr/lib/libpython3.11.so.1.0", &["/usr/src/Python-3.11.7", "since 2.3.11.4"], "python 3.11.7\n");
    found("usr/lib/libpython3.11.so.1.0", &["/opt/3.11.9", "3.11.7"], "python 3.11.7\n");
    found("usr/lib/libpython3.11.so.1.0", &["/opt/3.11.9", "/src/Python-3.11.7"], "! ambiguous-version\n");
    found("usr/local/lib/libpython3.so", &strings, "");
    found("usr/local/bin/python3", &strings, "");
}

#[test]
fn a_static_program_tells_of_its_library() {
    found("usr/bin/curl", &["curl/8.4.0", "libcurl/8.4.0"], "curl 8.4.0\nlibcurl 8.4.0\n");
    found("usr/bin/curl", &["curl/8.4.0"], "curl 8.4.0\n");
    found("usr/lib/libcurl.so.4", &["libcurl/8.4.0"], "libcurl 8.4.0\n");
}

#[test]
fn redis_runs_its_version_and_its_build_together() {
    let build = "7.2.3buildkitsandbox-1700000000000000000";
    found("usr/local/bin/redis-server", &["7.0.0", "7.2.3", build, "2.2.3"], "redis 7.2.3\n");
    let number = "7.0.151790282056000000000";
    found("usr/bin/redis-cli", &["7.0.0", "7.0.1", "7.0.15", number], "redis 7.0.15\n");
    found("usr/bin/redis-cli", &["7.0.0", "7.0.1"], "");
}

#[test]
fn what_only_looks_like_it_is_nothing() {
    // The right name and no ELF: a wrapper, a text, a module.
    check(&Programs, "usr/bin/curl", b"#!/bin/sh\nexec /opt/curl/8.4.0/curl\0curl/8.4.0\0", "");
    check(&Programs, "usr/sbin/nginx", b"nginx version: nginx/1.22.1\n", "");
    check(&Programs, "usr/lib/python3/dist-packages/redis", b"7.0.15", "");
    // An ELF with another name.
    found("usr/bin/nginx-exporter", &["nginx version: nginx/1.22.1"], "");
    found("usr/bin/curl-config", &["curl/8.4.0"], "");
    // The name, but another maker's library, or no version.
    found("usr/lib/libcrypto.so.50", &["LibreSSL 3.8.2", "OpenSSL 1.1.1 (compatible; BoringSSL)"], "");
    found("usr/lib/libz.so.1", &["deflate 1.3.0.zlib-ng Copyright"], "");
    found("usr/sbin/nginx", &["nginx version: nginx/", "nginx version: openresty/1.21.4.1"], "");
    found("usr/bin/curl", &["libcurl/8", "xcurl/8.4.0", "curl/%s", "curl/8.4"], "");
    found("usr/sbin/sshd", &["OpenSSH_9.2", "OpenSSH_7.7*"], "");
    found("usr/bin/git", &["git/2.43.0x", "git/99999999999.1.1"], "");
    found("usr/lib/libcrypto.so.3", &["OpenSSL 3.0.19 is newer than 27 Jan"], "");
}

#[test]
fn versions_that_disagree_are_a_notice() {
    found("usr/sbin/lighttpd", &["lighttpd/1.4.69", "lighttpd/1.4.70"], "! ambiguous-version\n");
    found("usr/lib/libsqlite3.so.0", &["3.40.1", "3.40.1"], "sqlite 3.40.1\n");
    found("usr/lib/libsqlite3.so.0", &["3.40.1", "3.7.0"], "! ambiguous-version\n");
}

/// Content that is never in memory as a whole, as a spooled file.
struct Spooled(Vec<u8>);

impl assay_decode::ReadAt for Spooled {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
        self.0.as_slice().read_at(offset, buf)
    }
}

#[test]
fn a_large_file_is_searched_in_parts() {
    // At, before, behind and across the borders of the parts that are read at once.
    let border = 1 << 20;
    for at in [border - 30, border - 8, border - 1, border, border + 1, 2 * border - 3, 3 * border - 14] {
        let mut bytes = elf(&[]);
        bytes.resize(3 * border, 1);
        bytes[at..at + 14].copy_from_slice(b"\0libcurl/8.4.0");
        // The anchor `curl/` stands inside of the other, whose first byte may be in the part before.
        let facts = {
            let mut facts = assay_analyze::LayerFacts::default();
            let content = Spooled(bytes);
            let file = File::new("usr/bin/curl", 0o755, &content);
            Programs.analyze(&file, &mut Sink::new("usr/bin/curl", &mut facts));
            facts
        };
        let said = &facts.paths["usr/bin/curl"].facts;
        assert_eq!(said.len(), 1, "{at}: {said:?}");
        assert!(
            matches!(&said[0], assay_analyze::Fact::Package(package) if package.name == "libcurl"),
            "{at}"
        );
    }
}

#[test]
fn everything_in_the_table_is_known_to_advisories() {
    for program in PROGRAMS {
        assert!(assay_model::software::by_name(program.software).is_some(), "{}", program.software);
        for select in program.files {
            let name = match select {
                Select::Name(name) => (*name).to_owned(),
                Select::NameAffixes(start, end) => format!("{start}{end}"),
                other => panic!("{other:?} is no name"),
            };
            assert!(program.is_named(&name) && table::SELECT.contains(select), "{name}");
        }
    }
    assert!(PROGRAMS.is_sorted_by(|a, b| a.software < b.software));
}

#[test]
fn total() {
    for path in ["libcrypto.so", "redis-server", "python3.11", "libxml2.so.2", "haproxy", "curl", "mysqld"] {
        check_total(&Programs, path);
    }
    let config = proptest::prelude::ProptestConfig {
        failure_persistence: None,
        ..proptest::prelude::ProptestConfig::with_cases(64)
    };
    let text = "(\\x00|OpenSSL |curl/|7\\.0\\.1|[0-9]{1,12}|\\.|p|-|rc| 27 Jan 2026|\\x002|-MariaDB| version |, released ){0,24}";
    proptest::proptest!(config, |(text in text)| {
        for path in ["libcrypto.so", "redis-server", "python3.11", "libxml2.so.2", "haproxy", "curl", "mysqld"] {
            run(&Programs, path, &elf(&[&text]));
        }
    });
}

#[test]
fn what_the_package_manager_owns_is_not_counted_twice() {
    use assay_analyze::{FolderPass, Limits, Lockfiles, Matcher, squash};
    let bash = elf(&["@(#)Bash version 5.2.15(1) release GNU"]);
    let status =
        b"Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b7\nArchitecture: amd64\n\n";
    let files: [(&str, &[u8]); 4] = [
        ("var/lib/dpkg/status", status),
        ("var/lib/dpkg/info/bash.list", b"/.\n/bin\n/bin/bash\n"),
        ("usr/bin/bash", &bash),
        ("opt/tools/bash", &bash),
    ];
    let (matcher, limits) = (Matcher::new(crate::analyzers()), Limits::new(".".into()));
    let mut pass = FolderPass::new(&matcher, &limits);
    for (path, content) in files {
        assert!(pass.file(path, assay_analyze::Node::file(0o755), &content), "{path}");
    }
    let packages = squash(vec![pass.finish()], false, Lockfiles::Always, &matcher).inventory.packages;
    let lines: Vec<String> = packages
        .iter()
        .map(|package| format!("{} {} {:?}", package.purl(None), package.locations[0].path, package.contains))
        .collect();
    assert_eq!(
        lines,
        [
            r#"pkg:deb/bash@5.2.15-2%2Bb7?arch=amd64 var/lib/dpkg/status ["pkg:generic/bash@5.2.15"]"#,
            "pkg:generic/bash@5.2.15 opt/tools/bash []",
        ]
    );
}
