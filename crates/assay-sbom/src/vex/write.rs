//! Writes statements as a document of any format.

use super::{Statement, csaf, cyclonedx, openvex};
use assay_escape::json::write_pretty;
use assay_model::Timestamp;
use serde_json::json;
use std::io::{self, Write};
use std::str::FromStr;

/// A format that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// OpenVEX 0.2.0.
    #[default]
    OpenVex,
    /// The VEX profile of CSAF 2.0.
    Csaf,
    /// CycloneDX 1.6.
    CycloneDx,
}

/// A text names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected openvex, csaf or cyclonedx")]
pub struct UnknownVexFormat;

impl FromStr for Format {
    type Err = UnknownVexFormat;
    fn from_str(text: &str) -> Result<Self, UnknownVexFormat> {
        match text {
            "openvex" => Ok(Self::OpenVex),
            "csaf" => Ok(Self::Csaf),
            "cyclonedx" => Ok(Self::CycloneDx),
            _ => Err(UnknownVexFormat),
        }
    }
}

/// What a document says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Who makes the statements.
    pub author: String,
    /// An address that stands for the author; CSAF asks for one.
    pub namespace: String,
    /// What identifies the document.
    pub identity: String,
    /// When it is made.
    pub time: Timestamp,
    /// The version of Assay.
    pub version: String,
}

impl Heading {
    /// Returns a heading whose identity comes from what is stated: the same statements give the same document.
    pub fn new(
        author: &str,
        namespace: &str,
        time: Timestamp,
        version: &str,
        statements: &[Statement],
    ) -> Self {
        let content = serde_json::to_string(&openvex::statements(statements)).unwrap_or_default();
        Self {
            author: author.to_owned(),
            namespace: namespace.to_owned(),
            identity: crate::identity::uuid(&["assay-vex", author, &time.to_string(), &content]),
            time,
            version: version.to_owned(),
        }
    }
}

/// Why statements cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteVexError {
    /// CycloneDX has one subject per document.
    #[error("a CycloneDX document is about one product, and the statements are about parts of several")]
    SeveralProducts,
    /// As `out` does.
    #[error("the document cannot be written")]
    Io(#[from] io::Error),
}

/// Writes a document of these statements. OpenVEX and CSAF name one author per document: that of the heading.
///
/// # Errors
/// Fails as `out` does, and when the format cannot say it.
pub fn write(
    statements: &[Statement],
    heading: &Heading,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), WriteVexError> {
    match format {
        Format::OpenVex => {
            let document = json!({
                "@context": openvex::CONTEXT,
                "@id": format!("https://assay.invalid/vex/{}", heading.identity),
                "author": heading.author,
                "timestamp": heading.time.to_string(),
                "version": 1,
                "tooling": format!("assay {}", heading.version),
                "statements": openvex::statements(statements),
            });
            write_pretty(&document, out)?;
        }
        Format::Csaf => {
            let document = csaf::write(statements, heading);
            write_pretty(&document, out)?;
        }
        Format::CycloneDx => {
            let document = cyclonedx::write(statements, heading).ok_or(WriteVexError::SeveralProducts)?;
            write_pretty(&document, out)?;
        }
    }
    Ok(())
}
