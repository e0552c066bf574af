//! CycloneDX 1.6 as JSON: the bill of materials together with the vulnerabilities (<https://cyclonedx.org/docs/1.6/json/>).

use super::{Format, Options};
use assay_model::Report;
use assay_sbom::{Origin, compose, write};
use std::io::{self, Write};

/// Writes CycloneDX.
pub(super) struct CycloneDx;

impl Format for CycloneDx {
    fn name(&self) -> &'static str {
        "cyclonedx"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let format = assay_sbom::Format::CycloneDxJson(assay_sbom::CycloneDxVersion::V1_6);
        write(&document(report, options), Some(report), format, out)
    }
}

/// Returns the bill of materials of what a report is about.
pub(super) fn document(report: &Report, options: &Options) -> assay_sbom::Document {
    let origin =
        Origin { source: report.source, version: options.version, created: options.time, files: false };
    compose(&report.image, &report.inventory, &origin)
}
