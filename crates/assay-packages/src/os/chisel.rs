//! Chisel, which cuts Ubuntu's packages into slices: `var/lib/chisel/manifest.wall`, jsonwall compressed with Zstandard
//! (<https://documentation.ubuntu.com/chisel/en/latest/reference/manifest/>).
//!
//! A chiselled image has no dpkg database; this is the only record of its packages. Each line is a JSON object. The binary
//! package is all it names: advisories about a source package of another name do not meet it.

use super::damage::Damage;
use crate::lang::lenient::{self, record};
use assay_analyze::{Analyzer, AnalyzerId, File, Select, Sink};
use assay_decode::{Limited, decompress};
use assay_model::{Package, PackageKind, PathList};
use std::collections::BTreeMap;
use std::io::Read;

/// Reads Chisel's manifest; [`Dpkg`](super::dpkg::Dpkg) links its packages.
pub(super) struct Chisel;

/// The most the manifest may unpack to, in bytes: it has about a hundred for each file of the image.
const WALL_LIMIT: u64 = 64 << 20;

record! {
    struct Line {
        "kind" => kind: String,
        "name" => name: String,
        "version" => version: String,
        "arch" => architecture: Option<String>,
        "slice" => slice: String,
        "path" => path: String,
    }
}

impl Analyzer for Chisel {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "chisel", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        // Where it lies is the image author's choice; this is what Chisel's own releases have.
        &[Select::Path("var/lib/chisel/manifest.wall")]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        let Some(bytes) = file.bytes(WALL_LIMIT, out) else { return };
        let mut damage = Damage::default();
        let mut wall = Vec::new();
        let read = decompress(&bytes[..])
            .and_then(|(_, plain)| Limited::new(plain, WALL_LIMIT).read_to_end(&mut wall));
        if let Err(error) = read {
            damage.add(format!("it cannot be decompressed to its end: {error}"));
        }
        let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in String::from_utf8_lossy(&wall).lines().filter(|line| !line.trim().is_empty()) {
            let mut line = Line::default();
            if let Err(error) = lenient::json(text, &mut line) {
                damage.add(format!("a line is no JSON: {error}"));
            }
            match line.kind.as_str() {
                "package" if !line.name.is_empty() && !line.version.is_empty() => {
                    let mut package = Package::new(PackageKind::Deb, line.name, line.version);
                    package.architecture = line.architecture;
                    out.package(package);
                }
                // `{"kind":"content","slice":"libc6_libs","path":"/usr/lib/…"}`; folders end in a slash.
                "content" => {
                    if let Some((package, _)) = line.slice.rsplit_once('_')
                        && !line.path.ends_with('/')
                    {
                        let path = line.path.trim_start_matches('/').to_owned();
                        files.entry(package.to_owned()).or_default().push(path);
                    }
                }
                _ => {}
            }
        }
        for (package, files) in files {
            out.owned_files("dpkg", package, files.iter().map(String::as_str).collect::<PathList>());
        }
        damage.report(out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{analyze, codes, owned, packages};
    use super::*;
    use proptest::prelude::*;

    const AT: &str = "var/lib/chisel/manifest.wall";
    const WALL: &str = r#"{"jsonwall":"1.0","schema":"1.0","count":5}
{"kind":"content","slice":"libc6_libs","path":"/usr/lib/x86_64-linux-gnu/libc.so.6"}
{"kind":"content","slice":"libc6_libs","path":"/usr/lib/"}
{"kind":"package","name":"libc6","version":"2.39-0ubuntu8.3","sha256":"0a","arch":"amd64"}
{"kind":"path","path":"/usr/lib/","mode":"0755","slices":["libc6_libs"]}
"#;

    /// Returns a Zstandard frame whose only block is not compressed (RFC 8878, section 3.1.1).
    fn frame(text: &str) -> Vec<u8> {
        let len = u32::try_from(text.len()).unwrap();
        let mut frame = vec![0x28, 0xb5, 0x2f, 0xfd, 0xa0];
        frame.extend(len.to_le_bytes());
        frame.extend(&(len << 3 | 1).to_le_bytes()[..3]);
        frame.extend(text.as_bytes());
        frame
    }

    #[track_caller]
    fn check(bytes: &[u8], want: &[&str], warnings: usize) {
        let facts = analyze(&Chisel, AT, bytes);
        let lines: Vec<_> = packages(&facts).iter().map(|it| format!("{} {}", it.name, it.version)).collect();
        assert_eq!(
            (lines, codes(&facts).len()),
            (want.iter().map(|it| (*it).to_owned()).collect(), warnings)
        );
    }

    #[test]
    fn packages_and_their_files() {
        check(&frame(WALL), &["libc6 2.39-0ubuntu8.3"], 0);
        let facts = analyze(&Chisel, AT, &frame(WALL));
        assert_eq!(owned(&facts), [("libc6", vec!["usr/lib/x86_64-linux-gnu/libc.so.6"])]);
        assert_eq!(packages(&facts)[0].architecture.as_deref(), Some("amd64"));
    }

    #[test]
    fn damage_keeps_what_was_read() {
        check(&frame(&format!("{WALL}{{\"kind")), &["libc6 2.39-0ubuntu8.3"], 1);
        check(&frame(WALL)[..40], &[], 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[a-z\"{}:\\[\n]{0,64}") {
            analyze(&Chisel, AT, &bytes);
            analyze(&Chisel, AT, &frame(&text));
        }
    }
}
