//! SPDX 2.3 as JSON: the bill of materials, which has no place for findings (<https://spdx.github.io/spdx-spec/v2.3/>).

use super::{Format, Options};
use assay_model::Report;
use assay_sbom::write;
use std::io::{self, Write};

/// Writes SPDX.
pub(super) struct Spdx;

impl Format for Spdx {
    fn name(&self) -> &'static str {
        "spdx"
    }

    fn write(&self, report: &Report, options: &Options, out: &mut dyn Write) -> io::Result<()> {
        let document = super::cyclonedx::document(report, options);
        write(&document, None, assay_sbom::Format::SpdxJson, out)
    }
}
