//! The programs: how their files are named, and what stands around their versions.
//!
//! To add one, add its line here and its names in [`assay_model::software`], and prove it against the program itself in
//! `real-tests/tests/it/known.rs`. Every mark was read off the program's own `--version` or banner.

use assay_analyze::Select;

/// A program or library.
pub(in crate::binary) struct Program {
    /// Its name in [`assay_model::software`].
    pub(in crate::binary) software: &'static str,
    /// The names its files have.
    pub(in crate::binary) files: &'static [Select],
    /// What stands around its version; the first that is there decides.
    pub(in crate::binary) marks: &'static [Mark],
}

/// A place where a version stands.
pub(in crate::binary) struct Mark {
    /// The text that is searched for.
    pub(in crate::binary) anchor: Anchor,
    /// How many numbers the version has, at least and at most.
    pub(in crate::binary) parts: (usize, usize),
    /// What the second number is at least: a large program says the versions of younger libraries by themselves, too.
    pub(in crate::binary) minor: u32,
    /// What belongs to the version besides numbers.
    pub(in crate::binary) tail: Tail,
    /// What has to follow.
    pub(in crate::binary) after: After,
}

/// The text that is searched for.
#[derive(Clone, Copy)]
pub(in crate::binary) enum Anchor {
    /// The version follows it.
    Before(&'static [u8]),
    /// The version starts inside it, at this byte: the first number is known.
    Into(&'static [u8], usize),
    /// The release that the file's name gives, `3.11.` for `libpython3.11.so`, at the beginning of a string or anywhere: linkers
    /// let a string that ends another one share its bytes (`/usr/src/Python-3.11.7`).
    ReleaseOfName {
        /// At the beginning of a string.
        alone: bool,
    },
    /// Redis's build string.
    Build,
}

/// What belongs to a version besides numbers and dots.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::binary) enum Tail {
    None,
    /// Up to two letters: `1.1.1w`.
    Letters,
    /// `p` and a number: `9.2p1`.
    Patch,
    /// The same, if it is there.
    SomePatch,
    /// A dash and a number: `6.9.11-60`.
    Dash,
    /// Five digits without dots: `20914`.
    Packed,
}

/// What has to follow a version.
#[derive(Clone, Copy)]
pub(in crate::binary) enum After {
    Any,
    /// The end of the string.
    End,
    /// One of these texts.
    One(&'static [&'static [u8]]),
    /// A date.
    Date,
}

impl Program {
    /// Returns whether a file's name is one of this program's.
    pub(in crate::binary) fn is_named(&self, name: &str) -> bool {
        self.files.iter().any(|file| match file {
            Select::Name(known) => *known == name,
            Select::NameAffixes(start, end) => {
                name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
            }
            Select::Path(_)
            | Select::Suffix(_)
            | Select::Under(..)
            | Select::Within(..)
            | Select::Magic(_)
            | Select::Any
            | Select::Mode(_)
            | Select::Capabilities
            | Select::Link(_) => false,
        })
    }
}

const fn name(name: &'static str) -> Select {
    Select::Name(name)
}

/// A shared library, with or without its version behind the name.
const fn starts(start: &'static str) -> Select {
    Select::NameAffixes(start, "")
}

/// Three numbers behind a text that nothing else has.
pub(in crate::binary) const fn behind(text: &'static [u8]) -> Mark {
    Mark { anchor: Anchor::Before(text), parts: (3, 3), minor: 0, tail: Tail::None, after: After::Any }
}

/// A string of nothing but the version, which starts with a known number; it is believed if it is the only one.
const fn alone(start: &'static [u8]) -> Mark {
    Mark { anchor: Anchor::Into(start, 1), parts: (2, 3), minor: 0, tail: Tail::None, after: After::End }
}

/// The full version of the release that the file's name gives.
const fn release(alone: bool) -> Mark {
    Mark {
        anchor: Anchor::ReleaseOfName { alone },
        parts: (3, 3),
        minor: 0,
        tail: Tail::None,
        after: After::End,
    }
}

impl Mark {
    pub(in crate::binary) const fn parts(self, least: usize, most: usize) -> Self {
        Self { parts: (least, most), ..self }
    }

    pub(in crate::binary) const fn minor(self, minor: u32) -> Self {
        Self { minor, ..self }
    }

    pub(in crate::binary) const fn tail(self, tail: Tail) -> Self {
        Self { tail, ..self }
    }

    pub(in crate::binary) const fn after(self, after: After) -> Self {
        Self { after, ..self }
    }
}

/// The machines that OpenVPN names behind its version.
const MACHINES: &[&[u8]] =
    &[b" x86_64", b" aarch64", b" arm", b" i586", b" i686", b" powerpc", b" riscv", b" s390x"];

/// All of them, by name.
pub(in crate::binary) const PROGRAMS: &[Program] = &[
    Program { software: "bash", files: &[name("bash")], marks: &[behind(b"@(#)Bash version ")] },
    Program {
        software: "bind",
        files: &[name("named")],
        marks: &[behind(b"version: BIND "), behind(b"BIND ")],
    },
    Program { software: "busybox", files: &[name("busybox")], marks: &[behind(b"BusyBox v")] },
    Program { software: "curl", files: &[name("curl")], marks: &[behind(b"curl/")] },
    Program {
        software: "dnsmasq",
        files: &[name("dnsmasq")],
        marks: &[behind(b"dnsmasq-").parts(2, 2).after(After::End)],
    },
    Program {
        software: "envoy",
        files: &[name("envoy")],
        // Its libraries are at 1.0 to 1.3.
        marks: &[alone(b"\x001.").parts(3, 3).minor(10)],
    },
    Program {
        software: "expat",
        files: &[starts("libexpat.so")],
        marks: &[behind(b"expat_").after(After::End)],
    },
    Program {
        software: "ffmpeg",
        files: &[name("ffmpeg"), starts("libavutil.so"), starts("libavcodec.so"), starts("libavformat.so")],
        marks: &[behind(b"FFmpeg version ").parts(2, 3).after(After::End)],
    },
    Program { software: "git", files: &[name("git")], marks: &[behind(b"git/").after(After::End)] },
    Program {
        software: "glibc",
        files: &[name("libc.so.6"), Select::NameAffixes("libc-2.", ".so")],
        marks: &[behind(b"stable release version ").parts(2, 2)],
    },
    Program { software: "gnutls", files: &[starts("libgnutls.so")], marks: &[behind(b"Enabled GnuTLS ")] },
    Program {
        software: "haproxy",
        files: &[name("haproxy")],
        marks: &[behind(b" version ").parts(2, 3).after(After::One(&[b", released "]))],
    },
    Program {
        software: "httpd",
        files: &[name("httpd"), name("apache2")],
        marks: &[behind(b"Apache/").after(After::One(&[b" ", b"\0"]))],
    },
    Program {
        software: "imagemagick",
        files: &[name("magick"), starts("libMagickCore-")],
        marks: &[behind(b"ImageMagick ").tail(Tail::Dash).after(After::One(&[b" "]))],
    },
    Program {
        software: "jq",
        files: &[name("jq")],
        marks: &[behind(b"jq-").parts(2, 3).after(After::End), alone(b"\x001.")],
    },
    Program {
        software: "libarchive",
        files: &[starts("libarchive.so")],
        marks: &[behind(b"libarchive ").after(After::End)],
    },
    Program {
        software: "libcurl",
        files: &[starts("libcurl.so"), starts("libcurl-gnutls.so"), name("curl")],
        marks: &[behind(b"libcurl/")],
    },
    Program {
        software: "libgcrypt",
        files: &[starts("libgcrypt.so")],
        marks: &[behind(b"This is Libgcrypt ")],
    },
    Program {
        software: "libjpeg-turbo",
        files: &[starts("libjpeg.so"), starts("libturbojpeg.so")],
        marks: &[behind(b"libjpeg-turbo version ")],
    },
    Program {
        software: "libpng",
        files: &[starts("libpng16.so"), starts("libpng.so")],
        marks: &[behind(b"libpng version ").after(After::One(&[b" ", b"\0", b"\n"]))],
    },
    Program {
        software: "libssh2",
        files: &[starts("libssh2.so")],
        marks: &[behind(b"libssh2_").after(After::End)],
    },
    Program { software: "libtiff", files: &[starts("libtiff.so")], marks: &[behind(b"LIBTIFF, Version ")] },
    Program {
        software: "libxml2",
        files: &[starts("libxml2.so")],
        marks: &[Mark {
            anchor: Anchor::Into(b"2", 0),
            parts: (1, 1),
            minor: 0,
            tail: Tail::Packed,
            after: After::One(&[b"\0", b"-GIT"]),
        }],
    },
    Program { software: "lighttpd", files: &[name("lighttpd")], marks: &[behind(b"lighttpd/")] },
    Program {
        software: "lua",
        files: &[name("lua"), name("luac"), starts("lua5."), starts("liblua.so"), starts("liblua5.")],
        marks: &[behind(b"Lua ").after(After::One(&[b"  Copyright", b" Copyright"]))],
    },
    Program {
        software: "mariadb",
        files: &[name("mariadbd"), name("mysqld")],
        marks: &[Mark {
            anchor: Anchor::Into(b"\x001", 1),
            parts: (3, 3),
            minor: 0,
            tail: Tail::None,
            after: After::One(&[b"-MariaDB"]),
        }],
    },
    Program {
        software: "memcached",
        files: &[name("memcached")],
        marks: &[behind(b"memcached ").after(After::End)],
    },
    Program {
        software: "musl",
        files: &[Select::NameAffixes("ld-musl-", ".so.1"), name("libc.so")],
        marks: &[alone(b"\x001.").parts(3, 3)],
    },
    Program {
        software: "mysql",
        files: &[name("mysqld")],
        marks: &[
            // The sources' folder, in what asserts and errors say; then the version itself.
            behind(b"/mysql-").after(After::One(&[b"/"])),
            alone(b"\x005.6.").parts(3, 3),
            alone(b"\x005.7.").parts(3, 3),
            alone(b"\x008.").parts(3, 3),
            alone(b"\x009.").parts(3, 3),
        ],
    },
    Program { software: "nginx", files: &[name("nginx")], marks: &[behind(b"nginx version: nginx/")] },
    Program {
        software: "node",
        files: &[name("node"), name("nodejs"), starts("libnode.so")],
        marks: &[behind(b"node.js/v"), behind(b"/download/release/v").after(After::One(&[b"/node-v"]))],
    },
    Program {
        software: "openssh",
        files: &[name("sshd"), name("ssh"), name("sshd-session")],
        marks: &[behind(b"OpenSSH_").parts(2, 3).tail(Tail::Patch).after(After::One(&[b"\0", b" "]))],
    },
    Program {
        software: "openssl",
        files: &[name("openssl"), starts("libcrypto.so"), starts("libssl.so")],
        marks: &[behind(b"OpenSSL ").tail(Tail::Letters).after(After::Date)],
    },
    Program {
        software: "openvpn",
        files: &[name("openvpn")],
        marks: &[behind(b"OpenVPN ").after(After::One(MACHINES))],
    },
    Program {
        software: "perl",
        files: &[name("perl"), starts("perl5."), starts("libperl.so")],
        marks: &[Mark {
            anchor: Anchor::Into(b"\0v5.", 2),
            parts: (3, 3),
            minor: 0,
            tail: Tail::None,
            after: After::End,
        }],
    },
    Program {
        software: "php",
        files: &[
            name("php"),
            starts("php-fpm"),
            name("php-cgi"),
            starts("php7."),
            starts("php8."),
            starts("libphp"),
        ],
        marks: &[behind(b"X-Powered-By: PHP/")],
    },
    Program {
        software: "postgresql",
        files: &[name("postgres")],
        marks: &[behind(b"(PostgreSQL) ").parts(1, 3)],
    },
    Program {
        software: "proftpd",
        files: &[name("proftpd")],
        marks: &[behind(b"ProFTPD ").tail(Tail::Letters).after(After::One(&[b" standalone"]))],
    },
    Program {
        software: "python",
        files: &[starts("python2."), starts("python3."), starts("libpython2."), starts("libpython3.")],
        marks: &[release(true), release(false)],
    },
    Program {
        software: "redis",
        files: &[name("redis-server"), name("redis-cli"), name("redis-check-rdb"), name("redis-sentinel")],
        marks: &[Mark {
            anchor: Anchor::Build,
            parts: (3, 3),
            minor: 0,
            tail: Tail::None,
            after: After::End,
        }],
    },
    Program {
        software: "ruby",
        files: &[name("ruby"), starts("libruby.so"), starts("libruby-"), starts("ruby2."), starts("ruby3.")],
        marks: &[behind(b"ruby ").after(After::One(&[b"p", b" ("]))],
    },
    Program {
        software: "sqlite",
        files: &[name("sqlite3"), starts("libsqlite3.so")],
        marks: &[alone(b"\x003.").parts(3, 3)],
    },
    Program { software: "squid", files: &[name("squid")], marks: &[behind(b"squid/").parts(2, 3)] },
    Program {
        software: "sudo",
        files: &[name("sudo")],
        marks: &[
            alone(b"\x001.9.").parts(3, 3).tail(Tail::SomePatch),
            alone(b"\x001.8.").parts(3, 3).tail(Tail::SomePatch),
        ],
    },
    Program {
        software: "unbound",
        files: &[name("unbound")],
        marks: &[behind(b"unbound ").after(After::End)],
    },
    Program {
        software: "varnish",
        files: &[name("varnishd")],
        marks: &[behind(b"varnish-").after(After::One(&[b" revision"]))],
    },
    Program {
        software: "wget",
        files: &[name("wget")],
        marks: &[
            // It also names the version of zlib it was built with, 1.2 or 1.3.
            alone(b"\x001.19"),
            alone(b"\x001.20"),
            alone(b"\x001.21"),
            alone(b"\x001.22"),
            alone(b"\x001.23"),
            alone(b"\x001.24"),
            alone(b"\x001.25"),
        ],
    },
    Program { software: "xz", files: &[starts("liblzma.so")], marks: &[alone(b"\x005.").parts(3, 3)] },
    Program {
        software: "zlib",
        files: &[starts("libz.so")],
        marks: &[behind(b"deflate ").parts(3, 4).after(After::One(&[b" Copyright"]))],
    },
];

/// The files of all programs, as the analyzer's selection.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler: an index out of bounds does not compile"
)]
pub(super) const SELECT: &[Select] = &{
    let mut all = [Select::Name(""); count()];
    let (mut program, mut next) = (0, 0);
    while program < PROGRAMS.len() {
        let mut file = 0;
        while file < PROGRAMS[program].files.len() {
            all[next] = PROGRAMS[program].files[file];
            (file, next) = (file + 1, next + 1);
        }
        program += 1;
    }
    all
};

#[expect(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler: an index out of bounds does not compile"
)]
const fn count() -> usize {
    let (mut program, mut sum) = (0, 0);
    while program < PROGRAMS.len() {
        sum += PROGRAMS[program].files.len();
        program += 1;
    }
    sum
}
