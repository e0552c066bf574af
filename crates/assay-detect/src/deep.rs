//! What a deep scan looks at besides: a forensic view of one digest, as observations rather than findings.
//!
//! It costs more (every executable's imports and constants are read) and says more than most want to know, so it runs only when it is
//! asked for. Each analyzer sees one file, as all others do.

mod archive;
mod download;
mod executable;
mod hidden;
mod start;

use assay_analyze::Analyzer;

/// Every analyzer of a deep scan.
pub const ANALYZERS: &[&dyn Analyzer] =
    &[&executable::Executable, &start::Start, &download::Download, &archive::Archive, &hidden::Hidden];

/// Returns at most `max` characters of a line that people are shown.
fn shown(text: &str, max: usize) -> String {
    let mut short: String = text.trim().chars().take(max).collect();
    if text.trim().chars().count() > max {
        short.push('…');
    }
    short
}
