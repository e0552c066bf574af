//! What packages are for: a catalogue of functions, by the names distributions give to packages.
//!
//! A function that one package is enough for makes others redundant; one that no image needs to run makes its packages
//! unnecessary. A package that is not in here is nobody's suggestion. To add a function is to add an entry to
//! [`FUNCTIONS`]; `*` in a name stands for any letters, so that `gcc-*` covers `gcc-12` and `gcc-12-base` does not have to be named.

use assay_model::{Package, PackageKind};

/// When having a package of some function is too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// One is enough: each further one is redundant.
    One,
    /// None is needed to run: each is for building, debugging or administering.
    None,
}

/// What packages are for.
#[derive(Debug)]
pub(super) struct Function {
    /// The name used in reports.
    pub(super) name: &'static str,
    /// How many an image needs.
    pub(super) need: Need,
    /// The alternatives, each with the names of its packages: `libcurl4` is no alternative to `curl`.
    pub(super) alternatives: &'static [&'static [&'static str]],
    /// Names that match above and are something else.
    pub(super) except: &'static [&'static str],
}

/// All functions.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "compiler",
        need: Need::None,
        alternatives: &[
            &[
                "gcc",
                "gcc-*",
                "g++",
                "g++-*",
                "cpp",
                "cpp-*",
                "gcc-c++",
                "gcc-gfortran",
                "gfortran",
                "gfortran-*",
            ],
            &["clang", "clang-*", "llvm", "llvm-*", "lld", "lld-*", "lldb", "lldb-*"],
            &["rust", "rustc", "cargo", "golang", "golang-*", "go", "ghc", "fpc", "nasm", "yasm", "ldc"],
        ],
        // What programs need to run is split from compilers under similar names.
        except: &["gcc-*-base", "llvm-libs", "golang-*-dev", "gcc-libs"],
    },
    Function {
        name: "build-tool",
        need: Need::None,
        alternatives: &[
            &[
                "make",
                "cmake",
                "cmake-data",
                "ninja-build",
                "ninja",
                "samurai",
                "meson",
                "autoconf",
                "automake",
                "libtool",
            ],
            &["build-essential", "build-base", "base-devel", "dpkg-dev", "fakeroot", "rpm-build", "abuild"],
            &[
                "binutils",
                "binutils-*",
                "bison",
                "flex",
                "m4",
                "patch",
                "pkg-config",
                "pkgconf",
                "gettext-dev",
            ],
        ],
        except: &["binutils-common-doc"],
    },
    Function {
        name: "development-files",
        need: Need::None,
        alternatives: &[&["*-dev", "*-devel", "*-headers", "linux-libc-dev", "linux-headers*"]],
        except: &[],
    },
    Function {
        name: "debugger",
        need: Need::None,
        alternatives: &[
            &["gdb", "gdb-minimal", "gdbserver"],
            &["strace", "ltrace", "valgrind", "perf", "bpftrace", "sysdig"],
            &["*-dbg", "*-dbgsym", "*-debuginfo", "*-debugsource"],
        ],
        except: &[],
    },
    Function {
        name: "network-tool",
        need: Need::None,
        alternatives: &[
            &["tcpdump", "wireshark", "wireshark-cli", "tshark", "ngrep"],
            &["nmap", "nmap-ncat", "ncat", "netcat", "netcat-*", "socat"],
            &["net-tools", "iproute2", "iproute", "iputils-ping", "iputils", "traceroute", "mtr", "mtr-tiny"],
            &[
                "dnsutils",
                "bind-utils",
                "bind-tools",
                "bind9-dnsutils",
                "bind9-host",
                "telnet",
                "whois",
                "iperf3",
            ],
        ],
        except: &[],
    },
    Function {
        name: "editor",
        need: Need::None,
        alternatives: &[
            &["vim", "vim-*", "neovim"],
            &["nano", "emacs", "emacs-*", "ed", "joe", "micro", "mc"],
        ],
        except: &[],
    },
    Function {
        name: "remote-login",
        need: Need::None,
        alternatives: &[
            &[
                "openssh",
                "openssh-server",
                "openssh-client",
                "openssh-client-default",
                "openssh-clients",
                "dropbear",
            ],
            &["telnetd", "rsh-client", "sudo", "doas"],
        ],
        except: &[],
    },
    Function {
        name: "version-control",
        need: Need::None,
        alternatives: &[
            &["git", "git-core", "git-man"],
            &["subversion", "mercurial", "mercurial-common", "cvs", "bzr"],
        ],
        except: &[],
    },
    Function {
        name: "documentation",
        need: Need::None,
        alternatives: &[&[
            "*-doc",
            "*-docs",
            "man-db",
            "manpages",
            "manpages-dev",
            "man-pages",
            "info",
            "texinfo",
        ]],
        except: &[],
    },
    Function {
        name: "http-client",
        need: Need::One,
        alternatives: &[
            &["curl", "curl-minimal"],
            &["wget", "wget2"],
            &["httpie"],
            &["aria2"],
            &["lynx", "w3m", "links", "elinks"],
        ],
        except: &[],
    },
    Function {
        name: "tls-library",
        need: Need::One,
        alternatives: &[
            &["libssl*", "openssl-libs", "libopenssl*"],
            &["libgnutls*", "gnutls"],
            &["libmbedtls*", "mbedtls"],
            &["libnss3", "nss"],
            &["libressl*", "libtls*"],
            &["libwolfssl*", "wolfssl"],
        ],
        except: &["*-dev", "*-devel", "*-doc"],
    },
    Function {
        name: "shell",
        need: Need::One,
        alternatives: &[
            &["bash"],
            &["dash"],
            &["zsh", "zsh-common"],
            &["fish", "fish-common"],
            &["ksh", "ksh93u+m", "mksh"],
            &["tcsh", "csh"],
            &["busybox", "busybox-static"],
        ],
        except: &[],
    },
    Function {
        name: "process-supervisor",
        need: Need::One,
        alternatives: &[
            &["systemd"],
            &["supervisor"],
            &["runit"],
            &["s6"],
            &["openrc"],
            &["tini", "dumb-init"],
        ],
        except: &[],
    },
    Function {
        name: "mail-transport",
        need: Need::One,
        alternatives: &[
            &["exim4", "exim4-*"],
            &["postfix"],
            &["sendmail", "sendmail-*"],
            &["msmtp"],
            &["nullmailer"],
        ],
        except: &[],
    },
    Function {
        name: "cron",
        need: Need::One,
        alternatives: &[&["cron", "cronie"], &["dcron"], &["anacron"], &["systemd-cron"]],
        except: &[],
    },
];

/// Packages without which the distribution does not work, or cannot be told to work: never suggested. dpkg says itself which
/// of its packages are essential.
const ESSENTIAL: &[(PackageKind, &[&str])] = &[
    (
        PackageKind::Rpm,
        &[
            "basesystem",
            "bash",
            "coreutils",
            "coreutils-single",
            "filesystem",
            "glibc",
            "glibc-common",
            "glibc-minimal-langpack",
            "rpm",
            "rpm-libs",
            "setup",
            "shadow-utils",
            "ca-certificates",
            "libgcc",
            "tzdata",
            "*-release",
            "*-repos",
        ],
    ),
    (
        PackageKind::Apk,
        &[
            "alpine-base",
            "alpine-baselayout",
            "alpine-baselayout-data",
            "alpine-keys",
            "alpine-release",
            "apk-tools",
            "busybox",
            "busybox-binsh",
            "ca-certificates",
            "ca-certificates-bundle",
            "musl",
            "musl-utils",
            "libc-utils",
            "scanelf",
            "ssl_client",
            "wolfi-baselayout",
            "wolfi-keys",
            "glibc",
            "ld-linux",
            "libcrypt1",
        ],
    ),
    (
        PackageKind::Pacman,
        &["base", "bash", "coreutils", "filesystem", "glibc", "pacman", "ca-certificates*"],
    ),
    (PackageKind::Deb, &["ca-certificates", "base-files", "libc6", "dpkg", "apt", "tzdata", "debianutils"]),
];

/// Returns what a package is for, and which alternative it belongs to.
pub(super) fn function_of(package: &Package) -> Option<(&'static Function, usize)> {
    if !package.kind.is_os() {
        return None;
    }
    FUNCTIONS.iter().find_map(|function| {
        if function.except.iter().any(|pattern| named(pattern, &package.name)) {
            return None;
        }
        let place = function
            .alternatives
            .iter()
            .position(|names| names.iter().any(|pattern| named(pattern, &package.name)))?;
        Some((function, place))
    })
}

/// Returns whether the distribution needs a package.
pub(super) fn is_essential(package: &Package) -> bool {
    package.essential
        || ESSENTIAL.iter().any(|(kind, names)| {
            *kind == package.kind && names.iter().any(|pattern| named(pattern, &package.name))
        })
}

/// Returns whether a name fits a pattern with at most one `*`.
fn named(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[track_caller]
    fn check(name: &str, want: Option<&str>) {
        let package = Package::new(PackageKind::Deb, name, "1");
        assert_eq!(function_of(&package).map(|(function, _)| function.name), want, "{name}");
    }

    #[test]
    fn packages_are_known_by_their_names() {
        check("gcc-12", Some("compiler"));
        check("gcc-12-base", None);
        check("libgcc-s1", None);
        check("libssl3", Some("tls-library"));
        check("libssl-dev", Some("development-files"));
        check("curl", Some("http-client"));
        check("libcurl4", None);
        check("perl-base", None);
        check("strace", Some("debugger"));
        check("gitsome", None);
        let lodash = Package::new(PackageKind::Npm, "make", "1");
        assert!(function_of(&lodash).is_none(), "only packages of operating systems are in the catalogue");
    }

    #[test]
    fn the_catalogue_is_in_order() {
        let mut seen = HashSet::new();
        for function in FUNCTIONS {
            assert!(seen.insert(function.name), "{} is there twice", function.name);
            assert!(function.need == Need::None || function.alternatives.len() > 1, "{}", function.name);
            let patterns =
                function.alternatives.iter().chain([&function.except]).flat_map(|names| names.iter());
            for pattern in patterns {
                assert!(pattern.matches('*').count() <= 1 && !pattern.contains('['), "{pattern}");
            }
        }
    }
}
