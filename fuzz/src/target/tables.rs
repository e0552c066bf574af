//! Tables of contents of layers: the table's readers, and the pass over a table that lies about its layer.

use super::{choice, chosen};
use crate::{Target, seed};
use assay_analyze::{LayerAnalysis, Limits, Matcher, analyze_table};
use assay_decode::toc::{Position, Table, estargz, zstd_chunked};
use assay_test::chunked::{self, Chunked};
use std::io;
use std::sync::OnceLock;

/// What the readers are told of the blob's size.
const SIZE: u64 = 1 << 20;

pub(super) fn targets() -> Vec<Target> {
    vec![Target::new("table", table_seeds, table), Target::new("table-layer", layer_seeds, layer)]
}

fn made() -> [(Chunked, Position, Vec<u8>); 2] {
    let tar = seed::layer(&[
        ("etc/os-release".to_owned(), b"ID=alpine\nVERSION_ID=3.20.1\n".to_vec()),
        ("srv/go.mod".to_owned(), b"module a.b/c\nrequire x.y/z v1.2.3\n".to_vec()),
        ("srv/.wh.gone".to_owned(), Vec::new()),
        ("srv/package-lock.json".to_owned(), vec![b' '; chunked::CHUNK + 5]),
    ]);
    let (gzip, zstd) = (chunked::estargz(&tar), chunked::zstd_chunked(&tar));
    let size = |layer: &Chunked| u64::try_from(layer.blob.len()).expect("it is in memory");
    let part = |layer: &Chunked, at: Position| {
        let start = usize::try_from(at.offset).expect("it is in memory");
        let stored = layer.blob.get(start..).unwrap_or_default();
        stored.get(..usize::try_from(at.len).expect("it is in memory")).unwrap_or_default().to_vec()
    };
    let footer = gzip.blob.len().saturating_sub(51);
    let at = estargz::footer(gzip.blob.get(footer..).unwrap_or_default(), size(&gzip)).expect("it is right");
    let text =
        zstd.annotations.get(zstd_chunked::POSITION).and_then(|value| value.as_str()).unwrap_or_default();
    let zstd_at = zstd_chunked::position(text, size(&zstd)).expect("it is right");
    let (gzip_part, zstd_part) = (part(&gzip, at), part(&zstd, zstd_at));
    [(gzip, at, gzip_part), (zstd, zstd_at, zstd_part)]
}

fn table_seeds() -> Vec<Vec<u8>> {
    let [(gzip, _, gzip_part), (_, _, zstd_part)] = made();
    let footer = gzip.blob.len().saturating_sub(51);
    let json = zstd_chunked::json(&zstd_part).expect("it is right");
    vec![
        chosen(0, gzip.blob.get(footer..).unwrap_or_default()),
        chosen(1, b"100:200:300:1"),
        chosen(2, &gzip_part),
        chosen(3, &zstd_part),
        chosen(4, &json),
    ]
}

fn table(data: &[u8]) -> String {
    let (which, data) = choice(data);
    match which % 5 {
        0 => format!("{:?}", estargz::footer(data, SIZE)),
        1 => format!("{:?}", zstd_chunked::position(&String::from_utf8_lossy(data), SIZE)),
        2 => format!("{:?}", estargz::json(data).and_then(|json| Table::parse(&json, SIZE))),
        3 => format!("{:?}", zstd_chunked::json(data).and_then(|json| Table::parse(&json, SIZE))),
        _ => format!("{:?}", Table::parse(data, SIZE)),
    }
}

/// The table's JSON, an empty byte, and the blob up to where the table would be.
fn layer_seeds() -> Vec<Vec<u8>> {
    let [(gzip, at, gzip_part), (zstd, zstd_at, zstd_part)] = made();
    let seed = |layer: &Chunked, at: Position, json: &[u8]| {
        let end = usize::try_from(at.offset).expect("it is in memory");
        [json, &[0], layer.blob.get(..end).unwrap_or_default()].concat()
    };
    vec![
        seed(&gzip, at, &estargz::json(&gzip_part).expect("it is right")),
        seed(&zstd, zstd_at, &zstd_chunked::json(&zstd_part).expect("it is right")),
    ]
}

fn layer(data: &[u8]) -> Option<LayerAnalysis> {
    static MATCHER: OnceLock<Matcher<'static>> = OnceLock::new();
    let matcher =
        MATCHER.get_or_init(|| Matcher::new(assay_engine::analyzers(&assay_model::FindingKind::ALL)));
    let end = data.iter().position(|byte| *byte == 0)?;
    let (json, blob) = data.split_at_checked(end)?;
    let blob = blob.get(1..)?;
    let size = u64::try_from(blob.len()).ok()?;
    let table = Table::parse(json, size).ok()?;
    let mut fetched = 0;
    let mut fetch = |offset: u64, len: u64| {
        fetched += len;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let part = blob.get(start..).and_then(|rest| rest.get(..usize::try_from(len).ok()?));
        part.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    };
    // What may come out of a few bytes is counted from the start: a fuzzer has not the time for four gigabytes.
    let limits =
        Limits { free_expansion: 16 << 20, memory_per_file: 1 << 20, ..Limits::new(std::env::temp_dir()) };
    let analysis = analyze_table(&table, size, None, &mut fetch, matcher, &limits).ok();
    assert!(fetched <= size, "more was fetched than there is");
    let analysis = analysis?;
    for warning in &analysis.warnings {
        assert_ne!(warning.code, "analyzer-failed", "{warning:?}");
    }
    Some(analysis)
}
