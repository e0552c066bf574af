//! Writes a bill of materials in any format.

use crate::cyclonedx::{self, Version, findings, to_model, xml_write};
use crate::document::Document;
use crate::{spdx2, spdx3, xml};
use assay_escape::json::write_pretty;
use assay_model::Report;
use std::io::{self, Write};

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// CycloneDX, as JSON.
    CycloneDxJson(Version),
    /// CycloneDX, as XML.
    CycloneDxXml(Version),
    /// SPDX 2.3, as JSON.
    SpdxJson,
    /// SPDX 2.3, as tag-value.
    SpdxTagValue,
    /// SPDX 3.0.1, as JSON-LD.
    Spdx3,
}

/// A format or version that is not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownFormat {
    /// There is no such format.
    #[error("there is no format `{0}`: expected cyclonedx, cyclonedx-xml, spdx, spdx-tv or spdx3")]
    Name(String),
    /// The format has no such version.
    #[error("`{name}` is not written in version `{version}`: expected {expected}")]
    Version {
        /// The format.
        name: String,
        /// The version asked for.
        version: String,
        /// Those there are.
        expected: String,
    },
}

impl Format {
    /// The names of the formats.
    pub const NAMES: [&'static str; 5] = ["cyclonedx", "cyclonedx-xml", "spdx", "spdx-tv", "spdx3"];

    /// Returns the format of this name, in a version if one is asked for.
    ///
    /// # Errors
    /// Fails when there is none.
    pub fn named(name: &str, version: Option<&str>) -> Result<Self, UnknownFormat> {
        let wrong = |version: &str, expected: String| UnknownFormat::Version {
            name: name.to_owned(),
            version: version.to_owned(),
            expected,
        };
        let cyclonedx = || match version {
            None => Ok(Version::V1_6),
            Some(text) => text
                .parse()
                .map_err(|()| wrong(text, Version::ALL.map(|version| version.to_string()).join(", "))),
        };
        let only = |format, wanted: &[&str]| match version {
            Some(text) if !wanted.contains(&text) => {
                Err(wrong(text, wanted.first().copied().unwrap_or_default().to_owned()))
            }
            _ => Ok(format),
        };
        match name {
            "cyclonedx" => Ok(Self::CycloneDxJson(cyclonedx()?)),
            "cyclonedx-xml" => Ok(Self::CycloneDxXml(cyclonedx()?)),
            "spdx" => match version {
                Some("3.0" | "3.0.1") => Ok(Self::Spdx3),
                _ => only(Self::SpdxJson, &["2.3"]),
            },
            "spdx-tv" => only(Self::SpdxTagValue, &["2.3"]),
            "spdx3" => only(Self::Spdx3, &["3.0.1", "3.0"]),
            _ => Err(UnknownFormat::Name(name.to_owned())),
        }
    }
}

/// Writes a document; with a report, from which it was composed, CycloneDX also says what is vulnerable.
///
/// # Errors
/// Fails only as `out` does.
pub fn write(
    document: &Document,
    report: Option<&Report>,
    format: Format,
    out: &mut dyn Write,
) -> io::Result<()> {
    let bom = |version: cyclonedx::Version| {
        let mut bom = to_model::bom(document, version);
        if let Some(report) = report {
            bom.vulnerabilities = findings::vulnerabilities(report, document, version);
        }
        bom
    };
    match format {
        Format::CycloneDxJson(version) => write_pretty(&bom(version), out),
        Format::CycloneDxXml(version) => out.write_all(xml::write(&xml_write::bom(&bom(version))).as_bytes()),
        Format::SpdxJson => write_pretty(&spdx2::to_model::spdx(document), out),
        Format::SpdxTagValue => {
            out.write_all(spdx2::tag_write::write(&spdx2::to_model::spdx(document)).as_bytes())
        }
        Format::Spdx3 => write_pretty(&spdx3::write::document(document), out),
    }
}
