//! Reading a layer by its table of contents: finding the table, checking it, and falling back to the whole layer.
//!
//! The manifest vouches for the table, the table for each file. Nothing vouches for the layer as a whole: its diff-id is taken
//! over from the configuration, and what is found is never kept.

use crate::Settings;
use crate::progress::Progress;
use assay_analyze::{LayerAnalysis, Limits, Matcher, analyze_table};
use assay_decode::toc::{Position, Table, TableError, estargz, zstd_chunked};
use assay_model::{Digest, Layer, Warning};
use assay_oci::{OpenImage, ReadLayerError};
use sha2::{Digest as _, Sha256};
use std::io;
use std::sync::atomic::Ordering;

/// What came of the attempt.
pub(crate) enum Lazy {
    /// The files that are wanted by name were looked at.
    Read(Box<LayerAnalysis>),
    /// The layer says of no table.
    NoTable,
    /// It says of one, which cannot be used: the layer has to be read whole.
    Unusable(Warning),
}

/// Why a table is not used.
#[derive(Debug, thiserror::Error)]
enum UseTableError {
    #[error("the manifest does not say how large the layer is")]
    NoSize,
    #[error("`{0}` is no SHA-256 digest")]
    NoDigest(String),
    #[error("its digest is not the one in the manifest")]
    Digest,
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Read(#[from] ReadLayerError),
    #[error(transparent)]
    Analyze(#[from] assay_analyze::AnalyzeLayerError),
}

/// Reads a layer by its table of contents, if it has one.
pub(crate) fn read(
    opened: &dyn OpenImage,
    index: usize,
    layer: &Layer,
    settings: &Settings<'_>,
    limits: &Limits,
    progress: &Progress,
) -> Lazy {
    let annotation = |name: &str| layer.annotations.get(name).map(String::as_str);
    let position = annotation(zstd_chunked::POSITION).or_else(|| annotation(zstd_chunked::OLD_POSITION));
    let checksum = annotation(zstd_chunked::CHECKSUM).or_else(|| annotation(zstd_chunked::OLD_CHECKSUM));
    let at = match (position, annotation(estargz::DIGEST)) {
        (Some(position), _) => Place::ZstdChunked(position, checksum),
        (None, Some(digest)) => Place::Estargz(digest),
        (None, None) => return Lazy::NoTable,
    };
    match attempt(opened, index, layer, &at, settings, limits, progress) {
        Ok((analysis, fetched)) => {
            // What was left out is done, too.
            let rest = layer.size.unwrap_or_default().saturating_sub(fetched);
            progress.bytes_read.fetch_add(rest, Ordering::Relaxed);
            Lazy::Read(Box::new(analysis))
        }
        Err(error) => {
            let mut message = format!("its table of contents is not used and it was read whole: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                message.push_str(&format!(": {source}"));
                cause = source.source();
            }
            Lazy::Unusable(Warning::notice("unusable-table", None, message))
        }
    }
}

/// Where the table is said to be.
enum Place<'a> {
    ZstdChunked(&'a str, Option<&'a str>),
    Estargz(&'a str),
}

fn attempt(
    opened: &dyn OpenImage,
    index: usize,
    layer: &Layer,
    at: &Place<'_>,
    settings: &Settings<'_>,
    limits: &Limits,
    progress: &Progress,
) -> Result<(LayerAnalysis, u64), UseTableError> {
    let size = layer.size.ok_or(UseTableError::NoSize)?;
    let mut fetched = 0_u64;
    let mut part = |offset, len| {
        let bytes = opened.read_part(index, offset, len)?;
        fetched = fetched.saturating_add(len);
        progress.bytes_read.fetch_add(len, Ordering::Relaxed);
        Ok::<_, ReadLayerError>(bytes)
    };
    let (position, json) = match at {
        Place::ZstdChunked(position, checksum) => {
            let position: Position = zstd_chunked::position(position, size)?;
            let stored = part(position.offset, position.len)?;
            check(&stored, checksum.unwrap_or_default())?;
            (position, zstd_chunked::json(&stored)?)
        }
        Place::Estargz(digest) => {
            let start = size.checked_sub(estargz::FOOTER_LEN).ok_or(TableError::Outside)?;
            let position = estargz::footer(&part(start, estargz::FOOTER_LEN)?, size)?;
            let json = estargz::json(&part(position.offset, position.len)?)?;
            check(&json, digest)?;
            (position, json)
        }
    };
    let table = Table::parse(&json, position.offset)?;
    drop(json);
    let mut fetch = |offset, len| part(offset, len).map_err(io::Error::other);
    let matcher = without_usage(&settings.matcher);
    let analysis = analyze_table(&table, size, layer.diff_id, &mut fetch, &matcher, limits)?;
    Ok((analysis, fetched))
}

/// Leaves out those who look at every piece of code to see what is used: without the programs that ask for it they could prove
/// little, and to have the code is to have most of the layer.
fn without_usage<'a>(matcher: &Matcher<'a>) -> Matcher<'a> {
    let usage: Vec<_> = assay_usage::analyzers().map(assay_analyze::Analyzer::id).collect();
    Matcher::new(matcher.analyzers().iter().copied().filter(|analyzer| !usage.contains(&analyzer.id())))
}

/// Compares bytes with the digest that the manifest has for them.
fn check(bytes: &[u8], digest: &str) -> Result<(), UseTableError> {
    match digest.parse() {
        Ok(Digest::Sha256(expected)) if <[u8; 32]>::from(Sha256::digest(bytes)) == expected => Ok(()),
        Ok(Digest::Sha256(_)) => Err(UseTableError::Digest),
        _ => Err(UseTableError::NoDigest(digest.chars().take(100).flat_map(char::escape_debug).collect())),
    }
}
