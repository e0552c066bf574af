//! One layer's analysis as it is kept: a header, a checksum, and the analysis in postcard's encoding
//! (<https://postcard.jamesmunns.com/wire-format>).
//!
//! Each analyzer's part carries that analyzer's revision, so that a new revision makes only its own part stale. An entry that
//! cannot be read, for whatever reason, is no entry.

use assay_analyze::{AnalyzerId, Cover, FileAnalysis, LayerAnalysis, Matcher, PathFacts};
use assay_model::{DiffId, Warning};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// What an entry begins with; the last byte is raised whenever the encoding, or the pass itself, gives something else.
const MAGIC: [u8; 8] = *b"assaylc\x05";

/// Bytes before the encoded analysis: magic and CRC-32.
const HEADER: usize = 12;

/// A layer's analysis as encoded.
#[derive(Serialize)]
struct Written<'a> {
    diff_id: [u8; 32],
    bounds: u64,
    analyzers: Vec<(&'a str, u32)>,
    symlinks: &'a BTreeMap<String, String>,
    symlinks_left_out: bool,
    cover: [KeysOf<'a>; 4],
    warnings: &'a [Warning],
    entries: u64,
    unpacked_size: u64,
    files: Vec<(&'a str, Vec<(u16, &'a PathFacts)>)>,
}

/// The same, as decoded.
#[derive(Deserialize)]
struct Read {
    diff_id: [u8; 32],
    bounds: u64,
    analyzers: Vec<(String, u32)>,
    symlinks: BTreeMap<String, String>,
    symlinks_left_out: bool,
    cover: [Keys; 4],
    warnings: Vec<Warning>,
    entries: u64,
    unpacked_size: u64,
    files: Vec<(String, Vec<(u16, PathFacts)>)>,
}

/// What was kept of a layer.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    /// The analysis, as far as it is still good.
    pub(crate) analysis: LayerAnalysis,
    /// The indices, among those of the matcher, of the analyzers that have to look at the layer again.
    pub(crate) stale: Vec<usize>,
}

/// Encodes an analysis made by all analyzers of `matcher` within `bounds`; `None` if it may not be kept.
pub(crate) fn encode(analysis: &LayerAnalysis, matcher: &Matcher<'_>, bounds: u64) -> Option<Vec<u8>> {
    let Some(DiffId(assay_model::Digest::Sha256(diff_id))) = analysis.diff_id.filter(|_| analysis.repeatable)
    else {
        return None;
    };
    let ids: Vec<AnalyzerId> = matcher.analyzers().iter().map(|analyzer| analyzer.id()).collect();
    let number: BTreeMap<&str, u16> = (0..).zip(&ids).map(|(number, id)| (id.name, number)).collect();
    let mut files = Vec::with_capacity(analysis.files.len());
    for (path, said) in &analysis.files {
        let said: Option<Vec<_>> =
            said.iter().map(|one| Some((*number.get(one.analyzer)?, &one.said))).collect();
        files.push((path.as_str(), said?));
    }
    let Cover { whiteouts, opaque, replaced, folders } = &analysis.cover;
    let written = Written {
        diff_id,
        bounds,
        analyzers: ids.iter().map(|id| (id.name, id.revision)).collect(),
        symlinks: &analysis.symlinks,
        symlinks_left_out: analysis.symlinks_left_out,
        cover: [whiteouts, opaque, replaced, folders].map(|keys| KeysOf(keys)),
        warnings: &analysis.warnings,
        entries: analysis.entries,
        unpacked_size: analysis.unpacked_size,
        files,
    };
    let mut bytes = MAGIC.to_vec();
    bytes.extend([0; HEADER - MAGIC.len()]);
    let mut bytes = postcard::to_extend(&written, bytes).ok()?;
    let crc = crc32fast::hash(bytes.get(HEADER..)?);
    bytes.get_mut(MAGIC.len()..HEADER)?.copy_from_slice(&crc.to_le_bytes());
    Some(bytes)
}

/// Decodes the entry of the layer `diff_id`; `None` when it is damaged, of another format, or was made within other bounds.
pub(crate) fn decode(bytes: &[u8], diff_id: DiffId, matcher: &Matcher<'_>, bounds: u64) -> Option<Entry> {
    let (header, body) = bytes.split_at_checked(HEADER)?;
    let (magic, crc) = header.split_at_checked(MAGIC.len())?;
    if magic != MAGIC || crc != crc32fast::hash(body).to_le_bytes() {
        return None;
    }
    let (read, rest) = postcard::take_from_bytes::<Read>(body).ok()?;
    if !rest.is_empty() || read.bounds != bounds || diff_id.0.bytes() != read.diff_id {
        return None;
    }
    // What was said by analyzers that are gone or have changed is dropped; those are asked again.
    let ids: Vec<AnalyzerId> = matcher.analyzers().iter().map(|analyzer| analyzer.id()).collect();
    let good: Vec<Option<&'static str>> = read
        .analyzers
        .iter()
        .map(|(name, revision)| {
            ids.iter().find(|id| id.name == name && id.revision == *revision).map(|id| id.name)
        })
        .collect();
    let stale =
        (0..).zip(&ids).filter(|(_, id)| !good.contains(&Some(id.name))).map(|(index, _)| index).collect();
    let mut files = Vec::with_capacity(read.files.len());
    for (path, said) in read.files {
        let said: Vec<FileAnalysis> = said
            .into_iter()
            .filter_map(|(number, said)| {
                Some(FileAnalysis { analyzer: good.get(usize::from(number)).copied()??, said })
            })
            .collect();
        if !said.is_empty() {
            files.push((path, said));
        }
    }
    let [whiteouts, opaque, replaced, folders] = read.cover.map(|keys| keys.0);
    let analysis = LayerAnalysis {
        diff_id: Some(diff_id),
        repeatable: true,
        files: files.into_iter().collect(),
        symlinks: read.symlinks,
        symlinks_left_out: read.symlinks_left_out,
        cover: Cover { whiteouts, opaque, replaced, folders },
        warnings: read.warnings,
        entries: read.entries,
        unpacked_size: read.unpacked_size,
    };
    Some(Entry { analysis, stale })
}

/// Path keys as strings of bytes: a hundred thousand of them, written one by one, would take longer than all else.
struct Keys(Vec<u128>);

/// The same, to be written.
struct KeysOf<'a>(&'a [u128]);

/// Keys of one string: all in one would be a second copy of what may be millions.
const PIECE: usize = 4096;

impl Serialize for KeysOf<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Piece<'a>(&'a [u128]);
        impl Serialize for Piece<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let bytes: Vec<u8> = self.0.iter().flat_map(|key| key.to_le_bytes()).collect();
                serializer.serialize_bytes(&bytes)
            }
        }
        serializer.collect_seq(self.0.chunks(PIECE).map(Piece))
    }
}

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pieces;
        impl<'de> Visitor<'de> for Pieces {
            type Value = Keys;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("path keys of 16 bytes each")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut pieces: A) -> Result<Keys, A::Error> {
                let mut all = Vec::new();
                while let Some(piece) = pieces.next_element::<&[u8]>()? {
                    let (keys, rest) = piece.as_chunks::<16>();
                    if !rest.is_empty() {
                        return Err(A::Error::custom("a key is cut off"));
                    }
                    all.extend(keys.iter().map(|key| u128::from_le_bytes(*key)));
                }
                Ok(Keys(all))
            }
        }
        deserializer.deserialize_seq(Pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_analyze::{Analyzer, Ask, Code, Dynamic, Fact, File, Language, Select, Sink};
    use assay_model::{Location, Os, Package, PackageKind, PathList, SourcePackage};
    use proptest::prelude::*;

    struct Any;

    impl Analyzer for Any {
        fn id(&self) -> AnalyzerId {
            AnalyzerId { name: "any", revision: 3 }
        }
        fn select(&self) -> &'static [Select] {
            &[]
        }
        fn analyze(&self, _: &File<'_>, _: &mut Sink<'_>) {}
    }

    fn diff_id() -> DiffId {
        DiffId(assay_model::Digest::Sha256([7; 32]))
    }

    /// An analysis with every kind of fact.
    fn sample() -> LayerAnalysis {
        let mut package = Package::new(PackageKind::Deb, "libssl3", "3.0.15-1");
        package.source = Some(SourcePackage { name: "openssl".into(), version: "3.0.15-1".into() });
        package.locations.push(Location { path: "a".into(), layer: None });
        let facts = vec![
            Fact::Package(Box::new(package)),
            Fact::Os {
                os: Box::new(Os {
                    distro: assay_model::distro::by_id("debian"),
                    id: "debian".into(),
                    ..Os::default()
                }),
                rank: 3,
            },
            Fact::OwnedFiles {
                manager: "dpkg".into(),
                package: "libssl3".into(),
                files: PathList::from_iter(["usr/lib/libssl.so.3"]),
            },
            Fact::Licenses {
                manager: "dpkg".into(),
                package: "libssl3".into(),
                licenses: vec!["Apache-2.0".into()],
            },
            Fact::Code(Box::new(Code {
                language: Language::Native,
                size: 9,
                name: None,
                library: true,
                asks: vec![Ask::Library("libc.so.6".into()), Ask::Dynamic(Dynamic::Program)],
            })),
        ];
        let warnings = vec![Warning::unscanned("odd", Some("a"), "it is odd")];
        let said = FileAnalysis { analyzer: "any", said: PathFacts { facts, warnings } };
        LayerAnalysis {
            diff_id: Some(diff_id()),
            repeatable: true,
            files: [("a".to_owned(), vec![said])].into(),
            symlinks: [("lib".to_owned(), "usr/lib".to_owned())].into(),
            symlinks_left_out: true,
            cover: Cover {
                whiteouts: vec![8],
                opaque: vec![9],
                replaced: vec![1, u128::MAX],
                folders: vec![2],
            },
            warnings: vec![Warning::notice("n", None, "m")],
            entries: 5,
            unpacked_size: 6,
        }
    }

    #[test]
    fn what_was_kept_comes_back() {
        let matcher = Matcher::new([&Any as &dyn Analyzer]);
        let bytes = encode(&sample(), &matcher, 1).unwrap();
        let entry = decode(&bytes, diff_id(), &matcher, 1).unwrap();
        assert_eq!(entry, Entry { analysis: sample(), stale: Vec::new() });
        assert_eq!(decode(&bytes, diff_id(), &matcher, 2), None, "other bounds");
        let other = DiffId(assay_model::Digest::Sha256([8; 32]));
        assert_eq!(decode(&bytes, other, &matcher, 1), None, "another layer");
        let unrepeatable = LayerAnalysis { repeatable: false, ..sample() };
        assert_eq!(encode(&unrepeatable, &matcher, 1), None);
    }

    #[test]
    fn millions_of_marks_come_back() {
        let matcher = Matcher::new([&Any as &dyn Analyzer]);
        let mut many = sample();
        many.cover.folders = (0..10 * PIECE as u128 + 7).collect();
        let bytes = encode(&many, &matcher, 1).unwrap();
        assert_eq!(decode(&bytes, diff_id(), &matcher, 1).unwrap().analysis, many);
    }

    /// Should this fail, a field or a variant was added, removed or moved: raise the last byte of [`MAGIC`], so that entries
    /// of older programs are not read as something else, and then correct the number here.
    #[test]
    fn the_encoding_is_that_of_this_format() {
        let matcher = Matcher::new([&Any as &dyn Analyzer]);
        let bytes = encode(&sample(), &matcher, 1).unwrap();
        let kinds: Vec<&str> = PackageKind::ALL.iter().map(|kind| kind.purl_type()).collect();
        let shape =
            (MAGIC[7], crc32fast::hash(&bytes[HEADER..]), crc32fast::hash(kinds.join(" ").as_bytes()));
        assert_eq!(shape, (5, 1_771_522_659, 534_284_252));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_bytes_are_survived(body in proptest::collection::vec(any::<u8>(), 0..400), at in 0usize..300, with: u8) {
            let matcher = Matcher::new([&Any as &dyn Analyzer]);
            // A right checksum, so that the decoder sees the bytes.
            let mut sealed = MAGIC.to_vec();
            sealed.extend(crc32fast::hash(&body).to_le_bytes());
            sealed.extend(&body);
            decode(&sealed, diff_id(), &matcher, 1);
            decode(&body, diff_id(), &matcher, 1);
            let mut bytes = encode(&sample(), &matcher, 1).unwrap();
            let at = HEADER + at % (bytes.len() - HEADER);
            bytes[at] = with;
            let crc = crc32fast::hash(&bytes[HEADER..]).to_le_bytes();
            bytes[MAGIC.len()..HEADER].copy_from_slice(&crc);
            decode(&bytes, diff_id(), &matcher, 1);
        }
    }
}
