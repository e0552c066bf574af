//! Libraries inside other programs: linked into them, or copied beside them under a name of its own (`libcrypto-fb8d5b21.so.3` in a wheel).
//!
//! Every executable is searched for what only the code of a library has: messages of its errors, its copyright, the names of its source files.
//! The name of a function proves nothing, as whoever calls a library names it, too; nor does a version alone, which headers give to whoever is
//! compiled with them (nginx names the OpenSSL it was *built* with). Only where a sign of the code and a single version are there, and
//! advisories know the library, is it a package; else it is an observation.

mod table;

use super::program::search::{self, Found, Texts};
use super::program::table::{Mark, PROGRAMS};
use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::observation::{Observation, Topic};
use assay_model::{Detail, Package, PackageKind, software};
use std::sync::LazyLock;
use table::{LIBRARIES, Library};

/// Finds them.
pub(super) struct Linked;

impl Analyzer for Linked {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "linked-library", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[Select::Magic(b"\x7fELF")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let present = match SIGNS.present(file.content) {
            Ok(present) => present,
            Err(error) => return out.warn("unreadable-file", error.to_string()),
        };
        let mut present = present.into_iter();
        for library in LIBRARIES {
            let signs = library.signs.iter().zip(present.by_ref());
            // All of its own are taken from those that follow.
            let Some(sign) = signs.fold(None, |first, (sign, there)| first.or(there.then_some(*sign))) else {
                continue;
            };
            if library.is_itself(file.name()) {
                continue;
            }
            match search::version(file.content, file.name(), library.version_marks()) {
                Ok(version) => report(library, sign, version, out),
                Err(error) => return out.warn("unreadable-file", error.to_string()),
            }
        }
    }
}

/// The signs of all libraries, in their order.
static SIGNS: LazyLock<Texts> =
    LazyLock::new(|| Texts::new(LIBRARIES.iter().flat_map(|library| library.signs).copied().collect()));

impl Library {
    /// Returns whether a file of this name is the library itself, which is no other program's part.
    fn is_itself(&self, name: &str) -> bool {
        let program = PROGRAMS.iter().find(|program| program.software == self.name);
        program.is_some_and(|program| program.is_named(name))
            || self.files.iter().any(|start| name.starts_with(start))
    }

    /// Returns where its version stands.
    fn version_marks(&self) -> &'static [Mark] {
        let program = PROGRAMS.iter().find(|program| program.software == self.name);
        program.filter(|_| self.marks.is_empty()).map_or(self.marks, |program| program.marks)
    }
}

fn report(library: &Library, sign: &str, version: Found, out: &mut Sink<'_>) {
    let mut details = vec![Detail::new("name", library.name)];
    match version {
        Found::One(version) => {
            if software::by_name(library.name).is_some() {
                out.package(Package::new(PackageKind::Generic, library.name, version.as_str()));
            }
            details.push(Detail::new("version", version));
        }
        Found::Several(one, other) => details.push(Detail::new("versions", format!("{one}, {other}"))),
        Found::Nothing | Found::TooLong(_) => {}
    }
    details.push(Detail::new("sign", sign.trim()));
    out.fact(Fact::Observation(Box::new(Observation::new(Topic::Library, details))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{check_total, run};

    /// Checks the observed libraries and the packages of a file that has these strings.
    #[track_caller]
    fn check(name: &str, strings: &[&str], want: &[&str], packages: &[&str]) {
        let content = format!("\x7fELF\0{}\0", strings.join("\0"));
        let facts = run(&Linked, name, content.as_bytes()).paths.remove(name).unwrap_or_default();
        let (mut observed, mut found) = (Vec::new(), Vec::new());
        for fact in &facts.facts {
            match fact {
                Fact::Observation(one) => observed.push(format!(
                    "{} {}",
                    one.detail("name").unwrap(),
                    one.detail("version").or(one.detail("versions")).unwrap_or("?")
                )),
                Fact::Package(package) => found.push(format!("{} {}", package.name, package.version)),
                _ => {}
            }
        }
        assert_eq!(
            (observed.as_slice(), found.as_slice()),
            (owned(want).as_slice(), owned(packages).as_slice())
        );
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    const ENCRYPTION: &str = "crypto/evp/evp_enc.c";

    #[test]
    fn code_and_a_version_together_are_a_package() {
        let version = "OpenSSL 3.5.8 25 Aug 2026";
        check("lib/_rust.abi3.so", &[ENCRYPTION, version], &["openssl 3.5.8"], &["openssl 3.5.8"]);
        check("x/libcrypto-fb8d5b21.so.3", &[ENCRYPTION, version], &["openssl 3.5.8"], &["openssl 3.5.8"]);
        check("x/libcrypto.so.3", &[ENCRYPTION, version], &[], &[]);
        let fips = "OpenSSL 1.1.1k  FIPS 25 Mar 2021";
        check(
            "x/libcrypto-64b40125.so.1.1.1k",
            &[ENCRYPTION, fips],
            &["openssl 1.1.1k"],
            &["openssl 1.1.1k"],
        );
        check(
            "x/libssh2-c5c93677.so.1",
            &["SSH-2.0-libssh2_1.11.1\r\n"],
            &["libssh2 1.11.1"],
            &["libssh2 1.11.1"],
        );
        // Functions and formats of those who call a library.
        check("x/libcurl-330bcbb6.so.4", &["libssh2_session_free", "libcurl/%s"], &[], &[]);
        // What nginx says of the library that it was built with.
        check("usr/sbin/nginx", &[version, "built with OpenSSL %s"], &[], &[]);
    }

    #[test]
    fn what_is_not_sure_is_no_package() {
        check("a", &[ENCRYPTION], &["openssl ?"], &[]);
        let two = ["OpenSSL 3.5.8 25 Aug 2026", "OpenSSL 1.1.1w 11 Sep 2023"];
        check("a", &[ENCRYPTION, two[0], two[1]], &["openssl 3.5.8, 1.1.1w"], &[]);
        // Nobody publishes advisories under this name.
        check("a", &["bzip2/libbzip2: internal error", "1.0.8, 13-Jul-2019"], &["bzip2 1.0.8"], &[]);
        check("a", &["glibc.rtld.nns"], &["glibc ?"], &[]);
        check("lib/ld-linux-x86-64.so.2", &["glibc.rtld.nns"], &[], &[]);
    }

    #[test]
    fn the_copyright_of_zlib_is_its_version() {
        let both = [" deflate 1.3.1 Copyright 1995-2024", " inflate 1.3.1 Copyright 1995-2024"];
        check("bin/sash", &both, &["zlib 1.3.1"], &["zlib 1.3.1"]);
        check("bin/sash", &both[1..], &["zlib 1.3.1"], &["zlib 1.3.1"]);
    }

    #[test]
    fn every_name_is_there_once() {
        let mut names: Vec<_> = LIBRARIES.iter().map(|library| library.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), LIBRARIES.len());
    }

    #[test]
    fn signs_are_found_within_each_other_and_in_any_number() {
        check("a", &["boringssl/src/crypto/evp/evp_enc.c"], &["openssl ?", "boringssl ?"], &[]);
        let many = "zlib-ng".repeat(20_000);
        check("a", &[&many, "glibc.rtld.nns"], &["zlib-ng ?", "glibc ?"], &[]);
    }

    /// Of two that begin alike only one would be found.
    #[test]
    fn no_sign_begins_with_another() {
        let signs: Vec<&str> = LIBRARIES.iter().flat_map(|library| library.signs).copied().collect();
        for (number, sign) in signs.iter().enumerate() {
            assert!(!sign.is_empty() && sign.len() < 100, "{sign}");
            let others = signs.iter().enumerate().filter(|(other, _)| *other != number);
            assert_eq!(others.map(|(_, other)| other).find(|other| other.starts_with(sign)), None, "{sign}");
        }
    }

    /// A file that is not in memory is read part by part.
    #[test]
    fn signs_across_parts_are_found() {
        struct Far(Vec<u8>);
        impl assay_decode::ReadAt for Far {
            fn len(&self) -> u64 {
                self.0.len() as u64
            }
            fn read_at(&self, offset: u64, buf: &mut [u8]) -> std::io::Result<usize> {
                self.0.read_at(offset, buf)
            }
        }
        for at in [1, (1 << 20) - 10, (1 << 20) - 1, 1 << 20, (1 << 21) + 100] {
            let mut bytes = vec![b'x'; (1 << 21) + 200];
            bytes[at..at + ENCRYPTION.len()].copy_from_slice(ENCRYPTION.as_bytes());
            let present = SIGNS.present(&Far(bytes)).unwrap();
            assert_eq!((present[0], present.iter().filter(|there| **there).count()), (true, 1), "{at}");
        }
    }

    #[test]
    fn total() {
        check_total(&Linked, "a");
    }
}
