//! One report with something of everything, in every format, as snapshots.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests are tests too: what is wrong should stop them at once"
)]

mod diff;
mod filter;
mod formats;
mod json;
mod read;
mod sample;
mod sarif;
mod table;

use assay_model::Report;
use assay_report::{Options, format};

/// Renders a report as text.
fn render(format: &str, report: &Report, options: &Options) -> String {
    let mut bytes = Vec::new();
    format::by_name(format).unwrap().write(report, options, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Options of tests: the version is not this release's, so that snapshots outlive it.
fn options() -> Options {
    Options { version: "1.2.3", ..Options::default() }
}
