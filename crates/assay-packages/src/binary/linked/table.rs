//! The libraries: what only their code has, and where their version stands.
//!
//! Each sign was read off real programs: PyPI's wheels, Debian's static programs, and the libraries themselves.

use crate::binary::program::table::{After, Anchor, Mark, Tail, behind};

/// A library.
pub(super) struct Library {
    /// Its name; that of [`assay_model::software`] where advisories know it.
    pub(super) name: &'static str,
    /// The starts of the names of its own files, besides those in the table of programs.
    pub(super) files: &'static [&'static str],
    /// What only its code has; one is enough.
    pub(super) signs: &'static [&'static str],
    /// Where its version stands, unless the table of programs says so.
    pub(super) marks: &'static [Mark],
}

const fn library(name: &'static str, signs: &'static [&'static str]) -> Library {
    Library { name, files: &[], signs, marks: &[] }
}

impl Library {
    const fn files(self, files: &'static [&'static str]) -> Self {
        Self { files, ..self }
    }

    const fn marks(self, marks: &'static [Mark]) -> Self {
        Self { marks, ..self }
    }
}

/// All of them.
pub(super) const LIBRARIES: &[Library] = &[
    // The sources are named in its errors.
    library("openssl", &["crypto/evp/evp_enc.c"]),
    library(
        "boringssl",
        &["boringssl/src/crypto/", "boringssl-with-bazel/crypto/", "(compatible; BoringSSL)"],
    ),
    library("krb5", &["KRB5_BRAND: krb5-"])
        .files(&["libkrb5.so"])
        .marks(&[behind(b"KRB5_BRAND: krb5-").parts(2, 3)]),
    library("zlib", &[" Copyright 1995-"]).marks(&[
        behind(b"deflate ").parts(3, 4).after(After::One(&[b" Copyright"])),
        behind(b"inflate ").parts(3, 4).after(After::One(&[b" Copyright"])),
    ]),
    library("zlib-ng", &["zlib-ng"]).files(&["libz-ng.so", "libz.so"]),
    library("bzip2", &["bzip2/libbzip2: internal error"]).files(&["libbz2.so"]).marks(&[Mark {
        anchor: Anchor::Into(b"\x001.0.", 1),
        parts: (3, 3),
        minor: 0,
        tail: Tail::None,
        after: After::One(&[b", "]),
    }]),
    library("zstd", &["Frame requires too much memory for decoding"]).files(&["libzstd.so"]),
    library("libcurl", &["libcurl/"]),
    library("libssh2", &["libssh2_"]),
    library("libgit2", &["libgit2 "]).files(&["libgit2.so"]).marks(&[behind(b"libgit2 ")]),
    // Only the one that names itself: a header gives programs the number, too.
    library("sqlite", &["malformed database schema"]).marks(&[Mark {
        anchor: Anchor::Into(b"3.", 0),
        parts: (3, 3),
        minor: 0,
        tail: Tail::None,
        after: After::End,
    }]),
    library("expat", &["expat_2."]),
    library("libxml2", &["xmlParseStartTag: invalid element name"]),
    library("libpng", &["libpng error: %s"]),
    library("libjpeg-turbo", &["libjpeg-turbo version "]),
    library("libtiff", &["TIFFFetchNormalTag"]),
    library("hdf5", &["HDF5 library version: "])
        .files(&["libhdf5.so"])
        .marks(&[behind(b"HDF5 library version: ")]),
    library("openblas", &["OpenBLAS "]).files(&["libopenblas.so"]).marks(&[behind(b"OpenBLAS ")]),
    library("libuv", &["Unknown system error %d"]).files(&["libuv.so"]),
    // The names of its tunables are in the code of the C library alone, which a static program holds.
    library("glibc", &["glibc.malloc.trim_threshold", "glibc.rtld.nns"])
        .files(&["libc.so", "libc-", "ld-", "ld.so"]),
    // What it says of an error number that is none.
    library("musl", &["No error information"]).files(&["libc.so", "libc.musl", "ld-musl"]),
];
