//! Archives lying in an image: what is in them is neither installed nor, mostly, looked into.

use assay_analyze::{Analyzer, AnalyzerId, Fact, File, Select, Sink};
use assay_model::Detail;
use assay_model::observation::{Observation, Topic};

/// Recognises archives.
pub(super) struct Archive;

/// What archives begin with, and what they are called.
const KINDS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "zip"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"!<arch>\n", "ar"),
    (b"\xed\xab\xee\xdb", "rpm"),
    (b"MSCF", "cabinet"),
];

impl Analyzer for Archive {
    fn id(&self) -> AnalyzerId {
        AnalyzerId { name: "deep-archive", revision: 1 }
    }

    fn select(&self) -> &'static [Select] {
        &[
            Select::Magic(b"PK\x03\x04"),
            Select::Magic(b"\x1f\x8b"),
            Select::Magic(b"BZh"),
            Select::Magic(b"\xfd7zXZ\0"),
            Select::Magic(b"\x28\xb5\x2f\xfd"),
            Select::Magic(b"7z\xbc\xaf\x27\x1c"),
            Select::Magic(b"Rar!\x1a\x07"),
            Select::Magic(b"!<arch>\n"),
            Select::Magic(b"\xed\xab\xee\xdb"),
            Select::Magic(b"MSCF"),
        ]
    }

    fn analyze(&self, file: &File<'_>, out: &mut Sink<'_>) {
        // Documentation is compressed by the thousand, and libraries of C are archives: both say nothing.
        let path = file.path;
        let dull =
            ["usr/share/doc/", "usr/share/man/", "usr/share/info/"].iter().any(|at| path.starts_with(at));
        if dull || path.ends_with(".a") || path.ends_with(".jar") {
            return;
        }
        let mut start = [0; 8];
        let len = file.content.read_at(0, &mut start).unwrap_or_default();
        let start = start.get(..len).unwrap_or_default();
        let Some((_, kind)) = KINDS.iter().find(|(magic, _)| start.starts_with(magic)) else { return };
        let details = vec![Detail::new("kind", *kind), Detail::new("bytes", file.content.len().to_string())];
        out.fact(Fact::Observation(Box::new(Observation::new(Topic::Archive, details))));
    }
}
